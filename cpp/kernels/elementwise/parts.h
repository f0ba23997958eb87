// The members of the elementwise family that have a file of their own.
#pragma once

#include "kernels/elementwise/elementwise.h"

namespace pycnn::PYCNN_ISA {

void dropout(float* y, const float* x, int64_t n, float rate, uint64_t seed, int64_t first);
void uniform(float* y, int64_t n, uint64_t seed, int64_t first);
void maxout_forward(float* y, const float* x, int64_t rows, int64_t units, int64_t pieces);
void maxout_backward(float* dx, const float* x, const float* dy, int64_t rows, int64_t units, int64_t pieces);
void transpose(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns);

}  // namespace pycnn::PYCNN_ISA
