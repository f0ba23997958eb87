// One matrix over each channel of a picture, HWC: a correlation, as in networks the matrix is not turned.
#pragma once

#include <stdint.h>

#include "kernels/elementwise/elementwise.h"

namespace pycnn {

constexpr int64_t kMaxFilter = 1024;  // rows, and columns, of a matrix

struct FilterPlan {
  int64_t w, c;            // of the source
  int64_t oh, ow;          // of the result
  int64_t kh, kw;          // of the matrix
  int64_t sh, sw;          // strides
  SourceType type;         // of the source: kUint8 or kFloat32
  bool bytes;              // whether the result is uint8, rounded and cut at 0 and 255; else float32
  bool separable;          // the matrix is the product of a column and a row
  float fill;              // outside
  const float* weights;    // kh kw; separable: the column, then the row
  const int64_t* rows;     // of the source, for each row of the padded picture, (oh - 1) sh + kh; -1: outside
  const int64_t* columns;  // the same, (ow - 1) sw + kw
};

struct FilterKernels {
  // Floats that `apply` needs for itself.
  int64_t (*scratch)(const FilterPlan& plan);
  // Pieces of work, and one of them: y (oh, ow, c) from x (h, w, c).
  int64_t (*pieces)(const FilterPlan& plan);
  void (*apply)(void* y, float* scratch, const void* x, const FilterPlan& plan, int64_t piece);
};

}  // namespace pycnn
