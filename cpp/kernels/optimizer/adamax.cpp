// Adamax: Adam with the largest gradient, which decays, in place of the mean square. Kingma & Ba 2015, section 7.1.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

void adamax(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float rate_1 = static_cast<float>(1.0 - s.beta_1), beta_2 = static_cast<float>(s.beta_2);
  const float step_size = s.step_size, epsilon = s.epsilon;
  float *m = state[0], *u = state[1];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes);
    Vec first = load(m + i, lanes);
    first += (gradient - first) * rate_1;
    store(m + i, first, lanes);
    const Vec largest = maximum(beta_2 * load(u + i, lanes), absolute(gradient));
    store(u + i, largest, lanes);
    store(w + i, load(w + i, lanes) - step_size * first / (largest + epsilon), lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
