// y (outer, count, inner) = x (outer, n, inner) at index (count).
#include "kernels/tensor/parts.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Where an index points to: from the end where negative, inside [0, n) always. NaN counts as 0.
PYCNN_INLINE int64_t place_of(float index, int64_t n) {
  const float size = static_cast<float>(n);
  if (index >= size) return n - 1;
  if (!(index >= -size)) return 0;
  const int64_t whole = static_cast<int64_t>(index);
  return max(0, min(whole < 0 ? whole + n : whole, n - 1));
}

// Calls body(row of the taken ones, row of all) in order.
template <typename Body>
PYCNN_INLINE void for_places(const float* index, int64_t outer, int64_t n, int64_t count, Body body) {
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < count; ++i) body(o * count + i, o * n + place_of(index[i], n));
}

}  // namespace

void take(float* y, const float* x, const float* index, int64_t outer, int64_t n, int64_t inner, int64_t count) {
  if (n == 0) return fill(y, 0.0f, outer * count * inner);
  if (inner == 1) return for_places(index, outer, n, count, [&](int64_t to, int64_t from) { y[to] = x[from]; });
  for_places(index, outer, n, count, [&](int64_t to, int64_t from) { copy(y + to * inner, x + from * inner, inner); });
}

void take_backward(float* dx, const float* dy, const float* index, int64_t outer, int64_t n, int64_t inner,
                   int64_t count) {
  if (n == 0) return;
  for_places(index, outer, n, count, [&](int64_t from, int64_t to) {
    float* sum = dx + to * inner;
    const float* term = dy + from * inner;
    for_vectors(inner,
                [&](int64_t i, auto lanes) { store(sum + i, load(sum + i, lanes) + load(term + i, lanes), lanes); });
  });
}

}  // namespace pycnn::PYCNN_ISA
