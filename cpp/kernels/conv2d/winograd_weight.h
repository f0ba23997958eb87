// Winograd's minimal filtering for weight gradients, F(r x r, m x m): the transpose of winograd.h's algorithm.
//
//   dg = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G      d: n x n inputs, dy: m x m gradients, dg: r x r
//
// Its products are n^2 sums of outer products over tiles. m is the shape's `winograd_weight`.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

int64_t winograd_weight_scratch_floats(const Conv2D& s);
// dw (HWIO) = or +=, the sum over the images.
void winograd_backward_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, bool accumulate);

}  // namespace pycnn::PYCNN_ISA
