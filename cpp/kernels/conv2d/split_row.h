// Even and odd pixels of a row apart: where each vector lane is a window, or a tile, of two columns.
#pragma once

#include "simd/permute.h"

namespace pycnn::PYCNN_ISA {
namespace {

// How many of each the lanes' `taps` pixels reach, two further from lane to lane.
PYCNN_INLINE int64_t half_row(int64_t lanes, int64_t taps) {
  return (lanes + kLanes - 1) / kLanes * kLanes + taps / 2 + 1;
}

// `half` of each, of a row of `pixels`; after its end are zeros.
PYCNN_INLINE void split_row(float* even, float* odd, int64_t half, const float* x, int64_t pixels) {
  const IntVec first = 2 * lane_index();
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t left = pixels - 2 * i, lanes = min(kLanes, half - i);
    const Vec a = left > 0 ? load_n(x + 2 * i, min(kLanes, left)) : Vec{};
    const Vec b = left > kLanes ? load_n(x + 2 * i + kLanes, min(kLanes, left - kLanes)) : Vec{};
    store_n(even + i, permute(a, first, b), lanes);
    store_n(odd + i, permute(a, first + 1, b), lanes);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
