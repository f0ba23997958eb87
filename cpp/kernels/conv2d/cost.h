// What a convolution costs by each algorithm: a model that knows nothing but the shape, so that every process chooses
// the same, and its results have the same bits. Its constants are measured by `python -m pycnn.bench.calibrate`.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace pycnn {

// Nanoseconds of each kind of work in one image; only their ratios count. Winograd's tiles, of which there are `tiles`,
// have p products each: (m + r - 1)^2 with square kernels, m + r - 1 with kernels of one row or column.
struct Conv2DCost {
  double direct_products;   // of kh kw oh ow c k multiply-adds
  double direct_pixels;     // of oh ow (c + k)
  double products;          // of p tiles c k multiply-adds
  double inputs;            // of p tiles c transformed inputs
  double outputs;           // of p tiles k products that are transformed
  double weights;           // of p c k transformed weights, or sums of weight gradients
  double far_weights;       // of those that are read from beyond L2, as often as that is
  double cold_weights = 0;  // more for the first time in a call, when they come from memory
};
constexpr int kConv2DCostTerms = 7;

// By `python -m pycnn.bench.calibrate` on an AMD EPYC of the fifth generation (AVX-512), one thread.
constexpr Conv2DCost kForwardCost = {0.00754, 0.147, 0.00756, 0.0729, 0.0509, 0.00172, 0.0184};
constexpr Conv2DCost kForwardCostBfloat16 = {0.00387, 0.108, 0.00355, 0.0602, 0.0662, 0.00207, 0.0117};
constexpr Conv2DCost kWeightCost = {0.00782, 0.0592, 0.00836, 0.102, 0.0237, 0.00388, 0.0289};
constexpr Conv2DCost kWeightCostBfloat16 = {0.00424, 0.144, 0.00818, 0.0995, 0.0316, 0.00374, 0.034};

// The convolution that backward_input is.
static inline __attribute__((always_inline)) Conv2D transposed(const Conv2D& s) {
  Conv2D t = s;
  t.h = s.oh;
  t.w = s.ow;
  t.c = s.k;
  t.oh = s.h;
  t.ow = s.w;
  t.k = s.c;
  t.top = s.kh - 1 - s.top;
  t.left = s.kw - 1 - s.left;
  t.pad_value = 0.0f;
  return t;
}

// Winograd's tiles have m outputs along each axis along which the kernel has more than one tap, else one.
static inline __attribute__((always_inline)) int64_t winograd_tile_rows(const Conv2D& s, int m) {
  return s.kh == 1 ? s.oh : (s.oh + m - 1) / m;
}
static inline __attribute__((always_inline)) int64_t winograd_tile_columns(const Conv2D& s, int m) {
  return s.kw == 1 ? s.ow : (s.ow + m - 1) / m;
}
static inline __attribute__((always_inline)) int64_t winograd_tiles(const Conv2D& s, int m) {
  return winograd_tile_rows(s, m) * winograd_tile_columns(s, m);
}
static inline __attribute__((always_inline)) int64_t winograd_products(const Conv2D& s, int m) {
  return (s.kh == 1 ? 1 : m + s.kh - 1) * (s.kw == 1 ? 1 : m + s.kw - 1);
}

// Whether forward is F(2x2, 3x3) of images of one channel (winograd_plane.h): in floats alone, where there are filters
// for all lanes. It is faster than direct sums by a tenth to a half with vectors of 4 and 16 lanes, and on par with 8.
constexpr int kPlaneTile = 2;
static inline __attribute__((always_inline)) bool is_plane(const Conv2D& s) {
  return s.c == 1 && s.k >= 16 && s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.top >= 0 && s.left >= 0;
}

// A kernel of one row or one column, with as many taps as there are forms for.
static inline __attribute__((always_inline)) bool is_line(const Conv2D& s) {
  return (s.kh == 1 && (s.kw == 3 || s.kw == 7)) || (s.kw == 1 && (s.kh == 3 || s.kh == 7));
}

// Whether forward exists in the form F(m x m, kh x kw), along one axis alone where the kernel is a line. Odd tiles are
// worked on by whole images, which must be small.
static inline __attribute__((always_inline)) bool has_winograd(const Conv2D& s, int m, bool rounds) {
  if (s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 || s.dilation_w != 1 || s.groups != 1 || s.c < 16 ||
      s.k < 16 || s.top < 0 || s.left < 0)
    return false;
  // Operands in bfloat16 allow for no transform that makes much of their rounding errors.
  if (is_line(s)) return !rounds && (m == 4 || (m == 6 && s.kh * s.kw == 7));
  if (s.kh != s.kw) return false;
  if (s.kh == 5) return m == (rounds ? 2 : 4);
  if (s.kh != 3) return false;
  if (m == 2 || m == 4) return true;
  return !rounds && (m == 6 || (m == 5 && winograd_tiles(s, m) <= 48 && winograd_tiles(s, m) * s.c <= 4096));
}

// Tiles whose n^2 c transformed inputs are in the cache at once: 384 KB of them (in bfloat16 half), but enough tiles
// for the products.
static inline __attribute__((always_inline)) int64_t winograd_group(int64_t products, int64_t c) {
  constexpr int64_t kFloats = 96 * 1024, kMin = 16, kMax = 48;
  const int64_t group = kFloats / (products * c);
  return group < kMin ? kMin : group > kMax ? kMax : group;
}

// Of each pair of channels.
static inline __attribute__((always_inline)) double transformed_weights(const Conv2D& s, int m) {
  return static_cast<double>(m == 0 ? s.kh * s.kw : winograd_products(s, m));
}
static inline __attribute__((always_inline)) double far_weights(const Conv2D& s, int m) {
  constexpr double kNear = 128 * 1024;  // weights that L2 holds
  const double weights = transformed_weights(s, m) * static_cast<double>(s.c) * static_cast<double>(s.k);
  return weights > kNear ? weights - kNear : 0.0;
}

// How much of each kind of work there is in one of so many images of a call; m is 0 for direct sums.
static inline __attribute__((always_inline)) Conv2DCost conv2d_work(const Conv2D& s, int m, int64_t images) {
  const double c = static_cast<double>(s.c), k = static_cast<double>(s.k);
  const double each = transformed_weights(s, m), weights = each * c * k, far = far_weights(s, m);
  if (m == 0) {
    // A row of fewer pixels has too few sums at once to hide the latency of additions.
    constexpr int64_t kRow = 4;
    const double pixels = static_cast<double>(s.oh * (s.ow > kRow ? s.ow : kRow));
    return {pixels * weights, pixels * (c + k), 0.0, 0.0, 0.0, 0.0, far};
  }
  const double tiles = static_cast<double>(winograd_tiles(s, m)), products = each * tiles;
  const double count = static_cast<double>(images);
  const double group = static_cast<double>(winograd_group(winograd_products(s, m), s.c));
  return {0.0,
          0.0,
          products * c * k,
          products * c,
          products * k,
          weights,
          far * (tiles * count > group ? tiles / group : 1 / count)};
}

static inline __attribute__((always_inline)) double conv2d_cost(const Conv2D& s, int m, int64_t images,
                                                                const Conv2DCost& each) {
  const Conv2DCost work = conv2d_work(s, m, images);
  const double first = each.cold_weights * far_weights(s, m) / static_cast<double>(images);
  return first + each.direct_products * work.direct_products + each.direct_pixels * work.direct_pixels +
         each.products * work.products + each.inputs * work.inputs + each.outputs * work.outputs +
         each.weights * work.weights + each.far_weights * work.far_weights;
}

// The side of the tiles by which the forward pass of s is cheapest, 0 for direct sums. Larger tiles round more
// coarsely: they must be worth it.
static inline __attribute__((always_inline)) int cheapest_tile(const Conv2D& s, bool rounds, int64_t images,
                                                               const Conv2DCost& each) {
  constexpr double kWorthIt = 0.95;
  int best = 0;
  double cost = conv2d_cost(s, 0, images, each);
  for (int m = 2; m <= 6; ++m) {
    if (!has_winograd(s, m, rounds)) continue;
    const double other = conv2d_cost(s, m, images, each);
    if (other >= kWorthIt * cost) continue;
    best = m;
    cost = other;
  }
  return best;
}

}  // namespace pycnn
