// The arithmetic of gemm/tile.h, for the files that instantiate it: tile.cpp and tile_bf16.cpp.
#pragma once

#include "kernels/gemm/tile.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <class Operand, int P, int V>
void tile_products(const Tile& t) {
  Vec sum[P][V];
  if (t.accumulate) {
    unrolled<P, V>(
        [&](int p, int v) { sum[p][v] = load_n(t.y + p * t.y_stride + v * kLanes, lanes_of(t.columns, v)); });
  } else {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      const Vec start = t.bias ? load_n(t.bias + v * kLanes, lanes_of(t.columns, v)) : Vec{};
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sum[p][v] = start;
    }
  }
  // Rows are addressed as base[p / 3] + (p % 3) * stride, which x86 folds into the operand: few address registers.
  constexpr int kBases = (P + 2) / 3;
  const int64_t stride = t.x_stride, b_stride = t.b_stride, ahead = t.ahead;
  for (int64_t s = 0; s < t.segment_count; ++s) {
    const float* base[kBases];
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) base[i] = t.x + t.segments[s].x_offset + 3 * i * stride;
    const float* b = t.b + t.segments[s].b_offset;
    for (int64_t i = 0; i < t.length; ++i) {
      Vec row[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        row[v] = load(b + v * kLanes);
        if (v * kLanes % kLine == 0) __builtin_prefetch(b + v * kLanes + ahead);
      }
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const Vec x = Operand::broadcast(base[p / 3] + (p % 3) * stride);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[p][v] = Operand::add_product(sum[p][v], x, row[v]);
      }
#pragma GCC unroll 8
      for (int k = 0; k < kBases; ++k) ++base[k];
      b += b_stride;
    }
  }
  // Whole vectors are stored without a mask: what is read again soon is then forwarded from the store.
  float* const y = t.y;
  const float* const residual = t.residual;
  const int64_t y_stride = t.y_stride, columns = t.columns;
  const Vec lower = broadcast(t.lower), upper = broadcast(t.upper);
  const auto finish = [&](auto lanes) __attribute__((always_inline)) {
    if (residual) {
      unrolled<P, V>([&](int p, int v) { sum[p][v] += load_n(residual + p * y_stride + v * kLanes, lanes(v)); });
    }
    unrolled<P, V>([&](int p, int v) {
      store_n(y + p * y_stride + v * kLanes, minimum(upper, maximum(lower, sum[p][v])), lanes(v));
    });
  };
  if (columns == V * kLanes) finish([](int) __attribute__((always_inline)) { return int64_t{kLanes}; });
  else finish([&](int v) __attribute__((always_inline)) { return lanes_of(columns, v); });
}

template <class Operand, int V>
void tile_rows(const Tile& t, int64_t rows) {
  dispatch<1, kMaxRows>(
      rows, [&](auto p) __attribute__((always_inline)) { tile_products<Operand, p, V>(t); });
}

template <class Operand>
PYCNN_INLINE void any_tile(const Tile& t, int64_t rows) {
  if (t.columns > kLanes) tile_rows<Operand, 2>(t, rows);
  else tile_rows<Operand, 1>(t, rows);
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
