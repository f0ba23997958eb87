// The one form of every flat loop: whole vectors first, then the rest through the same code with a count.
//
//   for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes); });
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

struct AllLanes {};
struct FirstLanes {
  int64_t count;  // 0 < count < kLanes
};

PYCNN_INLINE int64_t lane_count(AllLanes) { return kLanes; }
PYCNN_INLINE int64_t lane_count(FirstLanes lanes) { return lanes.count; }

PYCNN_INLINE Vec load(const float* p, AllLanes) { return load(p); }
PYCNN_INLINE Vec load(const float* p, FirstLanes lanes) { return load_n(p, lanes.count); }
PYCNN_INLINE void store(float* p, Vec v, AllLanes) { store(p, v); }
PYCNN_INLINE void store(float* p, Vec v, FirstLanes lanes) { store_n(p, v, lanes.count); }

// v with `fill` in the lanes that were not loaded: the neutral element of a reduction.
PYCNN_INLINE Vec fill_rest(Vec v, AllLanes, float) { return v; }
PYCNN_INLINE Vec fill_rest(Vec v, FirstLanes lanes, float fill) {
  return select(lane_index() < broadcast_int(static_cast<int32_t>(lanes.count)), v, broadcast(fill));
}

template <typename Body>
PYCNN_INLINE void for_vectors(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, AllLanes{});
  if (i < n) body(i, FirstLanes{n - i});
}

PYCNN_INLINE void copy(float* y, const float* x, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes), lanes); });
}

PYCNN_INLINE void fill(float* y, float value, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, broadcast(value), lanes); });
}

}  // namespace pycnn::PYCNN_ISA
