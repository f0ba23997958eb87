// The members of the tensor family, by file.
#pragma once

#include "kernels/tensor/tensor.h"

namespace pycnn::PYCNN_ISA {

int64_t map_scratch(const MapCode& code);
void map(float* y, const MapOperand* x, const MapCode& code, const TensorDims& dims, float* scratch);
void map_backward(float* const* dx, const MapOperand* x, const float* dy, const MapCode& code, const TensorDims& dims,
                  float* scratch);

void reduce(float* y, const float* x, ReduceKind kind, int64_t outer, int64_t n, int64_t inner);
void reduce_backward(float* dx, const float* x, const float* y, const float* dy, ReduceKind kind, int64_t outer,
                     int64_t n, int64_t inner);

void gather(float* y, const float* x, const StridedDims& dims);
void scatter(float* x, const float* y, const StridedDims& dims);
void scatter_add(float* x, const float* y, const StridedDims& dims);

void take(float* y, const float* x, const float* index, int64_t outer, int64_t n, int64_t inner, int64_t count);
void take_backward(float* dx, const float* dy, const float* index, int64_t outer, int64_t n, int64_t inner,
                   int64_t count);

int64_t matmul_scratch(int64_t m, int64_t k, int64_t n);
void matmul(float* y, const float* a, const float* b, int64_t m, int64_t k, int64_t n, bool transpose_a,
            bool transpose_b, bool accumulate, float* scratch);

}  // namespace pycnn::PYCNN_ISA
