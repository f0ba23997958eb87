// Nadam: Adam with Nesterov's momentum. Dozat 2016.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

void nadam(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float rate_1 = static_cast<float>(1.0 - s.beta_1), rate_2 = static_cast<float>(1.0 - s.beta_2);
  const float mean_share = s.mean_share, gradient_share = s.gradient_share, square_scale = s.square_scale;
  const float learning_rate = s.learning_rate, epsilon = s.epsilon;
  float *m = state[0], *v = state[1];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes);
    Vec first = load(m + i, lanes);
    Vec second = load(v + i, lanes);
    first += (gradient - first) * rate_1;
    second += (gradient * gradient - second) * rate_2;
    store(m + i, first, lanes);
    store(v + i, second, lanes);
    const Vec mean = mean_share * first + gradient_share * gradient;
    store(w + i, load(w + i, lanes) - learning_rate * mean / (square_root(square_scale * second) + epsilon), lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
