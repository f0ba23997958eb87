// y (oh, ow, c) = x (h, w, c) under an affine map of coordinates, bilinear or of the nearest pixel. Vectors of pixels
// of a row: coordinates by increments, their neighbours without a look at borders where all lie inside.
#pragma once

#include "kernels/image/coordinates.h"
#include "simd/gather.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

struct Source {
  const float* x;  // and four floats more, which may be read
  int64_t h, w, c;
};

// kLanes pixels of a row: where their four neighbours (upper left, upper right, lower left, lower right) lie, and how
// far they are from the upper left one. Adjacent taps are neighbours in the source too: only the first is filled in.
struct Taps {
  IntVec at[4];
  Vec fx, fy;
};

// The first and the last + 1 of the pixels j of a row whose coordinate start + j step lies between low and high.
PYCNN_INLINE void keep_inside(int64_t* begin, int64_t* end, double start, double step, double low, double high) {
  if (step == 0.0) {
    if (!(start >= low && start <= high)) *end = *begin;
    return;
  }
  double first = (low - start) / step, last = (high - start) / step;
  if (step < 0.0) {
    const double t = first;
    first = last;
    last = t;
  }
  // Half a pixel less at both ends is enough for what was rounded.
  const double to_begin = first + 1.0, to_end = last;
  if (to_begin > static_cast<double>(*begin)) {
    *begin = to_begin >= static_cast<double>(*end) ? *end : static_cast<int64_t>(to_begin);
  }
  if (to_end < static_cast<double>(*end)) {
    *end = to_end <= static_cast<double>(*begin) ? *begin : static_cast<int64_t>(to_end);
  }
}

// --- values of kLanes pixels, from the taps -------------------------------------------------------------------------
// a, where the weight is 0, and b, where it is 1: a flipped image has the same values.
template <class Value>
PYCNN_INLINE Value mix(Value a, Value b, Value weight) {
  return a * (1.0f - weight) + b * weight;
}

// One channel: a lane a pixel.
struct OneChannel {
  template <int kOrder, bool kAdjacent>
  PYCNN_INLINE void sample(float* y, const Source& s, const Taps& taps, int64_t count) {
    if constexpr (kOrder == 0) {
      store_n(y, gather(s.x, taps.at[0]), count);
    } else {
      const Corners v = kAdjacent ? gather_corners(s.x, s.w, taps.at[0])
                                  : Corners{gather(s.x, taps.at[0]), gather(s.x, taps.at[1]), gather(s.x, taps.at[2]),
                                            gather(s.x, taps.at[3])};
      store_n(y, mix(mix(v.upper_left, v.upper_right, taps.fx), mix(v.lower_left, v.lower_right, taps.fx), taps.fy),
              count);
    }
  }
};

// The taps where a loop over pixels reads them.
template <int kOrder, bool kAdjacent>
struct StoredTaps {
  static constexpr int kTaps = kOrder == 1 && !kAdjacent ? 4 : 1;
  int32_t at[kTaps][kLanes];
  float fx[kLanes], fy[kLanes];

  __attribute__((always_inline)) explicit StoredTaps(const Taps& taps) {
    for (int t = 0; t < kTaps; ++t) __builtin_memcpy(at[t], &taps.at[t], sizeof taps.at[t]);
    __builtin_memcpy(fx, &taps.fx, sizeof taps.fx);
    __builtin_memcpy(fy, &taps.fy, sizeof taps.fy);
  }
  // Tap k of pixel i.
  __attribute__((always_inline)) const float* of(const Source& s, int64_t i, int k, int64_t c) const {
    if constexpr (kAdjacent) return s.x + at[0][i] + (k & 1) * c + (k >> 1) * s.w * c;
    return s.x + at[kTaps == 4 ? k : 0][i];
  }
};

PYCNN_INLINE Quad broadcast_quad(float value) { return value - Quad{}; }

// Three or four channels: a pixel at a time, a lane a channel.
template <int kChannels>
struct FewChannels {
  template <int kOrder, bool kAdjacent>
  PYCNN_INLINE void sample(float* y, const Source& s, const Taps& taps, int64_t count) {
    const StoredTaps<kOrder, kAdjacent> t(taps);
    const auto value = [&](int64_t i) {
      const auto tap = [&](int k) { return load_quad(t.of(s, i, k, kChannels)); };
      if constexpr (kOrder == 0) return tap(0);
      const Quad fx = broadcast_quad(t.fx[i]), fy = broadcast_quad(t.fy[i]);
      return mix(mix(tap(0), tap(1), fx), mix(tap(2), tap(3), fx), fy);
    };
    // Whole quads: what they write too much the next pixel overwrites.
    for (int64_t i = 0; i + 1 < count; ++i) store_quad(y + i * kChannels, value(i));
    const Quad last = value(count - 1);
    for (int k = 0; k < kChannels; ++k) y[(count - 1) * kChannels + k] = last[k];
  }
};

// Any number of channels: vectors of channels.
struct ManyChannels {
  template <int kOrder, bool kAdjacent>
  PYCNN_INLINE void sample(float* y, const Source& s, const Taps& taps, int64_t count) {
    const StoredTaps<kOrder, kAdjacent> t(taps);
    for (int64_t i = 0; i < count; ++i, y += s.c) {
      const auto tap = [&](int k) { return t.of(s, i, k, s.c); };
      if constexpr (kOrder == 0) {
        copy(y, tap(0), s.c);
      } else {
        const Vec fx = broadcast(t.fx[i]), fy = broadcast(t.fy[i]);
        for_vectors(s.c, [&](int64_t k, auto lanes) {
          const Vec upper = mix(load(tap(0) + k, lanes), load(tap(1) + k, lanes), fx);
          store(y + k, mix(upper, mix(load(tap(2) + k, lanes), load(tap(3) + k, lanes), fx), fy), lanes);
        });
      }
    }
  }
};

// --- the loops ------------------------------------------------------------------------------------------------------
PYCNN_INLINE IntVec nearest(const Coordinates& at, IntVec first, IntVec second) {
  return at.fraction >= 0.5f ? second : first;
}

// Of coordinates whose neighbours are pixels of the source.
template <int kOrder>
PYCNN_INLINE Taps adjacent_taps(const Coordinates& cy, const Coordinates& cx, const Source& s) {
  const auto row = static_cast<int32_t>(s.w * s.c), channels = static_cast<int32_t>(s.c);
  Taps taps;
  taps.at[0] = kOrder == 0 ? nearest(cy, cy.whole, cy.whole + 1) * row + nearest(cx, cx.whole, cx.whole + 1) * channels
                           : cy.whole * row + cx.whole * channels;
  taps.fx = cx.fraction;
  taps.fy = cy.fraction;
  return taps;
}

// Of any coordinates.
template <int kOrder>
PYCNN_INLINE Taps all_taps(const Coordinates& cy, const Coordinates& cx, const Axis& rows, const Axis& columns,
                           const Source& s) {
  const Neighbours ny = neighbours_of(cy, rows), nx = neighbours_of(cx, columns);
  const auto row = static_cast<int32_t>(s.w * s.c), channels = static_cast<int32_t>(s.c);
  Taps taps;
  if constexpr (kOrder == 0) {
    taps.at[0] = nearest(cy, ny.first, ny.second) * row + nearest(cx, nx.first, nx.second) * channels;
  } else {
    const IntVec upper = ny.first * row, lower = ny.second * row;
    const IntVec left = nx.first * channels, right = nx.second * channels;
    taps.at[0] = upper + left;
    taps.at[1] = upper + right;
    taps.at[2] = lower + left;
    taps.at[3] = lower + right;
  }
  taps.fx = cx.fraction;
  taps.fy = cy.fraction;
  return taps;
}

PYCNN_INLINE void fill_outside(float* y, IntVec outside, float value, int64_t c, int64_t count) {
  const uint32_t bits = bits_of(outside);
  if (bits == 0) return;
  for (int64_t i = 0; i < count; ++i, y += c)
    if ((bits >> i & 1) != 0) fill(y, value, c);
}

template <class Channels, int kOrder>
static void warp_form(float* y, const Source& s, const ImagePlan& p, const double* m, int64_t first, int64_t last) {
  const Axis rows = make_axis(s.h, p.fill), columns = make_axis(s.w, p.fill);
  const bool clamps = (p.fill == FillMode::kNearest || p.fill == FillMode::kConstant) && s.h > 1 && s.w > 1;
  const double dy = m[1], dx = m[4];
  bool far = __builtin_fabs(dy) > kLongestStep || __builtin_fabs(dx) > kLongestStep;
  for (int corner = 0; corner < 4; ++corner) {
    const double i = corner & 1 ? static_cast<double>(p.oh) : 0.0,
                 j = corner & 2 ? static_cast<double>(p.ow + kLanes) : 0.0;
    far = far || !(__builtin_fabs(m[0] * i + m[1] * j + m[2]) < kFarthest) ||
          !(__builtin_fabs(m[3] * i + m[4] * j + m[5]) < kFarthest);
  }
  Vec steps_y{}, steps_x{};
  for (int i = 0; i < kLanes; ++i) {
    steps_y[i] = static_cast<float>(i * dy);
    steps_x[i] = static_cast<float>(i * dx);
  }
  // Both neighbours are pixels from 0 to n - 1.
  const double margin = 1e-3;
  const double last_row = static_cast<double>(s.h - 1) - margin;
  const double last_column = static_cast<double>(s.w - 1) - margin;

  for (int64_t i = first; i < last; ++i, y += p.ow * s.c) {
    const double row_y = m[0] * static_cast<double>(i) + m[2], row_x = m[3] * static_cast<double>(i) + m[5];
    int64_t begin = 0, end = far ? 0 : p.ow + kLanes;
    keep_inside(&begin, &end, row_y, dy, margin, last_row);
    keep_inside(&begin, &end, row_x, dx, margin, last_column);
    for (int64_t j = 0; j < p.ow; j += kLanes) {
      const int64_t count = min(kLanes, p.ow - j);
      const double start_y = row_y + dy * static_cast<double>(j), start_x = row_x + dx * static_cast<double>(j);
      float* to = y + j * s.c;
      if (j >= begin && j + kLanes <= end) {
        const Taps taps = adjacent_taps<kOrder>(split(start_y, steps_y), split(start_x, steps_x), s);
        Channels::template sample<kOrder, true>(to, s, taps, count);
        continue;
      }
      const Coordinates cy = far ? split_far(start_y, dy, rows) : split(start_y, steps_y);
      const Coordinates cx = far ? split_far(start_x, dx, columns) : split(start_x, steps_x);
      if (clamps) {
        const Taps taps = adjacent_taps<kOrder>(clamped(cy, rows), clamped(cx, columns), s);
        Channels::template sample<kOrder, true>(to, s, taps, count);
      } else {
        const Taps taps = all_taps<kOrder>(cy, cx, rows, columns, s);
        Channels::template sample<kOrder, false>(to, s, taps, count);
      }
      if (p.fill == FillMode::kConstant) {
        fill_outside(to, beyond(cy, rows) | beyond(cx, columns), p.cval, s.c, count);
      }
    }
  }
}

template <int kOrder>
PYCNN_INLINE void warp_order(float* y, const Source& s, const ImagePlan& p, const double* m, int64_t first,
                             int64_t last) {
  if (s.c == 1) return warp_form<OneChannel, kOrder>(y, s, p, m, first, last);
  if (s.c == 3) return warp_form<FewChannels<3>, kOrder>(y, s, p, m, first, last);
  if (s.c == 4) return warp_form<FewChannels<4>, kOrder>(y, s, p, m, first, last);
  warp_form<ManyChannels, kOrder>(y, s, p, m, first, last);
}

// The rows from `first` to `last` of the result; y is the first of them.
PYCNN_INLINE void warp(float* y, const Source& s, const ImagePlan& p, const double* m, int64_t first, int64_t last) {
  p.order == 0 ? warp_order<0>(y, s, p, m, first, last) : warp_order<1>(y, s, p, m, first, last);
}

}  // namespace pycnn::PYCNN_ISA
