// Packing of a right-hand side into panels (see gemm.h for the layout).
#pragma once

#include "kernels/gemm/tile.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {

PYCNN_INLINE int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

namespace {

// One panel: `columns` (<= kPanel) columns of b (depth, .), rows `ldb` floats apart.
template <class Operand>
PYCNN_INLINE void pack_panel(float* panel, const float* b, int64_t ldb, int64_t depth, int64_t columns) {
  constexpr int kTerms = Operand::kTerms;
  for (int64_t i = 0; i < depth; i += kTerms, b += kTerms * ldb, panel += kPanel) {
    for (int v = 0; v < kPanelVectors; ++v) {
      const int64_t lanes = lanes_of(columns, v);
      Vec terms[kTerms];
      for (int t = 0; t < kTerms; ++t)
        terms[t] = lanes > 0 && i + t < depth ? load_n(b + t * ldb + v * kLanes, lanes) : Vec{};
      store(panel + v * kLanes, Operand::word(terms));
    }
  }
}

// The same of the transpose of bt (columns, depth), rows `ldbt` floats apart.
template <class Operand>
PYCNN_INLINE void pack_panel_transposed(float* panel, const float* bt, int64_t ldbt, int64_t depth, int64_t columns) {
  const auto transpose = elementwise_kernels().transpose;
  if constexpr (Operand::kRounds) {
    constexpr int64_t kRows = 16;
    float rows[kRows * kPanel];
    for (int64_t i = 0; i < depth; i += kRows) {
      const int64_t count = min(kRows, depth - i);
      transpose(rows, kPanel, bt + i, ldbt, columns, count);
      pack_panel<Operand>(panel + Operand::words(i) * kPanel, rows, kPanel, count, columns);
    }
  } else {
    transpose(panel, kPanel, bt, ldbt, columns, depth);
    if (columns == kPanel) return;
    for (int64_t i = 0; i < depth; ++i)
      for (int64_t j = columns; j < kPanel; ++j) panel[i * kPanel + j] = 0.0f;
  }
}

// --- GemmKernels' functions that are the same for both operands --------------------------------------------------

template <class Operand>
int64_t gemm_packed_floats(int64_t depth, int64_t columns) {
  return panels_of(columns) * Operand::words(depth) * kPanel;
}

template <class Operand>
void gemm_pack(float* packed, const float* b, int64_t ldb, int64_t depth, int64_t columns, int64_t panel_begin,
               int64_t panel_end) {
  for (int64_t q = panel_begin; q < panel_end; ++q)
    pack_panel<Operand>(packed + q * Operand::words(depth) * kPanel, b + q * kPanel, ldb, depth,
                        min(kPanel, columns - q * kPanel));
}

template <class Operand>
void gemm_pack_transposed(float* packed, const float* bt, int64_t ldbt, int64_t depth, int64_t columns,
                          int64_t panel_begin, int64_t panel_end) {
  for (int64_t q = panel_begin; q < panel_end; ++q)
    pack_panel_transposed<Operand>(packed + q * Operand::words(depth) * kPanel, bt + q * kPanel * ldbt, ldbt, depth,
                                   min(kPanel, columns - q * kPanel));
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
