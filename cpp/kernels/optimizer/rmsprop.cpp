// RMSprop: steps divided by the root of the running mean of squared gradients. Tieleman & Hinton 2012; centered, with
// their variance in its place: Graves 2013.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <bool kCentered, bool kMomentum>
PYCNN_INLINE void pass(float* w, const float* g, float* const* state, int64_t n, OptimizerStep s) {
  const float rho = static_cast<float>(s.rho), rest = static_cast<float>(1.0 - s.rho);
  float *v = state[0], *m = state[1], *a = state[2];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes);
    const Vec square = rho * load(v + i, lanes) + rest * (gradient * gradient);
    store(v + i, square, lanes);
    Vec variance = square;
    if constexpr (kCentered) {
      const Vec average = rho * load(a + i, lanes) + rest * gradient;
      store(a + i, average, lanes);
      variance = square - average * average;
    }
    Vec step = s.learning_rate * gradient / square_root(variance + s.epsilon);
    if constexpr (kMomentum) {
      step += s.momentum * load(m + i, lanes);
      store(m + i, step, lanes);
    }
    store(w + i, load(w + i, lanes) - step, lanes);
  });
}

}  // namespace

void rmsprop(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const bool momentum = state[1], centered = state[2];
  if (centered && momentum) return pass<true, true>(w, g, state, n, s);
  if (centered) return pass<true, false>(w, g, state, n, s);
  if (momentum) return pass<false, true>(w, g, state, n, s);
  pass<false, false>(w, g, state, n, s);
}

}  // namespace pycnn::PYCNN_ISA
