// Functions whose steps need more digits than a float has, in double: at most 1 ulp of a float.
#pragma once

#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

// Half as many doubles as floats.
constexpr int kDoubleLanes = kLanes / 2;
typedef double DoubleVec __attribute__((vector_size(4 * kLanes)));
typedef uint64_t LongVec __attribute__((vector_size(4 * kLanes)));

PYCNN_INLINE LongVec as_long(DoubleVec x) { return reinterpret_cast<LongVec>(x); }
PYCNN_INLINE DoubleVec as_double(LongVec x) { return reinterpret_cast<DoubleVec>(x); }
PYCNN_INLINE DoubleVec broadcast_double(double x) { return x - DoubleVec{}; }
PYCNN_INLINE DoubleVec magnitude_of(DoubleVec x) { return as_double(as_long(x) & 0x7fffffffffffffff); }

PYCNN_INLINE DoubleVec load_doubles(const float* p) {
  typedef float HalfVec __attribute__((vector_size(2 * kLanes)));
  HalfVec x;
  __builtin_memcpy(&x, p, sizeof x);
  return __builtin_convertvector(x, DoubleVec);
}

PYCNN_INLINE void store_doubles(float* p, DoubleVec v) {
  typedef float HalfVec __attribute__((vector_size(2 * kLanes)));
  const HalfVec x = __builtin_convertvector(v, HalfVec);
  __builtin_memcpy(p, &x, sizeof x);
}

// y[i] = function(a[i], b[i]).
template <typename Function>
PYCNN_INLINE void for_doubles(float* y, const float* a, const float* b, int64_t n, Function function) {
  int64_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes)
    store_doubles(y + i, function(load_doubles(a + i), load_doubles(b + i)));
  if (i == n) return;
  float rest[3][kDoubleLanes] = {};
  for (int64_t j = 0; j < n - i; ++j) rest[0][j] = a[i + j], rest[1][j] = b[i + j];
  store_doubles(rest[2], function(load_doubles(rest[0]), load_doubles(rest[1])));
  for (int64_t j = 0; j < n - i; ++j) y[i + j] = rest[2][j];
}

// Adding it rounds to an integer, whose lowest bits are then those of the sum. |x| < 2^51.
constexpr double kDoubleRounder = 0x1.8p52;

// x is the absolute value of a float: 0 gives -infinity, infinity and NaN stay. With s = (m - 1) / (m + 1),
// log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...); |s| <= 0.172.
PYCNN_INLINE DoubleVec log_of_magnitude(DoubleVec x) {
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd, kBias = 1023ull << 52;
  const LongVec shifted = as_long(x) + (kBias - kSqrtHalf);
  const DoubleVec e = as_double((shifted >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
  const DoubleVec m = as_double((shifted & 0xfffffffffffff) + kSqrtHalf);
  const DoubleVec s = (m - 1.0) / (m + 1.0), z = s * s;
  DoubleVec p = z * (1.0 / 15.0) + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  DoubleVec y = 2.0 * (p * z * s + s) + e * 0.693147180559945309;
  y = x < __builtin_huge_val() ? y : x;
  return x == 0.0 ? broadcast_double(-__builtin_huge_val()) : y;
}

// Where a float would be 0 or infinite, only that is right.
PYCNN_INLINE DoubleVec exp_for_float(DoubleVec x) {
  x = x < -120.0 ? broadcast_double(-120.0) : x;
  x = x > 100.0 ? broadcast_double(100.0) : x;
  const DoubleVec shifted = x * 1.44269504088896341 + kDoubleRounder;
  const DoubleVec r = x - (shifted - kDoubleRounder) * 0.693147180559945309;
  DoubleVec p = r * (1.0 / 362880.0) + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * as_double((as_long(shifted) + 1023) << 52);
}

// As C's pow, of floats. From 2^24 on these are even integers.
PYCNN_INLINE DoubleVec power(DoubleVec base, DoubleVec exponent) {
  const DoubleVec magnitude = magnitude_of(base), distance = magnitude_of(exponent);
  DoubleVec y = exp_for_float(exponent * log_of_magnitude(magnitude));

  const DoubleVec count = distance > 0x1p24 ? broadcast_double(0x1p24) : distance, half = count * 0.5;
  const auto integral = (count + kDoubleRounder) - kDoubleRounder == count;
  const auto even = (half + kDoubleRounder) - kDoubleRounder == half;
  // With the sign of the base, also of -0, under an odd exponent.
  const LongVec sign = as_long(base) & 0x8000000000000000;
  y = (integral & ~even) ? as_double(as_long(y) | sign) : y;
  y = (~integral & (base < 0.0) & (magnitude < __builtin_huge_val())) ? broadcast_double(__builtin_nan("")) : y;
  const auto one = ((magnitude == 1.0) & (distance == __builtin_huge_val())) | (exponent == 0.0) | (base == 1.0);
  return one ? broadcast_double(1.0) : y;
}

// x = (4 k + quadrant) pi / 2 + r, |r| <= pi / 4.
template <typename Real, typename Bits>
struct ReducedAngle {
  Real r;
  Bits quadrant;  // its lowest two bits
};

// Up to here pi / 2 can be taken off in three parts.
constexpr float kLargestPlainAngle = 0x1p20f;

PYCNN_INLINE ReducedAngle<DoubleVec, LongVec> reduce_angle(DoubleVec x) {
  const DoubleVec shifted = x * 0.636619772367581343 + kDoubleRounder;
  const DoubleVec n = shifted - kDoubleRounder;
  const DoubleVec r = ((x - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
  return {r, as_long(shifted)};
}

// One finite x of at least 1: M. Payne's and R. Hanek's product with those bits of 2 / pi that matter modulo 4.
PYCNN_INLINE ReducedAngle<double, uint64_t> reduce_large_angle(float x) {
  constexpr uint32_t kTwoOverPi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                     0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const bool negative = bits >> 31;
  const uint64_t m = (bits & 0x7fffff) | 0x800000;
  const int first = static_cast<int>((bits >> 23) & 0xff) - 150 + 30;  // the bit of the table that weighs 2
  uint64_t word[3];
  for (int i = 0; i < 3; ++i) {
    const int index = first / 32 + i;
    const uint64_t pair = static_cast<uint64_t>(kTwoOverPi[index]) << 32 | kTwoOverPi[index + 1];
    word[i] = (pair << first % 32) >> 32;
  }
  const uint64_t middle = m * word[1] + (m * word[2] >> 32);
  const uint64_t turns = ((m * word[0] + (middle >> 32)) << 32) | (middle & 0xffffffff);  // in 2^-62 of pi / 2
  const uint64_t quadrant = (turns >> 62) + (turns >> 61 & 1);
  const double r = static_cast<double>(static_cast<int64_t>(turns << 2)) * (0x1p-64 * 1.57079632679489662);
  return {negative ? -r : r, negative ? 0 - quadrant : quadrant};
}

// sin(x) for the quadrant of x, cos(x) for the one after it.
PYCNN_INLINE DoubleVec sine_of(DoubleVec r, LongVec quadrant) {
  const DoubleVec z = r * r;
  DoubleVec s = z * (-1.0 / 39916800.0) + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  s = s * z * r + r;
  DoubleVec c = z * (1.0 / 479001600.0) - 1.0 / 3628800.0;
  c = c * z + 1.0 / 40320.0;
  c = c * z - 1.0 / 720.0;
  c = c * z + 1.0 / 24.0;
  c = c * z - 0.5;
  c = c * z + 1.0;
  const DoubleVec y = (quadrant & 1) != 0 ? c : s;
  return as_double(as_long(y) ^ (quadrant & 2) << 62);
}

// a = quotient * b + remainder with an integral quotient and the remainder's sign that of b: Python's // and %. What
// divisions by 0, of infinities and by infinities give is NumPy's.
struct FloorDivision {
  float quotient, remainder;
};

// The integral part, or its leading 28 binary digits.
PYCNN_INLINE double leading_digits(double x) {
  if (x < 0x1p28) return static_cast<double>(static_cast<int64_t>(x));
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits &= ~0x1ffffffull;
  __builtin_memcpy(&x, &bits, sizeof bits);
  return x;
}

PYCNN_INLINE FloorDivision floor_divide(float a, float b) {
  const double infinity = __builtin_huge_val();
  const double size = a < 0.0f ? -static_cast<double>(a) : a, divisor = b < 0.0f ? -static_cast<double>(b) : b;
  if (divisor == 0.0) return {a / b, __builtin_nanf("")};
  if (!(size < infinity && divisor > 0.0)) return {__builtin_nanf(""), __builtin_nanf("")};
  // Their product with the divisor's 24 digits is exact, and no rounding of the division reaches the next such number.
  double rest = size, count = 0.0;
  while (rest >= divisor) {
    const double digits = leading_digits(rest / divisor);
    rest -= digits * divisor;
    count += digits;
  }
  // From truncation to flooring.
  const bool opposite = (a < 0.0f) != (b < 0.0f);
  if (opposite && rest != 0.0) {
    count += 1.0;
    rest = divisor - rest;
  }
  return {static_cast<float>(opposite ? -count : count), __builtin_copysignf(static_cast<float>(rest), b)};
}

}  // namespace pycnn::PYCNN_ISA
