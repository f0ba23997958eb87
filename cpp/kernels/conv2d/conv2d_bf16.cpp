// The kernels of convolution whose products are of bfloat16 operands. The sparse backward passes of a max-pool are
// those of float32; so is depthwise convolution, which has no sums over channels to gain from.
#include "kernels/conv2d/choose.h"

namespace pycnn::PYCNN_ISA {

Conv2DKernels conv2d_bf16_kernels() {
  Conv2DKernels kernels = conv2d_kernels();
  kernels.choose_forward = choose_forward<Bfloat16>;
  kernels.choose_backward_input = choose_backward_input<Bfloat16>;
  kernels.choose_backward_weight = choose_backward_weight<Bfloat16>;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
