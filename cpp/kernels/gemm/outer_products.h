// The arithmetic of gemm/outer.h, for the files that instantiate it: tile.cpp and tile_bf16.cpp.
#pragma once

#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <class Operand, int R, int V, class Lanes>
PYCNN_INLINE void outer_products(const OuterTile& t, const Lanes& lanes) {
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
void outer_products(const OuterTile& t) {
  const int64_t columns = t.columns;
  if (columns == V * kLanes)
    outer_products<Operand, R, V>(
        t, [](int) __attribute__((always_inline)) { return int64_t{kLanes}; });
  else
    outer_products<Operand, R, V>(
        t, [&](int v) __attribute__((always_inline)) { return lanes_of(columns, v); });
}

template <class Operand, int V>
void outer_rows(const OuterTile& t, int64_t inputs) {
  dispatch<1, kMaxRows>(
      inputs, [&](auto r) __attribute__((always_inline)) { outer_products<Operand, r, V>(t); });
}

template <class Operand>
PYCNN_INLINE void any_outer(const OuterTile& t, int64_t inputs) {
  if (t.columns > kLanes) outer_rows<Operand, 2>(t, inputs);
  else outer_rows<Operand, 1>(t, inputs);
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
