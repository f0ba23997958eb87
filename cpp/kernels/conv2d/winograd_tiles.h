// What Winograd's forms share: the tiles of a map, and the transforms of their inputs and of kernels.
#pragma once

#include "kernels/conv2d/geometry.h"
#include "kernels/conv2d/winograd_transforms.h"

namespace pycnn::PYCNN_ISA {
namespace {

struct Tiles {
  int64_t size, rows, columns;  // outputs of a tile along each axis; tiles of an image
  int64_t first_row = 0;        // where only some rows of tiles are wanted
  int64_t each() const { return rows * columns; }
};

PYCNN_INLINE Tiles tiles_of(const Conv2D& s, int64_t size) {
  return {size, (s.oh + size - 1) / size, (s.ow + size - 1) / size};
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
  return {i / tiles.each(), row * tiles.size, tile % tiles.columns * tiles.size};
}

// Columns of inputs that a strip of tiles holds in a buffer of L1.
constexpr int64_t kStripColumns = 34;

// The inputs of `tiles` tiles side by side, one vector of channels, transformed: v[product] (tile, `words` operands),
// products `v_stride` words apart. Neighbours share columns, which are transformed once along the first axis. Rows
// begin at column 0, columns outside [0, width) are `outside`.
template <class Operand, int M, int N, class Lanes>
PYCNN_INLINE void input_strip(float* v, int64_t v_stride, int64_t words, const float* const (&rows)[N],
                              const float* outside, int64_t left, int64_t width, int64_t c, int64_t k, int64_t tiles,
                              Lanes lanes) {
  Vec half[N][kStripColumns];
  const int64_t columns = (tiles - 1) * M + N;
  const int64_t begin = min(columns, max(0, -left)), end = max(begin, min(columns, width - left));
  const auto transform = [&](int64_t column, const auto& pixel) __attribute__((always_inline)) {
    Vec d[N], r[N];
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) d[i] = pixel(i);
    transform_input(r, d);
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) half[i][column] = r[i];
  };
  const Vec padding = load(outside + k, lanes);
  for (int64_t j = 0; j < begin; ++j) transform(j, [&](int) { return padding; });
  for (int64_t j = begin; j < end; ++j) transform(j, [&](int i) { return load(rows[i] + (left + j) * c + k, lanes); });
  for (int64_t j = end; j < columns; ++j) transform(j, [&](int) { return padding; });
  for (int64_t tile = 0; tile < tiles; ++tile, v += words) {
    float* to = v;
    for (int64_t i = 0; i < N; ++i) {
      Vec d[N], r[N];
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) d[j] = half[i][tile * M + j];
      transform_input(r, d);
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j, to += v_stride) Operand::store(to, k, r[j], lane_count(lanes));
    }
  }
}

// The inputs of the tiles [first, first + count) of all images, `x_stride` floats apart; `channels` of them from
// `channel` on. `outside` is a row of padding.
template <class Operand, int M, int N>
void input_tiles(float* v, int64_t v_stride, const float* x, int64_t x_stride, const float* outside, const Conv2D& s,
                 const Tiles& tiles, int64_t first, int64_t count, int64_t channel, int64_t channels) {
  constexpr int64_t kTiles = (kStripColumns - N) / M + 1;
  const int64_t words = Operand::words(channels);
  for (int64_t i = 0, strip; i < count; i += strip) {
    const TileOrigin at = tile_origin(tiles, first + i);
    strip = min(kTiles, min(count - i, tiles.columns - at.column / M));
    const int64_t top = at.row - s.top, left = at.column - s.left;
    const float* rows[N];
    for (int64_t j = 0; j < N; ++j)
      rows[j] = top + j >= 0 && top + j < s.h ? x + at.sample * x_stride + (top + j) * s.w * s.c + channel : outside;
    for_vectors(channels, [&](int64_t k, auto lanes) {
      input_strip<Operand, M, N>(v + i * words, v_stride, words, rows, outside, left, s.w, s.c, k, strip, lanes);
    });
  }
}

// G g G^T of one word of input channels and one vector of output channels; tap(term, i, j) gives the taps.
template <class Operand, int N, int R, class Tap>
PYCNN_INLINE void kernel_tile(float* packed, int64_t stride, const Tap& tap) {
  constexpr int kTerms = Operand::kTerms;
  Vec half[kTerms][N][R];
  for (int t = 0; t < kTerms; ++t)
    for (int j = 0; j < R; ++j) {
      Vec column[R], r[N];
#pragma GCC unroll 5
      for (int i = 0; i < R; ++i) column[i] = tap(t, i, j);
      evaluate(r, column);
#pragma GCC unroll 8
      for (int i = 0; i < N; ++i) half[t][i][j] = r[i] * static_cast<float>(scale_of(N, i));
    }
  for (int i = 0; i < N; ++i) {
    Vec r[kTerms][N];
#pragma GCC unroll 2
    for (int t = 0; t < kTerms; ++t) {
      Vec row[R];
#pragma GCC unroll 5
      for (int j = 0; j < R; ++j) row[j] = half[t][i][j];
      evaluate(r[t], row);
    }
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      Vec terms[kTerms];
#pragma GCC unroll 2
      for (int t = 0; t < kTerms; ++t) terms[t] = r[t][j] * static_cast<float>(scale_of(N, j));
      store(packed + (i * N + j) * stride, Operand::word(terms));
    }
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
