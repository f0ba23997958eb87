// Winograd's minimal filtering for weight gradients, F(3x3, 4x4): the transpose of winograd.h's algorithm.
//
//   dg = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G      d: 6x6 inputs, dy: 4x4 gradients, dg: 3x3
//
// Its products are 36 sums of outer products over tiles, a quarter of what direct sums take.
#pragma once

#include "kernels/shared.h"

namespace pycnn::PYCNN_BASE_ISA {

bool winograd_weight_pays(const Conv2D& s);
int64_t winograd_weight_scratch_floats(const Conv2D& s);
// dw (HWIO) = or +=, over `samples` images that are x_stride and dy_stride floats apart.
void winograd_backward_weight(float* dw, const float* x, int64_t x_stride, const float* dy, int64_t dy_stride,
                              int64_t samples, float* scratch, const Conv2D& s, bool accumulate);

}  // namespace pycnn::PYCNN_BASE_ISA

namespace pycnn::PYCNN_ISA {

using PYCNN_BASE_ISA::winograd_backward_weight;
using PYCNN_BASE_ISA::winograd_weight_pays;
using PYCNN_BASE_ISA::winograd_weight_scratch_floats;

}  // namespace pycnn::PYCNN_ISA
