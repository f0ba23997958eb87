// Lion: steps of one size, with the sign of a mean of momentum and gradient. Chen et al. 2023.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

void lion(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float beta_1 = static_cast<float>(s.beta_1), rest_1 = static_cast<float>(1.0 - s.beta_1);
  const float beta_2 = static_cast<float>(s.beta_2), rest_2 = static_cast<float>(1.0 - s.beta_2);
  const float learning_rate = s.learning_rate;
  float* m = state[0];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes), mean = load(m + i, lanes);
    store(w + i, load(w + i, lanes) - learning_rate * sign(beta_1 * mean + rest_1 * gradient), lanes);
    store(m + i, beta_2 * mean + rest_2 * gradient, lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
