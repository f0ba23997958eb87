// What changes the values of an image where they are.
#pragma once

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

struct Range {
  float low, high;
};

PYCNN_INLINE Range range_of(const float* y, int64_t n) {
  Vec low = broadcast(y[0]), high = low;
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec v = fill_rest(load(y + i, lanes), lanes, y[0]);
    low = minimum(low, v);
    high = maximum(high, v);
  });
  Range range{low[0], high[0]};
  for (int i = 1; i < kLanes; ++i) {
    range.low = low[i] < range.low ? low[i] : range.low;
    range.high = high[i] > range.high ? high[i] : range.high;
  }
  return range;
}

// The mean of (y - center)^power, power 1 or 2. Blocks are summed in float64.
template <int kPower>
PYCNN_INLINE double mean_power(const float* y, int64_t n, float center) {
  constexpr int64_t kBlock = 256;
  double total = 0.0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    Vec sum{};
    for_vectors(min(kBlock, n - begin), [&](int64_t i, auto lanes) {
      const Vec d = fill_rest(load(y + begin + i, lanes), lanes, center) - center;
      sum += kPower == 1 ? d : d * d;
    });
    total += static_cast<double>(sum_lanes(sum));
  }
  return total / static_cast<double>(n);
}

// y = clip(y + term, low, high).
PYCNN_INLINE void add_within(float* y, int64_t n, float term, Range range) {
  for_vectors(n, [&](int64_t i, auto lanes) {
    store(y + i, minimum(broadcast(range.high), maximum(broadcast(range.low), load(y + i, lanes) + term)), lanes);
  });
}

// y = clip(black + (y - black) factor, black, white).
PYCNN_INLINE void brighten(float* y, int64_t n, float factor, Range range) {
  for_vectors(n, [&](int64_t i, auto lanes) {
    const Vec v = (load(y + i, lanes) - range.low) * factor + range.low;
    store(y + i, minimum(broadcast(range.high), maximum(broadcast(range.low), v)), lanes);
  });
}

// y = (y - center) factor.
PYCNN_INLINE void center_and_scale(float* y, int64_t n, float center, float factor) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, (load(y + i, lanes) - center) * factor, lanes); });
}

// y (pixels, c) = y scale + shift of its channel.
PYCNN_INLINE void scale_channels(float* y, int64_t pixels, int64_t c, const float* scale, const float* shift) {
  constexpr int64_t kPattern = 4;  // up to so many channels are repeated until they fill whole vectors
  if (c > kPattern) {
    for (int64_t i = 0; i < pixels; ++i, y += c) {
      for_vectors(c, [&](int64_t k, auto lanes) {
        store(y + k, load(y + k, lanes) * load(scale + k, lanes) + load(shift + k, lanes), lanes);
      });
    }
    return;
  }
  float scales[kPattern * kLanes], shifts[kPattern * kLanes];
  for (int64_t i = 0; i < c * kLanes; ++i) {
    scales[i] = scale[i % c];
    shifts[i] = shift[i % c];
  }
  for (int64_t i = 0; i < pixels; i += kLanes, y += c * kLanes) {
    for_vectors(min(kLanes, pixels - i) * c, [&](int64_t k, auto lanes) {
      store(y + k, load(y + k, lanes) * load(scales + k, lanes) + load(shifts + k, lanes), lanes);
    });
  }
}

}  // namespace pycnn::PYCNN_ISA
