// Flat and row-wise copies, sums and products.
#pragma once

#include <stdint.h>

namespace pycnn {

enum class SourceType : int32_t { kFloat32, kFloat64, kUint8 };

struct ElementwiseKernels {
  void (*add)(float* y, const float* a, const float* b, int64_t n);       // y may be a or b
  void (*multiply)(float* y, const float* a, const float* b, int64_t n);  // y may be a or b
  void (*scale_shift)(float* y, const float* x, float scale, float shift, int64_t n);
  void (*fill)(float* y, float value, int64_t n);
  // y[i] = x[i] as float32, from the type named. Every input batch passes through it.
  void (*convert)(float* y, const void* x, SourceType type, int64_t n);
  // `rows` rows of `width` floats, rows `y_stride` / `x_stride` floats apart (concatenation and its backward).
  void (*copy_rows)(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t width);
  // sum[c] += (or = where !accumulate) sum over rows of x (rows, c), rows `stride` floats apart: bias gradients.
  void (*sum_rows)(float* sum, const float* x, int64_t rows, int64_t c, int64_t stride, bool accumulate);
  // y[i] = slots[i] + slots[stride + i] + ... in this order, `count` >= 1 of them.
  void (*sum_slots)(float* y, const float* slots, int64_t stride, int64_t count, int64_t n);
  // y[i] = keep(i) ? x[i] / (1 - rate) : 0, keep decided by a hash of (seed, first + i) alone, so that backward
  // (the same call on dy) and any split into ranges give the same mask. y may be x. 0 <= rate < 1.
  void (*dropout)(float* y, const float* x, int64_t n, float rate, uint64_t seed, int64_t first);
  // y[i] = a number in [0, 1), a hash of (seed, first + i) alone.
  void (*uniform)(float* y, int64_t n, uint64_t seed, int64_t first);
  // Maxout: y[r, j] = max_{i < pieces} x[r, j * pieces + i], x (rows, units * pieces). The first maximum takes
  // the gradient; backward overwrites dx.
  void (*maxout_forward)(float* y, const float* x, int64_t rows, int64_t units, int64_t pieces);
  void (*maxout_backward)(float* dx, const float* x, const float* dy, int64_t rows, int64_t units, int64_t pieces);
  // y (columns, rows) = x (rows, columns) transposed; y rows `y_stride`, x rows `x_stride` floats apart.
  void (*transpose)(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns);
};

}  // namespace pycnn
