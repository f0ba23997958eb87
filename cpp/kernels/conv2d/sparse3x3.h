// The backward pass behind a max-pool (sparse.h) for 3x3 kernels of many channels: a whole kernel stays in registers.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

bool sparse3x3_weight_supported(const Conv2D& s);
bool sparse3x3_input_supported(const Conv2D& s, FusedPool pool);
int64_t sparse3x3_scratch_floats(const Conv2D& s, FusedPool pool);
// As sparse_backward_weight and sparse_backward_input.
void sparse3x3_backward_weight(float* dwt, const float* x, const float* dy_pooled, const uint8_t* argmax,
                               float* scratch, const Conv2D& s, FusedPool pool, bool accumulate);
void sparse3x3_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                              float* scratch, const Conv2D& s, FusedPool pool);

}  // namespace pycnn::PYCNN_ISA
