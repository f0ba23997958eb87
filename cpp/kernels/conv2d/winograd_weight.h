// Winograd's minimal filtering for weight gradients, F(r x r, m x m): the transpose of winograd.h's algorithm.
//
//   dg = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G      d: n x n inputs, dy: m x m gradients, dg: r x r
//
// Its products are n^2 sums of outer products over tiles. m is the shape's `winograd_weight`. It multiplies floats, in
// bfloat16 too: that is faster than direct sums of bfloat16, and finer.
#pragma once

#include "kernels/conv2d/geometry.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_BASE_ISA {

int64_t winograd_weight_scratch_floats(const Conv2D& s);
// dw (HWIO) = or +=, the sum over the images.
void winograd_backward_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, bool accumulate);

}  // namespace pycnn::PYCNN_BASE_ISA

namespace pycnn::PYCNN_ISA {

using PYCNN_BASE_ISA::winograd_backward_weight;
using PYCNN_BASE_ISA::winograd_weight_scratch_floats;

}  // namespace pycnn::PYCNN_ISA
