// Where the pixels of a row come from: whole numbers and fractions of kLanes coordinates at once, and pixels that take
// the place of those outside.
//
// A float32 coordinate of 300 would be wrong by 1e-5, and a value by 255 times as much: each vector starts from a
// coordinate in float64, whose whole part is taken off before lanes are told apart.
#pragma once

#include "kernels/image/image.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

constexpr double kFarthest = 0x1p20;  // coordinates beyond, and steps beyond the second, take the slow form
constexpr double kLongestStep = 8.0;
// Coordinates so close outside of an image count as its outermost pixels: sines of whole turns are not exactly 0.
constexpr float kEdge = 0x1p-16f;

// One axis of the source.
struct Axis {
  int32_t n;
  FillMode fill;
  int32_t period;  // 0: none
};

PYCNN_INLINE Axis make_axis(int64_t length, FillMode fill) {
  const auto n = static_cast<int32_t>(length);
  if (fill == FillMode::kReflect) return {n, fill, 2 * n};
  if (fill == FillMode::kMirror && n > 1) return {n, fill, 2 * n - 2};
  if (fill == FillMode::kWrap) return {n, fill, n};
  if (fill == FillMode::kWrapEnds && n > 1) return {n, fill, n - 1};
  return {n, fill == FillMode::kConstant ? fill : FillMode::kNearest, 0};
}

// Coordinates along an axis: whole + fraction, 0 <= fraction <= 1.
struct Coordinates {
  IntVec whole;
  Vec fraction;
};

PYCNN_INLINE Coordinates split(double start, Vec steps) {
  const double base = __builtin_floor(start);
  const Vec t = steps + static_cast<float>(start - base);
  IntVec whole = __builtin_convertvector(t, IntVec);
  whole += __builtin_convertvector(whole, Vec) > t;  // where true, -1
  return {whole + static_cast<int32_t>(base), t - __builtin_convertvector(whole, Vec)};
}

// The same for steps of any length from any coordinate, lane by lane in float64.
PYCNN_INLINE Coordinates split_far(double start, double step, const Axis& axis) {
  int32_t wholes[kLanes];
  float fractions[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    double t = start + i * step;
    if (axis.period != 0) {
      const bool inside = t >= 0.0 && t <= axis.n - 1;
      if (!inside) t -= axis.period * __builtin_floor(t / axis.period);
    }
    t = t < -2.0 ? -2.0 : t > axis.n + axis.period + 1.0 ? axis.n + axis.period + 1.0 : t;
    const double whole = __builtin_floor(t);
    wholes[i] = static_cast<int32_t>(whole);
    fractions[i] = static_cast<float>(t - whole);
  }
  Coordinates to;
  __builtin_memcpy(&to.whole, wholes, sizeof wholes);
  __builtin_memcpy(&to.fraction, fractions, sizeof fractions);
  return to;
}

// Pixels of the image in place of any.
PYCNN_INLINE IntVec pixel_of(IntVec i, const Axis& axis) {
  if (axis.period != 0) {
    const Vec x = __builtin_convertvector(i, Vec);
    i -= __builtin_convertvector(floor(x * (1.0f / static_cast<float>(axis.period))), IntVec) * axis.period;
    i += (i < 0) & axis.period;  // the quotient was rounded
    i -= (i >= axis.period) & axis.period;
    const int32_t turn = axis.fill == FillMode::kReflect ? axis.period - 1 : axis.period;
    return i >= axis.n ? turn - i : i;
  }
  i = i < 0 ? IntVec{} : i;
  return i >= axis.n ? broadcast_int(axis.n - 1) : i;
}

// Whether coordinates lie outside of an image that a constant surrounds.
PYCNN_INLINE IntVec beyond(const Coordinates& at, const Axis& axis) {
  const IntVec before = (at.whole < -1) | ((at.whole == -1) & (at.fraction < 1.0f - kEdge));
  const IntVec after = (at.whole >= axis.n) | ((at.whole == axis.n - 1) & (at.fraction > kEdge));
  return before | after;
}

// Coordinates between the first pixel and the last one (of at least two) in place of any; whole + 1 is a pixel too.
PYCNN_INLINE Coordinates clamped(const Coordinates& at, const Axis& axis) {
  const IntVec before = at.whole<0, after = at.whole> axis.n - 2;
  return {before  ? IntVec{}
          : after ? broadcast_int(axis.n - 2)
                  : at.whole,
          select(before, Vec{}, select(after, broadcast(1.0f), at.fraction))};
}

// The two neighbours of each coordinate.
struct Neighbours {
  IntVec first, second;
};

PYCNN_INLINE Neighbours neighbours_of(const Coordinates& at, const Axis& axis) {
  if (axis.fill == FillMode::kWrapEnds) {
    // SciPy takes a coordinate, not its neighbours, into the image; where it comes to an end, it is the last pixel.
    const IntVec last = ((at.whole < 0) | (at.whole == axis.n - 1)) & (at.fraction == 0.0f);
    IntVec first = pixel_of(at.whole, axis);
    first = (first == 0) & last ? broadcast_int(axis.n - 1) : first;
    return {first, first + 1 >= axis.n ? first : first + 1};
  }
  return {pixel_of(at.whole, axis), pixel_of(at.whole + 1, axis)};
}

}  // namespace pycnn::PYCNN_ISA
