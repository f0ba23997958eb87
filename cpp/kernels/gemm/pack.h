// Packing of a right-hand side into panels (see gemm.h for the layout).
#pragma once

#include "kernels/gemm/tile.h"

namespace pycnn::PYCNN_ISA {

PYCNN_INLINE int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

namespace {

// One panel: `columns` (<= kPanel) columns of b (depth, .), rows `ldb` floats apart.
PYCNN_INLINE void pack_panel(float* panel, const float* b, int64_t ldb, int64_t depth, int64_t columns) {
  for (int64_t i = 0; i < depth; ++i, b += ldb, panel += kPanel) {
    for (int v = 0; v < kPanelVectors; ++v) {
      const int64_t lanes = lanes_of(columns, v);
      store(panel + v * kLanes, lanes > 0 ? load_n(b + v * kLanes, lanes) : Vec{});
    }
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
