// The kernels of convolution whose products are of bfloat16 operands. The sparse backward passes behind a max-pool are
// those of float32; so is depthwise convolution, which has no sums over channels to gain from.
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/products.h"

namespace pycnn::PYCNN_ISA {

Conv2DKernels conv2d_bf16_kernels() {
  Conv2DKernels kernels = conv2d_kernels();
  kernels.choose = choose<Bfloat16>;
  kernels.scratch_floats = scratch_floats<Bfloat16>;
  kernels.packed_floats = packed_floats<Bfloat16>;
  kernels.packed_transposed_floats = packed_transposed_floats<Bfloat16>;
  kernels.pack = pack<Bfloat16>;
  kernels.pack_transposed = pack_transposed<Bfloat16>;
  kernels.forward = forward<Bfloat16>;
  kernels.forward_pool = forward_pool<Bfloat16>;
  kernels.backward_input = backward_input<Bfloat16>;
  kernels.backward_weight = backward_weight<Bfloat16>;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
