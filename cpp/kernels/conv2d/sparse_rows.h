// The gradient by the input behind a 2x2 max-pool, from its nonzero values as in sparse.h, where a pixel has too few
// channels to fill vectors: vectors go over the taps of a kernel row and their channels, which are neighbours in dx.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

bool sparse_rows_supported(const Conv2D& s, FusedPool pool);
int64_t sparse_rows_scratch_floats(const Conv2D& s);
int64_t sparse_rows_packed_floats(const Conv2D& s);
// packed (k, kh, kw * c filled up with zeros to whole vectors) from w (kh, kw, c, k).
void sparse_rows_pack(float* packed, const float* w, const Conv2D& s);
// Overwrites dx.
void sparse_rows_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                                float* scratch, const Conv2D& s);

}  // namespace pycnn::PYCNN_ISA
