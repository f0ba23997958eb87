// Convolution rows under a 2x2 max-pool: the tile of gemm/tile.h over two output rows at once, so that bias, pool and
// bound are applied in registers and the map before the pool never exists.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/gemm/tile.h"
#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {

// Windows side by side in one tile: 4 pixels each.
constexpr int kMaxWindows = kMaxRows / 4;

namespace {

// The same as maximum_of_four where there may be a NaN.
PYCNN_INLINE Vec maximum_or_nan(Vec a, Vec b, Vec c, Vec d, IntVec& winner) {
  const Vec others[3] = {b, c, d};
  Vec best = a;
  winner = IntVec{};
  for (int k = 0; k < 3; ++k) {
    const IntVec wins = (others[k] > best) | (others[k] != others[k]);
    best = select(wins, others[k], best);
    winner = wins ? broadcast_int(k + 1) : winner;
  }
  return best;
}

// The maximum, and at which of the four it stands: the first one. A NaN wins over every number.
PYCNN_INLINE Vec maximum_of_four(Vec a, Vec b, Vec c, Vec d, IntVec& winner) {
  if (__builtin_expect(any_nan(a, b, c, d), 0)) return maximum_or_nan(a, b, c, d, winner);
  const Vec best = maximum(d, maximum(c, maximum(b, a)));
  winner = (c == best) ? broadcast_int(2) : broadcast_int(3);
  winner = (b == best) ? broadcast_int(1) : winner;
  winner = (a == best) ? IntVec{} : winner;
  return best;
}

PYCNN_INLINE Vec maximum_of_four(Vec a, Vec b, Vec c, Vec d) {
  return nan_of(maximum(d, maximum(c, maximum(b, a))), a, b, c, d);
}

// The argmax, or kClosed where it does not exceed a bound.
PYCNN_INLINE IntVec open_argmax(IntVec winner, Vec best, Vec lower) {
  const IntVec closed = (best <= lower) & (lower > broadcast(-__builtin_huge_valf()));
  return closed ? broadcast_int(kClosed) : winner;
}

// The maximum of a window of four, and which one it is where argmax is not null.
PYCNN_INLINE void store_window(float* y, uint8_t* argmax, Vec a, Vec b, Vec c, Vec d, Vec lower, int64_t lanes) {
  if (!argmax) return store_n(y, maximum(lower, maximum_of_four(a, b, c, d)), lanes);
  IntVec winner;
  const Vec best = maximum_of_four(a, b, c, d, winner);
  store_n(y, maximum(lower, best), lanes);
  store_bytes(argmax, open_argmax(winner, best, lower), lanes);
}

// W windows. t.y and argmax are the first window's outputs, t.y_stride floats (bytes) from window to window; t.x is the
// window's first pixel, t.x_stride words from pixel to pixel and x_row from row to row.
template <class Operand, int W, int V, bool kArgmax>
void run_pool_tile(const Tile& t, int64_t x_row, uint8_t* argmax) {
  Vec sum[2][2 * W][V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const Vec start = t.bias ? load_n(t.bias + v * kLanes, lanes_of(t.columns, v)) : Vec{};
#pragma GCC unroll 2
    for (int a = 0; a < 2; ++a)
#pragma GCC unroll 8
      for (int p = 0; p < 2 * W; ++p) sum[a][p][v] = start;
  }
  constexpr int kBases = (2 * W + 2) / 3;  // see gemm/tile.h
  const int64_t stride = t.x_stride;
  for (int64_t s = 0; s < t.segment_count; ++s) {
    const float* base[2][kBases];
#pragma GCC unroll 2
    for (int a = 0; a < 2; ++a)
#pragma GCC unroll 8
      for (int i = 0; i < kBases; ++i) base[a][i] = t.x + t.segments[s].x_offset + a * x_row + 3 * i * stride;
    const float* b = t.b + t.segments[s].b_offset;
    for (int64_t i = 0; i < t.length; ++i) {
      Vec row[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 2
      for (int a = 0; a < 2; ++a)
#pragma GCC unroll 8
        for (int p = 0; p < 2 * W; ++p) {
          const Vec x = Operand::broadcast(base[a][p / 3] + (p % 3) * stride);
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) sum[a][p][v] = Operand::add_product(sum[a][p][v], x, row[v]);
        }
#pragma GCC unroll 2
      for (int a = 0; a < 2; ++a)
#pragma GCC unroll 8
        for (int k = 0; k < kBases; ++k) ++base[a][k];
      b += kPanel;
    }
  }
  const Vec lower = broadcast(t.lower);
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const int64_t at = w * t.y_stride + v * kLanes;
      store_window(t.y + at, kArgmax ? argmax + at : nullptr, sum[0][2 * w][v], sum[0][2 * w + 1][v], sum[1][2 * w][v],
                   sum[1][2 * w + 1][v], lower, lanes_of(t.columns, v));
    }
}

template <class Operand, int V, bool kArgmax>
void run_windows(const Tile& t, int64_t x_row, uint8_t* argmax, int64_t windows) {
  dispatch<1, kMaxWindows>(
      windows, [&](auto w) __attribute__((always_inline)) { run_pool_tile<Operand, w, V, kArgmax>(t, x_row, argmax); });
}

template <class Operand, bool kArgmax>
PYCNN_INLINE void run_pool_tiles(Tile t, int64_t x_row, uint8_t* argmax, int64_t windows) {
  int64_t tiles = (windows + kMaxWindows - 1) / kMaxWindows;
  while (windows > 0) {
    const int64_t width = (windows + tiles - 1) / tiles;
    if (t.columns > kLanes) run_windows<Operand, 2, kArgmax>(t, x_row, argmax, width);
    else run_windows<Operand, 1, kArgmax>(t, x_row, argmax, width);
    t.y += width * t.y_stride;
    if (kArgmax) argmax += width * t.y_stride;
    t.x += 2 * width * t.x_stride;
    windows -= width;
    --tiles;
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
