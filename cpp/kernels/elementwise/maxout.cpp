// Maxout: the maximum over groups of `pieces` neighbouring channels, a vector of groups at a time. NaN wins over
// every number.
#include "kernels/elementwise/parts.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <typename Lanes>
PYCNN_INLINE Vec load_strided(const float* p, int64_t stride, Lanes lanes) {
  Vec v{};
  for (int64_t i = 0; i < lane_count(lanes); ++i) v[i] = p[i * stride];
  return v;
}

template <typename Lanes>
PYCNN_INLINE void store_strided(float* p, int64_t stride, Vec v, Lanes lanes) {
  for (int64_t i = 0; i < lane_count(lanes); ++i) p[i * stride] = v[i];
}

template <typename Lanes>
PYCNN_INLINE Vec maximum_of(const float* x, int64_t pieces, Lanes lanes) {
  Vec top = load_strided(x, pieces, lanes);
  for (int64_t i = 1; i < pieces; ++i) top = maximum_or_nan(top, load_strided(x + i, pieces, lanes));
  return top;
}

}  // namespace

void maxout_forward(float* y, const float* x, int64_t rows, int64_t units, int64_t pieces) {
  for_vectors(rows * units,
              [&](int64_t j, auto lanes) { store(y + j, maximum_of(x + j * pieces, pieces, lanes), lanes); });
}

void maxout_backward(float* dx, const float* x, const float* dy, int64_t rows, int64_t units, int64_t pieces) {
  for_vectors(rows * units, [&](int64_t j, auto lanes) {
    const float* group = x + j * pieces;
    const Vec top = maximum_of(group, pieces, lanes);
    Vec rest = load(dy + j, lanes);  // becomes 0 in the lanes whose maximum has been met
    for (int64_t i = 0; i < pieces; ++i) {
      const Vec value = load_strided(group + i, pieces, lanes);
      const IntVec found = (value == top) | (value != value);
      store_strided(dx + j * pieces + i, pieces, select(found, rest, Vec{}), lanes);
      rest = select(found, Vec{}, rest);
    }
  });
}

}  // namespace pycnn::PYCNN_ISA
