// Winograd's minimal filtering F(m x m, r x r): (m + r - 1)^2 multiplications make m^2 outputs that take (m r)^2
// directly.
//
//   y = A^T [ (G g G^T) * (B^T d B) ] A      g: r x r kernel, d: n x n inputs, y: m x m outputs, n = m + r - 1
//
// (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.) The products are n^2 matrix
// multiplications over channels, for a group of tiles whose transforms stay in L2. In bfloat16 it is the transformed
// inputs and kernels that are rounded; the transforms themselves are float32.
//
// m is the shape's `winograd_forward`; the forms that exist are those of winograd_forms.h.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

template <class Operand>
struct Winograd {
  static int64_t packed_floats(const Conv2D& s);
  // packed (panels, n^2, words of c, kPanel) = G g G^T. Panels [begin, end).
  static void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end);
  // The same for the kernel flipped and with inputs and outputs exchanged: backward_input is forward with it, on the
  // shape that winograd_transposed gives. `s` is the convolution's own shape.
  static void pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end);

  static int64_t scratch_floats(const Conv2D& s);
  // Outputs of `images`; panels [begin, end). With `pool` what is stored is the 2x2 max-pool of them, as in conv2d.h.
  // Only activations that are bounds from below.
  static void forward(const Images& images, const float* packed, const float* bias, float lower, float* scratch,
                      const Conv2D& s, bool pool, int64_t begin, int64_t end);
};

}  // namespace pycnn::PYCNN_ISA
