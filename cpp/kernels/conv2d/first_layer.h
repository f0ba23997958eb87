// The weight gradient of a first layer (1 to 3 input channels) behind a 2x2 max-pool: a kernel row has too few inputs
// to fill vectors, so vectors go over output channels and all taps of several kernel rows are accumulators at once.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

bool first_layer_supported(const Conv2D& s, FusedPool pool);
int64_t first_layer_scratch_floats(const Conv2D& s);
// dw (kh, kw, c, k) and db (k), which may be null, = or += .
void first_layer_backward_weight(float* dw, float* db, const float* x, const float* dy_pooled, const uint8_t* argmax,
                                 float* scratch, const Conv2D& s, bool accumulate);

}  // namespace pycnn::PYCNN_ISA
