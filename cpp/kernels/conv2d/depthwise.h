// Depthwise convolution: every input channel has its own `multiplier` kernels. Vectorised over output channels; where
// the multiplier is above one the input's channels are first repeated, so that one loop serves all.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_BASE_ISA {

int64_t depthwise_scratch_floats(const Conv2D& s);
// w: the kernel as Keras has it, (kh, kw, c, multiplier).
void depthwise_forward(float* y, const float* x, const float* w, const float* bias, float* scratch, const Conv2D& s);
void depthwise_backward_input(float* dx, const float* dy, const float* w, float* scratch, const Conv2D& s);
void depthwise_backward_weight(float* dw, const float* x, const float* dy, float* scratch, const Conv2D& s,
                               bool accumulate);

}  // namespace pycnn::PYCNN_BASE_ISA

namespace pycnn::PYCNN_ISA {

using PYCNN_BASE_ISA::depthwise_backward_input;
using PYCNN_BASE_ISA::depthwise_backward_weight;
using PYCNN_BASE_ISA::depthwise_forward;
using PYCNN_BASE_ISA::depthwise_scratch_floats;

}  // namespace pycnn::PYCNN_ISA
