// Winograd's F(2x2, 3x3) of images of one channel. There is nothing to sum up over, so that a tile's 16 products go
// from one transform to the other in registers, as do a kernel's 16 factors for a row of tiles; the inputs' transform
// has neighbouring tiles in neighbouring lanes.
#pragma once

#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/split_row.h"
#include "kernels/conv2d/winograd_cut.h"
#include "kernels/conv2d/winograd_forms.h"
#include "kernels/conv2d/winograd_tiles.h"

namespace pycnn::PYCNN_ISA {
namespace {

class PlaneForm {
  using Tile = SquareForm<2, 3>;
  static constexpr int M = Tile::kOutRows, N = Tile::kRows, R = Tile::kTapRows, kProducts = Tile::kProducts;

 public:
  static constexpr int kOutRows = M;
  static int64_t packed_floats(const Conv2D& s) { return panels_of(s.k) * kProducts * kPanel; }
  static int64_t scratch_floats(const Conv2D& s) { return padded_input_floats(s) + N * 2 * half_of(s); }

  // packed (panels, n^2, kPanel)
  static void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
    for (int64_t k = begin * kPanel; k < end * kPanel; k += kLanes) {
      const int64_t lanes = min(kLanes, s.k - k);
      kernel_tile<Float32, Tile>(packed + packed_at(k), kPanel, [&](int, int i, int j) {
        return lanes > 0 ? load_n(w + (i * R + j) * s.k + k, lanes) : Vec{};
      });
    }
  }

  static void forward(const Images& images, const float* packed, const float* bias, float lower, float* scratch,
                      const Conv2D& s, bool pool, const WinogradPart& part) {
    const int64_t first = part.panel_begin * kPanel, channels = min(s.k, part.panel_end * kPanel) - first;
    const int64_t rows = pool ? min(part.row_end, s.oh / M) : part.row_end;
    const int64_t columns = pool ? s.ow / M : tile_columns(s), half = half_of(s);
    float* halves = scratch + padded_input_floats(s);
    for (int64_t n = 0; n < images.count; ++n) {
      const Image image = padded_input(images.x + n * images.x_stride, scratch, s);
      for (int64_t row = part.row_begin; row < rows; ++row) {
        for (int64_t i = 0; i < N; ++i) {
          float* even = halves + 2 * i * half;
          if (M * row + i < image.h) split_row(even, even + half, half, image.data + (M * row + i) * image.w, image.w);
          else fill(even, 0.0f, 2 * half);
        }
        for (int64_t column = 0; column < columns; column += kLanes) {
          float v[kProducts * kLanes];
          transform_inputs(v, halves + column, half);
          const TileRange at = {n, row, column, min(kLanes, columns - column)};
          for_vectors(channels, [&](int64_t i, auto lanes) {
            const int64_t k = first + i;
            const Vec start = bias ? load(bias + k, lanes) : Vec{};
            const float* factors = packed + packed_at(k);
            if (!pool) tiles(images, v, factors, start, lower, s, k, at, lanes);
            else if (images.argmax) pooled_tiles<true>(images, v, factors, start, lower, s, k, at, lanes);
            else pooled_tiles<false>(images, v, factors, start, lower, s, k, at, lanes);
          });
        }
      }
    }
  }

 private:
  // Some tiles side by side.
  struct TileRange {
    int64_t sample, row, column, count;
  };

  static int64_t packed_at(int64_t k) { return k / kPanel * kProducts * kPanel + k % kPanel; }
  static int64_t tile_columns(const Conv2D& s) { return (s.ow + M - 1) / M; }
  static int64_t half_of(const Conv2D& s) { return half_row(tile_columns(s), R); }

  // v (n^2, kLanes) of a vector of tiles from the even and odd pixels of n rows.
  static void transform_inputs(float* v, const float* halves, int64_t half) {
    const auto at = [&](int i, int j) { return load(halves + (2 * i + j % 2) * half + j / 2); };
    const auto along = [](Vec(&r)[N], const Vec(&d)[N]) __attribute__((always_inline)) { transform_input(r, d); };
    transform_tile<N, N, N, N>(at, along, [&](int i, const Vec(&r)[N]) {
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) store(v + (i * N + j) * kLanes, r[j]);
    });
  }

  // use(tile, outputs) for each of `count` tiles, one vector of output channels.
  template <class Use>
  PYCNN_INLINE void for_each_tile(const float* v, int64_t count, const float* packed, Vec bias, const Use& use) {
    Vec factors[kProducts];
#pragma GCC unroll 16
    for (int p = 0; p < kProducts; ++p) factors[p] = load(packed + p * kPanel);
    for (int64_t tile = 0; tile < count; ++tile, ++v) {
      Vec half[M][N];
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) {
        // The sums of `moments`, each product fused into its one.
        const auto input = [&](int i) { return broadcast(v[(i * N + j) * kLanes]); };
        const Vec second = input(2);
        const Vec first = j == 1 ? add_fused(bias, factors[N + 1], input(1)) : factors[N + j] * input(1);
        half[0][j] = add_fused(add_fused(first, factors[2 * N + j], second), factors[j], input(0));
        half[1][j] = add_fused(add_fused(first, -factors[2 * N + j], second), factors[3 * N + j], input(3));
      }
      Vec y[M][M];
#pragma GCC unroll 2
      for (int i = 0; i < M; ++i) moments(y[i], half[i]);
      use(tile, y);
    }
  }

  template <bool kArgmax, class Lanes>
  static void pooled_tiles(const Images& images, const float* v, const float* packed, Vec bias, float lower,
                           const Conv2D& s, int64_t k, const TileRange& at, Lanes lanes) {
    const int64_t pixel = y_pixel(images, s), from = (at.row * (s.ow / M) + at.column) * pixel + k;
    float* y = images.y + at.sample * images.y_stride + from;
    uint8_t* argmax = kArgmax ? images.argmax + at.sample * images.argmax_stride + from : nullptr;
    const Vec bound = broadcast(lower);
    for_each_tile(
        v, at.count, packed, bias, [&](int64_t tile, const Vec(&out)[M][M]) __attribute__((always_inline)) {
          store_window(y + tile * pixel, kArgmax ? argmax + tile * pixel : nullptr, out[0][0], out[0][1], out[1][0],
                       out[1][1], bound, lane_count(lanes));
        });
  }

  template <class Lanes>
  static void tiles(const Images& images, const float* v, const float* packed, Vec bias, float lower, const Conv2D& s,
                    int64_t k, const TileRange& at, Lanes lanes) {
    const int64_t pixel = y_pixel(images, s), from = M * (at.row * s.ow + at.column) * pixel + k;
    float* y = images.y + at.sample * images.y_stride + from;
    const float* residual = images.residual ? images.residual + at.sample * images.residual_stride + from : nullptr;
    const int64_t rows = min(M, s.oh - M * at.row), columns = s.ow - M * at.column;
    const Vec bound = broadcast(lower);
    for_each_tile(
        v, at.count, packed, bias, [&](int64_t tile, const Vec(&out)[M][M]) __attribute__((always_inline)) {
#pragma GCC unroll 2
          for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
            for (int j = 0; j < M; ++j) {
              if (i >= rows || M * tile + j >= columns) continue;
              const int64_t to = (i * s.ow + M * tile + j) * pixel;
              store(y + to, maximum(bound, residual ? out[i][j] + load(residual + to, lanes) : out[i][j]), lanes);
            }
        });
  }
};

}  // namespace
}  // namespace pycnn::PYCNN_ISA
