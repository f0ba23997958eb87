// The one-dimensional transforms of minimal filtering F(m, r): m outputs of a filter of r taps from n = m + r - 1
// inputs by n products, by evaluating polynomials at n points (Toom and Cook; Winograd, 1980):
//
//   y = A^T [ (G g) * (B^T d) ]
//
// Each is given by the points alone: (G g)_p is the kernel's polynomial at p over the product of p's distances to the
// other points, B^T d the products of (x - q) over all q but p, and y_i the sum of p^i over the products. All is
// unrolled at compile time.
#pragma once

#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The points of n products, in this order: 0, pairs +p and -p, points without their opposite, and infinity. These have
// the smallest rounding errors of all that are powers of two, from 10 on of all multiples of 1/8: see
// tests/test_winograd.cpp.
constexpr int pairs(int n) { return n >= 8 ? (n - 2) / 2 : n == 7 ? 2 : 1; }
constexpr int kMaxPairs = 5;
constexpr int singles(int n) { return n - 2 - 2 * pairs(n); }
constexpr double pair(int n, int i) {
  constexpr double kOfTwo[] = {1.0, 0.5, 2.0}, kOf10[] = {1.0, 1.25, 0.375, 2.25},
                   kOf12[] = {1.0, 0.75, 1.375, 0.375, 2.5};
  return n == 12 ? kOf12[i] : n == 10 ? kOf10[i] : kOfTwo[i];
}
constexpr double single(int n, int i) { return n == 6 && i == 0 ? 0.5 : -2.0; }

constexpr double point(int n, int i) {  // a finite one
  if (i == 0) return 0.0;
  if (i > 2 * pairs(n)) return single(n, i - 1 - 2 * pairs(n));
  return i % 2 == 1 ? pair(n, (i - 1) / 2) : -pair(n, (i - 1) / 2);
}

constexpr double power(double x, int exponent) { return exponent == 0 ? 1.0 : x * power(x, exponent - 1); }

// What the kernel's polynomial at point i is multiplied with.
constexpr double scale_of(int n, int i) {
  double product = 1.0;
  for (int j = 0; i < n - 1 && j < n - 1; ++j)
    if (j != i) product *= point(n, i) - point(n, j);
  return 1.0 / product;
}

// The coefficient of x^(2i) in the product of (x^2 - p^2) over all pairs but `skipped` (-1: over all).
constexpr double pair_coefficient(int n, int i, int skipped) {
  double c[kMaxPairs + 1] = {1.0};
  for (int k = 0; k < pairs(n); ++k)
    if (k != skipped)
      for (int j = kMaxPairs; j >= 0; --j) c[j] = (j > 0 ? c[j - 1] : 0.0) - pair(n, k) * pair(n, k) * c[j];
  return c[i];
}

// The coefficient of x^i in the product of (x - p) over all points without their opposite.
constexpr double single_coefficient(int n, int i) {
  double c[3] = {1.0, 0.0, 0.0};
  for (int k = 0; k < singles(n); ++k)
    for (int j = 2; j >= 0; --j) c[j] = (j > 0 ? c[j - 1] : 0.0) - single(n, k) * c[j];
  return c[i];
}

// sum + factor * x, where a factor of 0 or 1 costs nothing.
PYCNN_INLINE Vec plus(Vec sum, double factor, Vec x) {
  if (factor == 0.0) return sum;
  if (factor == 1.0) return sum + x;
  return factor == -1.0 ? sum - x : sum + static_cast<float>(factor) * x;
}

// Along an axis where the kernel has one tap, and a tile one output, all stays as it is.
PYCNN_INLINE void transform_input(Vec (&r)[1], const Vec (&d)[1]) { r[0] = d[0]; }
PYCNN_INLINE void evaluate(Vec (&r)[1], const Vec (&g)[1]) { r[0] = g[0]; }
PYCNN_INLINE void moments(Vec (&y)[1], const Vec (&m)[1]) { y[0] = m[0]; }

// r = B^T d
template <int N>
PYCNN_INLINE void transform_input(Vec (&r)[N], const Vec (&d)[N]) {
  constexpr int kPairs = pairs(N), kSingles = singles(N);
  // t: the products over the single points are common to all rows but theirs.
  Vec t[N - kSingles];
#pragma GCC unroll 12
  for (int i = 0; i < N - kSingles; ++i) {
    t[i] = d[i + kSingles];
#pragma GCC unroll 2
    for (int j = 0; j < kSingles; ++j) t[i] = plus(t[i], single_coefficient(N, j), d[i + j]);
  }
  r[0] = t[2 * kPairs];
  r[N - 1] = t[2 * kPairs + 1];
#pragma GCC unroll 5
  for (int j = 0; j < kPairs; ++j) {
    r[0] = plus(r[0], pair_coefficient(N, j, -1), t[2 * j]);
    r[N - 1] = plus(r[N - 1], pair_coefficient(N, j, -1), t[2 * j + 1]);
  }
#pragma GCC unroll 5
  for (int k = 0; k < kPairs; ++k) {
    Vec even = t[2 * kPairs], odd = t[2 * kPairs - 1];
#pragma GCC unroll 2
    for (int j = 0; j < kPairs - 1; ++j) {
      even = plus(even, pair_coefficient(N, j, k), t[2 * j + 2]);
      odd = plus(odd, pair_coefficient(N, j, k), t[2 * j + 1]);
    }
    r[1 + 2 * k] = plus(even, pair(N, k), odd);
    r[2 + 2 * k] = plus(even, -pair(N, k), odd);
  }
  Vec u[2];
#pragma GCC unroll 2
  for (int i = 0; i < kSingles; ++i) {
    u[i] = d[1 + i + 2 * kPairs];
#pragma GCC unroll 5
    for (int j = 0; j < kPairs; ++j) u[i] = plus(u[i], pair_coefficient(N, j, -1), d[1 + i + 2 * j]);
  }
  if (kSingles == 1) r[N - 2] = u[0];
  if (kSingles == 2) {
    r[N - 3] = plus(u[1], -single(N, 1), u[0]);
    r[N - 2] = plus(u[1], -single(N, 0), u[0]);
  }
}

// r: the polynomial with the coefficients g at all points; of kernels (but for scale_of) and of gradients.
template <int N, int D>
PYCNN_INLINE void evaluate(Vec (&r)[N], const Vec (&g)[D]) {
  constexpr int kPairs = pairs(N), kSingles = singles(N);
  r[0] = g[0];
  r[N - 1] = g[D - 1];
#pragma GCC unroll 5
  for (int k = 0; k < kPairs; ++k) {
    Vec even = g[0], odd = static_cast<float>(pair(N, k)) * g[1];
#pragma GCC unroll 7
    for (int i = 2; i < D; ++i) (i % 2 == 0 ? even : odd) = plus(i % 2 == 0 ? even : odd, power(pair(N, k), i), g[i]);
    r[1 + 2 * k] = even + odd;
    r[2 + 2 * k] = even - odd;
  }
#pragma GCC unroll 2
  for (int k = 0; k < kSingles; ++k) {
    Vec sum = g[0];
#pragma GCC unroll 7
    for (int i = 1; i < D; ++i) sum = plus(sum, power(single(N, k), i), g[i]);
    r[1 + 2 * kPairs + k] = sum;
  }
}

// The transpose of `evaluate`: y_i = sum of p^i m_p; of outputs and (but for scale_of) of weight gradients.
template <int N, int D>
PYCNN_INLINE void moments(Vec (&y)[D], const Vec (&m)[N]) {
  constexpr int kPairs = pairs(N), kSingles = singles(N);
  Vec sum[kPairs], difference[kPairs];
#pragma GCC unroll 5
  for (int k = 0; k < kPairs; ++k) {
    sum[k] = m[1 + 2 * k] + m[2 + 2 * k];
    difference[k] = m[1 + 2 * k] - m[2 + 2 * k];
  }
#pragma GCC unroll 7
  for (int i = 0; i < D; ++i) {
    y[i] = i % 2 == 0 ? sum[0] : difference[0];  // of the points 1 and -1
    if (i == 0) y[i] += m[0];
#pragma GCC unroll 5
    for (int k = 1; k < kPairs; ++k) y[i] = plus(y[i], power(pair(N, k), i), i % 2 == 0 ? sum[k] : difference[k]);
#pragma GCC unroll 2
    for (int k = 0; k < kSingles; ++k) y[i] = plus(y[i], power(single(N, k), i), m[1 + 2 * kPairs + k]);
    if (i == D - 1) y[i] += m[N - 1];
  }
}

// Both axes of a rectangle of vectors: along(to, from) turns lines of kRowsIn into kRowsOut, down the columns of
// at(i, j), then lines of kColumnsIn into kColumnsOut, along the rows. row(i, line) gets one line of the result after
// another.
template <int kRowsIn, int kRowsOut, int kColumnsIn, int kColumnsOut, class At, class Along, class Row>
PYCNN_INLINE void transform_tile(const At& at, const Along& along, const Row& row) {
  Vec half[kRowsOut][kColumnsIn];
  for (int j = 0; j < kColumnsIn; ++j) {
    Vec from[kRowsIn], to[kRowsOut];
#pragma GCC unroll 12
    for (int i = 0; i < kRowsIn; ++i) from[i] = at(i, j);
    along(to, from);
#pragma GCC unroll 12
    for (int i = 0; i < kRowsOut; ++i) half[i][j] = to[i];
  }
  for (int i = 0; i < kRowsOut; ++i) {
    Vec from[kColumnsIn], to[kColumnsOut];
#pragma GCC unroll 12
    for (int j = 0; j < kColumnsIn; ++j) from[j] = half[i][j];
    along(to, from);
    row(i, to);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
