// The register tile under every weight gradient: dw (R inputs, one panel of outputs) = sum over pixels of
// x[pixel] (outer) dy[pixel]. The accumulators stay in registers over all pixels of an image. In bfloat16 a pixel is
// one of words: kTerms of the image's.
#pragma once

#include "kernels/gemm/tile.h"

namespace pycnn::PYCNN_ISA {

struct OuterTile {
  float* dw;
  int64_t dw_stride;
  int64_t columns;  // valid columns of the panel, 1..kPanel
  const float* x;
  int64_t x_row_stride, x_pixel_stride;
  const float* dy;
  int64_t dy_row_stride, dy_pixel_stride;
  int64_t rows, pixels;  // the image is rows x pixels
  bool accumulate;
};

namespace {

template <class Operand, int R, int V, class Lanes>
PYCNN_INLINE void run_outer(const OuterTile& t, const Lanes& lanes) {
  Vec sum[R][V] = {};
  for (int64_t row = 0; row < t.rows; ++row) {
    const float* x = t.x + row * t.x_row_stride;
    const float* dy = t.dy + row * t.dy_row_stride;
    for (int64_t i = 0; i < t.pixels; ++i) {
      Vec g[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) g[v] = load_n(dy + v * kLanes, lanes(v));
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Vec a = Operand::broadcast(x + r);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[r][v] = Operand::add_product(sum[r][v], a, g[v]);
      }
      x += t.x_pixel_stride;
      dy += t.dy_pixel_stride;
    }
  }
  float* const dw = t.dw;
  const int64_t dw_stride = t.dw_stride;
  const auto finish = [&](const auto& start) __attribute__((always_inline)) {
    unrolled<R, V>([&](int r, int v) {
      float* to = dw + r * dw_stride + v * kLanes;
      store_n(to, start(to, v) + sum[r][v], lanes(v));
    });
  };
  if (t.accumulate) finish([&](const float* to, int v) __attribute__((always_inline)) { return load_n(to, lanes(v)); });
  else finish([](const float*, int) __attribute__((always_inline)) { return Vec{}; });
}

template <class Operand, int R, int V>
void run_outer(const OuterTile& t) {
  const int64_t columns = t.columns;
  if (columns == V * kLanes)
    run_outer<Operand, R, V>(
        t, [](int) __attribute__((always_inline)) { return int64_t{kLanes}; });
  else
    run_outer<Operand, R, V>(
        t, [&](int v) __attribute__((always_inline)) { return lanes_of(columns, v); });
}

template <class Operand, int V>
void run_outer_rows(const OuterTile& t, int64_t inputs) {
  dispatch<1, kMaxRows>(
      inputs, [&](auto r) __attribute__((always_inline)) { run_outer<Operand, r, V>(t); });
}

// `inputs` neighbouring inputs of x, all `outputs` columns, tile by tile.
template <class Operand>
PYCNN_INLINE void run_outers(OuterTile t, int64_t inputs, int64_t outputs) {
  int64_t tiles = (inputs + kMaxRows - 1) / kMaxRows;
  while (inputs > 0) {
    const int64_t height = (inputs + tiles - 1) / tiles;
    for (int64_t k = 0; k < outputs; k += kPanel) {
      OuterTile panel = t;
      panel.dw += k;
      panel.dy += k;
      panel.columns = min(kPanel, outputs - k);
      if (panel.columns > kLanes) run_outer_rows<Operand, 2>(panel, height);
      else run_outer_rows<Operand, 1>(panel, height);
    }
    t.dw += height * t.dw_stride;
    t.x += height;
    inputs -= height;
    --tiles;
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
