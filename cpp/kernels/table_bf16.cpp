#include "kernels/table.h"

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

Conv2DKernels conv2d_bf16_kernels();
GemmKernels gemm_bf16_kernels();

Bf16Kernels bf16_kernels() {
  Bf16Kernels kernels{};
  kernels.rounds = true;
  kernels.conv2d = conv2d_bf16_kernels();
  kernels.gemm = gemm_bf16_kernels();
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
