// The backward pass behind a max-pool as a sparse problem. Of the gradients before the pool at most one in each window
// is not zero (and none where a ReLU was closed), so the work is done from bit masks of the nonzero ones, made of the
// pooled gradient and the places of the maxima; the map before the pool never exists.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

bool sparse_weight_supported(const Conv2D& s, FusedPool pool);
bool sparse_input_supported(const Conv2D& s, FusedPool pool);
int64_t sparse_weight_scratch_floats(const Conv2D& s, FusedPool pool);
int64_t sparse_input_scratch_floats(const Conv2D& s);
int64_t sparse_packed_floats(const Conv2D& s);
// packed (blocks of kLanes input channels, k, kh * kw, kLanes) from w (kh, kw, c, k); blocks [begin, end).
int64_t sparse_pack_pieces(const Conv2D& s);
void sparse_pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end);
// dwt (k, kh * kw * c), the kernel's gradient transposed, and db (k), which may be null, = or += .
void sparse_backward_weight(float* dwt, float* db, const float* x, const float* dy_pooled, const uint8_t* argmax,
                            float* scratch, const Conv2D& s, FusedPool pool, bool accumulate);
// Overwrites dx.
void sparse_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s);

}  // namespace pycnn::PYCNN_ISA
