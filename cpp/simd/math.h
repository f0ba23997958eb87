// Elementary functions on vectors: argument reduction and a polynomial, without branches, at most 4 ulp over all
// float32 inputs. NaN stays NaN, infinities give the limit. The constants of the reductions are short enough
// to be exact without a fused multiply-add. Polynomials are those of Cephes' single precision library (S. Moshier)
// unless noted.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

typedef uint32_t UintVec __attribute__((vector_size(4 * kLanes)));

constexpr float kInfinity = __builtin_huge_valf();

PYCNN_INLINE Vec absolute(Vec x) { return as_float(as_int(x) & 0x7fffffff); }
PYCNN_INLINE Vec copy_sign(Vec magnitude, Vec sign) {
  return as_float(as_int(magnitude) | (as_int(sign) & static_cast<int32_t>(0x80000000u)));
}

// The larger of both, and NaN if any of them is.
PYCNN_INLINE Vec maximum_or_nan(Vec a, Vec b) { return select(a != a, a, maximum(a, b)); }
PYCNN_INLINE Vec minimum_or_nan(Vec a, Vec b) { return select(a != a, a, minimum(a, b)); }

// -1, 0 or 1; NaN and the sign of 0 stay.
PYCNN_INLINE Vec sign(Vec x) { return select(x > 0.0f, broadcast(1.0f), select(x < 0.0f, broadcast(-1.0f), x)); }

// To the nearest integer, halves to the even one. From 2^23 on every float is one.
PYCNN_INLINE Vec round_to_integer(Vec x) {
  const Vec a = absolute(x);
  return copy_sign(select(a < 0x1p23f, (a + 0x1p23f) - 0x1p23f, a), x);
}

PYCNN_INLINE Vec floor(Vec x) {
  const Vec nearest = round_to_integer(x);
  return nearest - select(nearest > x, broadcast(1.0f), Vec{});
}

PYCNN_INLINE Vec ceil(Vec x) { return -floor(-x); }

// The AVX-512 intrinsics below are the masked ones because GCC 12 warns about the plain ones.
PYCNN_INLINE Vec square_root(Vec x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#elif defined(__SSE2__)
  return _mm_sqrt_ps(x);
#else
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// Adding it rounds to an integer, which is then in the low bits too. |x| < 2^22.
constexpr float kRounder = 0x1.8p23f;

// p 2^n for an integral n in [-252, 254]: two factors, so that denormal and infinite results come out right.
PYCNN_INLINE Vec times_power_of_two(Vec p, Vec n) {
#if defined(__AVX512F__)
  return _mm512_maskz_scalef_ps(0xffff, p, n);
#else
  const IntVec whole = as_int(n + kRounder) - as_int(broadcast(kRounder));
  const IntVec half = whole >> 1;
  const UintVec first = reinterpret_cast<UintVec>(half + 127) << 23;
  const UintVec second = reinterpret_cast<UintVec>(whole - half + 127) << 23;
  return p * reinterpret_cast<Vec>(first) * reinterpret_cast<Vec>(second);
#endif
}

// x = n ln 2 + r, |r| <= ln(2) / 2, and e^r - 1.
struct ReducedExp {
  Vec n, r_expm1;
};

PYCNN_INLINE ReducedExp reduce_exp(Vec x) {
  const Vec n = (x * 1.44269504088896341f + kRounder) - kRounder;
  const Vec r = x - n * 0.693359375f - n * -2.12194440e-4f;
  Vec q = r * 1.9875691500e-4f + 1.3981999507e-3f;
  q = q * r + 8.3334519073e-3f;
  q = q * r + 4.1665795894e-2f;
  q = q * r + 1.6666665459e-1f;
  q = q * r + 5.0000001201e-1f;
  return {n, q * (r * r) + r};
}

PYCNN_INLINE Vec exp(Vec x) {
  const ReducedExp e = reduce_exp(minimum(broadcast(89.0f), maximum(broadcast(-104.0f), x)));
  return times_power_of_two(e.r_expm1 + 1.0f, e.n);
}

// e^x - 1 for x <= 0, exact to the last places near 0. Larger x count as 0.
PYCNN_INLINE Vec expm1_negative(Vec x) {
  const ReducedExp e = reduce_exp(minimum(broadcast(0.0f), maximum(broadcast(-20.0f), x)));
  const Vec scale = times_power_of_two(broadcast(1.0f), e.n);
  return e.r_expm1 * scale + (scale - 1.0f);
}

// e^x - 1. By half the power of two, which is finite wherever the result is.
PYCNN_INLINE Vec expm1(Vec x) {
  const ReducedExp e = reduce_exp(minimum(broadcast(89.0f), maximum(broadcast(-20.0f), x)));
  const Vec half = times_power_of_two(broadcast(0.5f), e.n);
  return 2.0f * (e.r_expm1 * half + (half - 0.5f));
}

PYCNN_INLINE Vec log(Vec x) {
  // x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); denormal numbers are made normal first.
  constexpr uint32_t kSqrtHalf = 0x3f3504f3;
  const IntVec denormal = x < 0x1p-126f;
  const UintVec bits = reinterpret_cast<UintVec>(select(denormal, x * 0x1p24f, x)) - kSqrtHalf;
  const Vec exponent = __builtin_convertvector(reinterpret_cast<IntVec>(bits) >> 23, Vec);
  const Vec e = exponent - select(denormal, broadcast(24.0f), Vec{});
  const Vec f = reinterpret_cast<Vec>((bits & 0x7fffff) + kSqrtHalf) - 1.0f;
  Vec p = f * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const Vec square = f * f;
  Vec y = p * square * f + e * -2.12194440e-4f;
  y = y - 0.5f * square;
  y = (f + y) + e * 0.693359375f;
  y = select(x < kInfinity, y, x);
  return select(x > 0.0f, y, select(x == 0.0f, broadcast(-kInfinity), x * __builtin_nanf("")));
}

// W. Kahan's correction of log(1 + x) for what 1 + x rounds away.
PYCNN_INLINE Vec log1p(Vec x) {
  const Vec u = x + 1.0f;
  const Vec y = select(u == 1.0f, x, log(u) * (x / (u - 1.0f)));
  return select(x < kInfinity, y, x);
}

PYCNN_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

PYCNN_INLINE Vec softplus(Vec x) { return maximum(Vec{}, x) + log1p(exp(-absolute(x))); }

PYCNN_INLINE Vec tanh(Vec x) {
  const Vec a = absolute(x);
  const Vec square = a * a;
  Vec p = square * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Vec near = p * square * a + a;
  const Vec far = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  return copy_sign(select(a < 0.625f, near, far), x);
}

// Below 1 erf(x) / x - 1 as a polynomial in x^2, above it log(erfc(x)) / x as one in x; both are minimax fits to
// the error of erf, and 4 is where erf rounds to 1.
PYCNN_INLINE Vec erf(Vec x) {
  const Vec a = minimum(broadcast(4.0f), absolute(x));
  const Vec square = a * a;
  Vec p = square * 7.8539066e-5f - 8.010208e-4f;
  p = p * square + 5.1883296e-3f;
  p = p * square - 2.6853813e-2f;
  p = p * square + 1.12835854e-1f;
  p = p * square - 3.7612626e-1f;
  p = p * square + 1.2837917e-1f;
  const Vec near = p * a + a;
  Vec q = a * 2.1064255e-4f - 3.1869414e-3f;
  q = q * a + 2.2798447e-2f;
  q = q * a - 1.05116114e-1f;
  q = q * a - 6.358315e-1f;
  q = q * a - 1.1284801f;
  const Vec far = 1.0f - exp(q * a);
  return copy_sign(select(a < 1.0f, near, far), x);
}

}  // namespace pycnn::PYCNN_ISA
