#include "kernels/table.h"

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

Conv2DKernels conv2d_bf16_kernels();
GemmKernels gemm_bf16_kernels();

Bf16Kernels bf16_kernels() { return {conv2d_bf16_kernels(), gemm_bf16_kernels()}; }

}  // namespace pycnn::PYCNN_ISA
