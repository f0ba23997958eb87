// Winograd's minimal filtering for weight gradients, F(3x3, 4x4): the transpose of winograd.h's algorithm.
//
//   dg = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G      d: 6x6 inputs, dy: 4x4 gradients, dg: 3x3
//
// Its products are 36 sums of outer products over tiles, a quarter of what direct sums take.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

bool winograd_weight_pays(const Conv2D& s);
int64_t winograd_weight_scratch_floats(const Conv2D& s);
// dw (HWIO) = or +=, the sum over the images.
void winograd_backward_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, bool accumulate);

}  // namespace pycnn::PYCNN_ISA
