// Adagrad: steps divided by the root of the sum of all squared gradients. Duchi et al. 2011.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

void adagrad(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float learning_rate = s.learning_rate, epsilon = s.epsilon;
  float* a = state[0];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes);
    const Vec sum = load(a + i, lanes) + gradient * gradient;
    store(a + i, sum, lanes);
    store(w + i, load(w + i, lanes) - learning_rate * gradient / square_root(sum + epsilon), lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
