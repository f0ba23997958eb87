// What Winograd's forward and backward forms share: the tiles of a map, and the transform of inputs.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int kPoints = 6;  // of one axis
constexpr int kProducts = kPoints * kPoints;
constexpr int kOut = 4;
constexpr int64_t kGroupFloats = 96 * 1024;  // transformed inputs of one group of tiles: 384 KB, in bfloat16 half of it
constexpr int64_t kMinGroup = 8, kMaxGroup = 48;

struct Tiles {
  int64_t rows, columns, group;  // of one image; tiles of a group
  int64_t each() const { return rows * columns; }
};

PYCNN_INLINE Tiles tiles_of(const Conv2D& s) {
  const int64_t group = least(kMaxGroup, most(kMinGroup, kGroupFloats / (kProducts * s.c)));
  return {(s.oh + kOut - 1) / kOut, (s.ow + kOut - 1) / kOut, group};
}

// Where a tile's outputs begin, of the tiles of all images one after another.
struct TilePlace {
  int64_t sample, row, column;
};

PYCNN_INLINE TilePlace place_of(const Tiles& tiles, int64_t i) {
  const int64_t tile = i % tiles.each();
  return {i / tiles.each(), tile / tiles.columns * kOut, tile % tiles.columns * kOut};
}

PYCNN_INLINE bool has_winograd_form(const Conv2D& s) {
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.groups == 1 && s.c >= 16 && s.k >= 16 && s.top >= 0 && s.left >= 0;
}

// r = B^T d: the products of (x - p) over all other points, by powers of x.
PYCNN_INLINE void transform_input(Vec (&r)[kPoints], const Vec (&d)[kPoints]) {
  const Vec p = d[3] - d[1], q = d[4] - d[2];
  r[0] = (d[0] - d[2]) + q + 1.5f * p;
  r[1] = (q + p) + 1.5f * (d[3] + d[2]);
  r[2] = (q - p) + 1.5f * (d[3] - d[2]);
  r[3] = q + 2.0f * p;
  r[4] = q - 0.5f * p;
  r[5] = (d[5] - d[3]) - p + 1.5f * q;
}

// One input tile, all channels: v[product] (c operands, products `v_stride` words apart). `outside` is a pixel of
// padding.
template <class Operand>
void input_tile(float* v, int64_t v_stride, const float* image, const float* outside, const Conv2D& s,
                const TilePlace& at) {
  const int64_t top = at.row - s.top, left = at.column - s.left;
  const float* pixels[kPoints][kPoints];
  for (int64_t i = 0; i < kPoints; ++i)
    for (int64_t j = 0; j < kPoints; ++j) {
      const bool inside = top + i >= 0 && top + i < s.h && left + j >= 0 && left + j < s.w;
      pixels[i][j] = inside ? image + ((top + i) * s.w + left + j) * s.c : outside;
    }
  for (int64_t k = 0; k < s.c; k += kLanes) {
    const int64_t lanes = least(kLanes, s.c - k);
    Vec half[kPoints][kPoints];
#pragma GCC unroll 6
    for (int j = 0; j < kPoints; ++j) {
      Vec d[kPoints], r[kPoints];
#pragma GCC unroll 6
      for (int i = 0; i < kPoints; ++i) d[i] = load_n(pixels[i][j] + k, lanes);
      transform_input(r, d);
#pragma GCC unroll 6
      for (int i = 0; i < kPoints; ++i) half[i][j] = r[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < kPoints; ++i) {
      Vec r[kPoints];
      transform_input(r, half[i]);
#pragma GCC unroll 6
      for (int j = 0; j < kPoints; ++j) Operand::store(v + (i * kPoints + j) * v_stride, k, r[j], lanes);
    }
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
