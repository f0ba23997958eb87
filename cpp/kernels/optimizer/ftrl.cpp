// FTRL-proximal, "follow the regularized leader": McMahan et al. 2013, algorithm 1, with a shrinkage term besides.
#include "kernels/optimizer/formulas.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/precise.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kBlock = 64;

// y = x^p; p is not negative.
PYCNN_INLINE void powers(float* y, const float* x, int64_t n, float p) {
  if (p == 0.5f) {
    for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, square_root(load(x + i, lanes)), lanes); });
  } else {
    const DoubleVec exponent = broadcast_double(p);
    for_doubles(
        y, x, x, n, [exponent](DoubleVec u, DoubleVec) __attribute__((always_inline)) { return power(u, exponent); });
  }
}

}  // namespace

void ftrl(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s) {
  const float learning_rate = s.learning_rate, shrinkage = 2.0f * s.l2_shrinkage, l1 = s.l1, l2 = 2.0f * s.l2;
  float before[kBlock], after[kBlock];
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = min(kBlock, n - begin);
    float *wb = w + begin, *a = state[0] + begin, *z = state[1] + begin;
    const float* gb = g + begin;
    powers(before, a, count, s.power);
    for_vectors(count, [&](int64_t i, auto lanes) {
      const Vec gradient = load(gb + i, lanes);
      store(a + i, load(a + i, lanes) + gradient * gradient, lanes);
    });
    powers(after, a, count, s.power);
    for_vectors(count, [&](int64_t i, auto lanes) {
      const Vec weight = load(wb + i, lanes), root = load(after + i, lanes);
      const Vec rise = (root - load(before + i, lanes)) / learning_rate;
      const Vec linear = load(z + i, lanes) + (load(gb + i, lanes) + shrinkage * weight - rise * weight);
      store(z + i, linear, lanes);
      const Vec clipped = minimum(broadcast(l1), maximum(broadcast(-l1), linear));
      store(wb + i, (clipped - linear) / (root / learning_rate + l2), lanes);
    });
  }
}

}  // namespace pycnn::PYCNN_ISA
