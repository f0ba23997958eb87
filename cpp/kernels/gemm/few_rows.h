// Products of so few rows that one panel's sums are too few chains of additions to keep the multipliers busy: several
// panels at once. Each sum is what gemm/tile.h makes of it, term by term.
#pragma once

#include "kernels/gemm/tile.h"

namespace pycnn::PYCNN_ISA {

// With more rows one panel is enough.
constexpr int64_t kFewRows = 3;

namespace {

// R rows times Q panels `panel_stride` floats apart; t.columns counts over all of them. One segment.
template <class Operand, int R, int Q>
void run_few_rows(const Tile& t, int64_t panel_stride) {
  constexpr int V = Q * kPanelVectors;
  const auto lanes = [&](int v) { return max(0, lanes_of(t.columns, v)); };
  Vec sum[R][V];
  unrolled<R, V>([&](int r, int v) {
    if (t.accumulate) sum[r][v] = load_n(t.y + r * t.y_stride + v * kLanes, lanes(v));
    else sum[r][v] = t.bias ? load_n(t.bias + v * kLanes, lanes(v)) : Vec{};
  });
  const float* x = t.x;
  const float* b = t.b;
  for (int64_t i = 0; i < t.length; ++i, ++x, b += t.b_stride) {
    Vec a[R];
#pragma GCC unroll 3
    for (int r = 0; r < R; ++r) a[r] = Operand::broadcast(x + r * t.x_stride);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const Vec row = load(b + v / kPanelVectors * panel_stride + v % kPanelVectors * kLanes);
#pragma GCC unroll 3
      for (int r = 0; r < R; ++r) sum[r][v] = Operand::add_product(sum[r][v], a[r], row);
    }
  }
  const Vec lower = broadcast(t.lower);
  unrolled<R, V>(
      [&](int r, int v) { store_n(t.y + r * t.y_stride + v * kLanes, maximum(lower, sum[r][v]), lanes(v)); });
}

template <class Operand, int Q>
void run_few_rows(const Tile& t, int64_t rows, int64_t panel_stride) {
  dispatch<1, kFewRows>(
      rows, [&](auto r) __attribute__((always_inline)) { run_few_rows<Operand, r, Q>(t, panel_stride); });
}

// At most kFewRows rows times `panels` panels.
template <class Operand>
PYCNN_INLINE void run_few_rows(Tile t, int64_t rows, int64_t panels, int64_t panel_stride) {
  const int64_t columns = t.columns;
  for (int64_t q = 0, count = 0; q < panels; q += count) {
    count = rows == 1 && panels - q >= 4 ? 4 : panels - q >= 2 ? 2 : 1;
    t.columns = min(count * kPanel, columns - q * kPanel);
    if (count == 4) run_few_rows<Operand, 1, 4>(t, panel_stride);
    else if (count == 2) run_few_rows<Operand, 2>(t, rows, panel_stride);
    else run_few_rows<Operand, 1>(t, rows, panel_stride);
    t.y += count * kPanel;
    if (t.bias) t.bias += count * kPanel;
    t.b += count * panel_stride;
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
