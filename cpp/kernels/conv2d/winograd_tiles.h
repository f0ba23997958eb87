// What Winograd's forms share: the tiles of a map, and the transforms of their inputs and of kernels.
#pragma once

#include "kernels/conv2d/geometry.h"
#include "kernels/conv2d/winograd_transforms.h"

namespace pycnn::PYCNN_ISA {
namespace {

struct Tiles {
  int64_t height, width, rows, columns;  // outputs of a tile; tiles of an image
  int64_t first_row = 0;                 // where only some rows of tiles are wanted
  int64_t each() const { return rows * columns; }
};

template <class Form>
PYCNN_INLINE Tiles tiles_of(const Conv2D& s) {
  constexpr int64_t h = Form::kOutRows, w = Form::kOutColumns;
  return {h, w, (s.oh + h - 1) / h, (s.ow + w - 1) / w};
}

// Floats between the products of some tiles. Multiples of a page would all lie in one set of the L1 cache.
PYCNN_INLINE int64_t product_stride(int64_t floats) { return (floats + 15) / 16 * 16 + 16; }

// Where a tile's outputs begin, of the tiles of all images one after another.
struct TileOrigin {
  int64_t sample, row, column;
};

PYCNN_INLINE TileOrigin tile_origin(const Tiles& tiles, int64_t i) {
  const int64_t tile = i % tiles.each();
  const int64_t row = tiles.first_row + tile / tiles.columns;
  return {i / tiles.each(), row * tiles.height, tile % tiles.columns * tiles.width};
}

// Columns of inputs that a strip of tiles holds in a buffer of L1.
constexpr int64_t kStripColumns = 34;

// The inputs of `tiles` tiles side by side, one vector of channels, transformed: v[product] (tile, `words` operands),
// products `v_stride` words apart. Neighbours share columns, which are transformed once along the first axis. Rows
// begin at column 0, columns outside [0, width) are `outside`.
template <class Operand, class Form, class Lanes>
PYCNN_INLINE void input_strip(float* v, int64_t v_stride, int64_t words, const float* const (&rows)[Form::kRows],
                              const float* outside, int64_t left, int64_t width, int64_t c, int64_t k, int64_t tiles,
                              Lanes lanes) {
  constexpr int kRows = Form::kRows, kColumns = Form::kColumns;
  Vec half[kRows][kStripColumns];
  const int64_t columns = (tiles - 1) * Form::kOutColumns + kColumns;
  const int64_t begin = min(columns, max(0, -left)), end = max(begin, min(columns, width - left));
  const auto transform = [&](int64_t column, const auto& pixel) __attribute__((always_inline)) {
    Vec d[kRows], r[kRows];
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) d[i] = pixel(i);
    transform_input(r, d);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) half[i][column] = r[i];
  };
  const Vec padding = load(outside + k, lanes);
  for (int64_t j = 0; j < begin; ++j) transform(j, [&](int) { return padding; });
  for (int64_t j = begin; j < end; ++j) transform(j, [&](int i) { return load(rows[i] + (left + j) * c + k, lanes); });
  for (int64_t j = end; j < columns; ++j) transform(j, [&](int) { return padding; });
  for (int64_t tile = 0; tile < tiles; ++tile, v += words) {
    float* to = v;
    for (int64_t i = 0; i < kRows; ++i) {
      Vec d[kColumns], r[kColumns];
#pragma GCC unroll 12
      for (int j = 0; j < kColumns; ++j) d[j] = half[i][tile * Form::kOutColumns + j];
      transform_input(r, d);
#pragma GCC unroll 12
      for (int j = 0; j < kColumns; ++j, to += v_stride) Operand::store(to, k, r[j], lane_count(lanes));
    }
  }
}

// The inputs of the tiles [first, first + count) of all images, `x_stride` floats apart; `channels` of them from
// `channel` on. `outside` is a row of padding.
template <class Operand, class Form>
void input_tiles(float* v, int64_t v_stride, const float* x, int64_t x_stride, const float* outside, const Conv2D& s,
                 const Tiles& tiles, int64_t first, int64_t count, int64_t channel, int64_t channels) {
  constexpr int64_t kTiles = (kStripColumns - Form::kColumns) / Form::kOutColumns + 1;
  const int64_t words = Operand::words(channels);
  for (int64_t i = 0, strip; i < count; i += strip) {
    const TileOrigin at = tile_origin(tiles, first + i);
    strip = min(kTiles, min(count - i, tiles.columns - at.column / Form::kOutColumns));
    const int64_t top = at.row - s.top, left = at.column - s.left;
    const float* rows[Form::kRows];
    for (int64_t j = 0; j < Form::kRows; ++j)
      rows[j] = top + j >= 0 && top + j < s.h ? x + at.sample * x_stride + (top + j) * s.w * s.c + channel : outside;
    for_vectors(channels, [&](int64_t k, auto lanes) {
      input_strip<Operand, Form>(v + i * words, v_stride, words, rows, outside, left, s.w, s.c, k, strip, lanes);
    });
  }
}

// G g G^T of one word of input channels and one vector of output channels; tap(term, i, j) gives the taps.
template <class Operand, class Form, class Tap>
PYCNN_INLINE void kernel_tile(float* packed, int64_t stride, const Tap& tap) {
  constexpr int kTerms = Operand::kTerms, kRows = Form::kRows, kColumns = Form::kColumns;
  Vec half[kTerms][kRows][Form::kTapColumns];
  for (int t = 0; t < kTerms; ++t)
    for (int j = 0; j < Form::kTapColumns; ++j) {
      Vec column[Form::kTapRows], r[kRows];
#pragma GCC unroll 7
      for (int i = 0; i < Form::kTapRows; ++i) column[i] = tap(t, i, j);
      evaluate(r, column);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) half[t][i][j] = r[i] * static_cast<float>(scale_of(kRows, i));
    }
  for (int i = 0; i < kRows; ++i) {
    Vec r[kTerms][kColumns];
#pragma GCC unroll 2
    for (int t = 0; t < kTerms; ++t) {
      Vec row[Form::kTapColumns];
#pragma GCC unroll 7
      for (int j = 0; j < Form::kTapColumns; ++j) row[j] = half[t][i][j];
      evaluate(r[t], row);
    }
#pragma GCC unroll 12
    for (int j = 0; j < kColumns; ++j) {
      Vec terms[kTerms];
#pragma GCC unroll 2
      for (int t = 0; t < kTerms; ++t) terms[t] = r[t][j] * static_cast<float>(scale_of(kColumns, j));
      store(packed + (i * kColumns + j) * stride, Operand::word(terms));
    }
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
