// Winograd's minimal filtering F(m x m, r x r): (m + r - 1)^2 multiplications make m^2 outputs that take (m r)^2
// directly.
//
//   y = A^T [ (G g G^T) * (B^T d B) ] A      g: r x r kernel, d: n x n inputs, y: m x m outputs, n = m + r - 1
//
// (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.) The products are n^2 matrix
// multiplications over channels, for a group of tiles whose transforms stay in L2. In bfloat16 it is the transformed
// inputs and kernels that are rounded; the transforms themselves are float32. A kernel of one row or one column has
// tiles along that axis alone, with n products.
//
// m is the description's `tile`; the forms that exist are those of cost.h.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace pycnn::PYCNN_ISA {

template <class Operand>
struct Winograd {
  static void describe(Conv2DForward& f);
  static void describe(Conv2DBackwardInput& f);  // forward on the gradient, with the kernel flipped and transposed
};

}  // namespace pycnn::PYCNN_ISA
