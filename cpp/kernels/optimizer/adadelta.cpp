// Adadelta: steps as large as those before, in proportion to gradients as large as those before. Zeiler 2012.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

void adadelta(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float learning_rate = s.learning_rate, epsilon = s.epsilon;
  const float rho = static_cast<float>(s.rho), rest = static_cast<float>(1.0 - s.rho);
  float *a = state[0], *d = state[1];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes), steps = load(d + i, lanes);
    const Vec square = rho * load(a + i, lanes) + rest * (gradient * gradient);
    store(a + i, square, lanes);
    const Vec step = square_root(steps + epsilon) * gradient / square_root(square + epsilon);
    store(d + i, rho * steps + rest * (step * step), lanes);
    store(w + i, load(w + i, lanes) - learning_rate * step, lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
