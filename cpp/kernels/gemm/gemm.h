// Matrix products on packed right-hand sides.
//
// A packed matrix B (depth, columns) is a row of panels of `panel` = 2 * lanes columns; a panel holds its `depth`
// rows one after the other, padded with zeros to the full width. In bfloat16 a row may hold two of B's, pairwise.
#pragma once

#include <stdint.h>

namespace pycnn {

struct GemmKernels {
  int64_t (*packed_floats)(int64_t depth, int64_t columns);
  // packed <- b (depth, columns), rows `ldb` floats apart, panels [panel_begin, panel_end).
  void (*pack)(float* packed, const float* b, int64_t ldb, int64_t depth, int64_t columns, int64_t panel_begin,
               int64_t panel_end);
  // packed <- the transpose of bt (columns, depth), rows `ldbt` floats apart; panels [panel_begin, panel_end).
  void (*pack_transposed)(float* packed, const float* bt, int64_t ldbt, int64_t depth, int64_t columns,
                          int64_t panel_begin, int64_t panel_end);
  // y (rows, columns) = max(x (rows, depth) @ packed + bias, lower), columns of panels [panel_begin, panel_end).
  // bias may be null; lower is 0 for ReLU and -infinity for none. y must not alias x.
  void (*multiply)(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* packed, const float* bias,
                   int64_t rows, int64_t depth, int64_t columns, int64_t panel_begin, int64_t panel_end, float lower);
  // In float32 always. y (rows, columns) = x (rows, depth) @ b (depth, columns), which is not packed: rows `ldb` floats
  // apart. columns is a multiple of a panel's.
  void (*multiply_plain)(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* b, int64_t ldb,
                         int64_t rows, int64_t depth, int64_t columns);
  // In float32 always. y (columns) = max(x (depth) @ b (depth, columns) + bias, lower), the bits that `multiply` gives,
  // with b read once, row by row, as it lies: rows `ldb` floats apart. bias may be null.
  void (*multiply_one)(float* y, const float* x, const float* b, int64_t ldb, const float* bias, int64_t depth,
                       int64_t columns, float lower);
  // dw (inputs, outputs) = or += x^T (rows, inputs) @ dy (rows, outputs); rows of dw [input_begin,
  // input_end).
  void (*outer)(float* dw, const float* x, int64_t x_stride, const float* dy, int64_t dy_stride, int64_t rows,
                int64_t outputs, int64_t input_begin, int64_t input_end, bool accumulate);
};

}  // namespace pycnn
