// Gradient descent, with momentum, and with Nesterov's: Sutskever et al. 2013.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

void gradient_descent(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float learning_rate = s.learning_rate, momentum = s.momentum;
  float* m = state[0];
  if (!m) {
    for_vectors(n, [&](int64_t i, auto lanes) {
      store(w + i, load(w + i, lanes) - learning_rate * load(g + i, lanes), lanes);
    });
    return;
  }
  const bool nesterov = s.nesterov;
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec descent = learning_rate * load(g + i, lanes);
    const Vec velocity = momentum * load(m + i, lanes) - descent;
    store(m + i, velocity, lanes);
    const Vec step = nesterov ? momentum * velocity - descent : velocity;
    store(w + i, load(w + i, lanes) + step, lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
