// Optimizer steps, one pass over flat arrays, in place.
#include "kernels/optimizer/optimizer.h"

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

void sgd(float* w, const float* g, float* m, int64_t n, const SgdStep& s) {
  const float learning_rate = s.learning_rate, momentum = s.momentum;
  if (momentum == 0.0f) {
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

template <bool kCentered, bool kMomentum>
PYCNN_INLINE void rmsprop_pass(float* w, const float* g, float* v, float* a, float* m, int64_t n, RmspropStep s) {
  const float rho = static_cast<float>(s.rho), rest = static_cast<float>(1.0 - s.rho);
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

void rmsprop(float* w, const float* g, float* v, float* a, float* m, int64_t n, const RmspropStep& s) {
  if (s.centered && s.momentum > 0.0f) return rmsprop_pass<true, true>(w, g, v, a, m, n, s);
  if (s.centered) return rmsprop_pass<true, false>(w, g, v, a, m, n, s);
  if (s.momentum > 0.0f) return rmsprop_pass<false, true>(w, g, v, a, m, n, s);
  rmsprop_pass<false, false>(w, g, v, a, m, n, s);
}

template <bool kAmsgrad>
PYCNN_INLINE void adam_pass(float* w, const float* g, float* m, float* v, float* u, int64_t n, AdamStep s) {
  const float rate_1 = static_cast<float>(1.0 - s.beta_1), rate_2 = static_cast<float>(1.0 - s.beta_2);
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

void adam(float* w, const float* g, float* m, float* v, float* u, int64_t n, const AdamStep& s) {
  s.amsgrad ? adam_pass<true>(w, g, m, v, u, n, s) : adam_pass<false>(w, g, m, v, u, n, s);
}

}  // namespace

OptimizerKernels optimizer_kernels() {
  OptimizerKernels kernels{};
  kernels.sgd = sgd;
  kernels.rmsprop = rmsprop;
  kernels.adam = adam;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
