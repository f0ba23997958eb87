#include "kernels/tensor/tensor.h"

#include "kernels/tensor/parts.h"
#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

TensorKernels tensor_kernels() {
  return {map_scratch, map,         map_backward, reduce,        reduce_backward, gather,
          scatter,     scatter_add, take,         take_backward, matmul_scratch,  matmul};
}

}  // namespace pycnn::PYCNN_ISA
