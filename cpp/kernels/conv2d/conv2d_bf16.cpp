// The kernels of convolution whose products are of bfloat16 operands, where that is faster: a pass that has a cheaper
// form in float32 takes that. The sparse backward passes of a max-pool are those of float32; so is depthwise
// convolution, which has no sums over channels to gain from.
#include "kernels/conv2d/choose.h"

namespace pycnn::PYCNN_ISA {
namespace {

double lowest_cost(const Conv2D& s, bool rounds, int64_t images, const Conv2DCost& each) {
  return conv2d_cost(s, cheapest_tile(s, rounds, images, each), images, each);
}

// Whether forward on `s` is cheaper by one of the forms that operands in bfloat16 do not allow.
bool is_cheaper_in_float32(const Conv2D& s, const Conv2DOptions& o) {
  return o.tile == kByCost && allows_winograd(s, o) &&
         lowest_cost(s, false, o.images, forward_cost<Float32>()) <
             lowest_cost(s, true, o.images, forward_cost<Bfloat16>());
}

// A single channel would leave half of each word empty.
bool has_pairs(const Conv2D& s) { return group_inputs(s) > 1; }

Conv2DForward forward(const Conv2D& s, const Conv2DOptions& o) {
  if (!has_pairs(s) || is_cheaper_in_float32(s, o)) return conv2d_kernels().choose_forward(s, o);
  return choose_forward<Bfloat16>(s, o);
}

Conv2DBackwardInput backward_input(const Conv2D& s, const Conv2DOptions& o) {
  if (is_cheaper_in_float32(transposed(s), o)) return conv2d_kernels().choose_backward_input(s, o);
  return choose_backward_input<Bfloat16>(s, o);
}

}  // namespace

Conv2DKernels conv2d_bf16_kernels() {
  Conv2DKernels kernels = conv2d_kernels();
  kernels.choose_forward = forward;
  kernels.choose_backward_input = backward_input;
  kernels.choose_backward_weight = choose_backward_weight<Bfloat16>;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
