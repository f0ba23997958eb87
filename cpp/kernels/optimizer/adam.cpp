// Adam: Kingma & Ba 2015. With the largest running mean so far (amsgrad): Reddi et al. 2018.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <bool kAmsgrad>
PYCNN_INLINE void pass(float* w, const float* g, float* const* state, int64_t n, OptimizerStep s) {
  const float rate_1 = static_cast<float>(1.0 - s.beta_1), rate_2 = static_cast<float>(1.0 - s.beta_2);
  float *m = state[0], *v = state[1], *u = state[2];
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec gradient = load(g + i, lanes);
    Vec first = load(m + i, lanes);
    Vec second = load(v + i, lanes);
    first += (gradient - first) * rate_1;
    second += (gradient * gradient - second) * rate_2;
    store(m + i, first, lanes);
    store(v + i, second, lanes);
    if constexpr (kAmsgrad) {
      second = maximum(load(u + i, lanes), second);
      store(u + i, second, lanes);
    }
    const Vec step = s.step_size * first / (square_root(second) + s.epsilon);
    store(w + i, load(w + i, lanes) - step, lanes);
  });
}

}  // namespace

void adam(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  s.amsgrad ? pass<true>(w, g, state, n, s) : pass<false>(w, g, state, n, s);
}

}  // namespace pycnn::PYCNN_ISA
