// Winograd's minimal filtering F(4x4, 3x3): 36 multiplications make 16 outputs that take 144 directly.
//
//   y = A^T [ (G g G^T) * (B^T d B) ] A      g: 3x3 kernel, d: 6x6 inputs, y: 4x4 outputs
//
// (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015; matrices by Toom and Cook for the points
// 0, 1, -1, 1/2, -2, infinity, whose rounding error is about half that of 0, +-1, +-2). The products are 36 matrix
// multiplications over channels, for a group of tiles whose transforms stay in L2. In bfloat16 it is the transformed
// inputs and kernels that are rounded; the transforms themselves are float32.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

template <class Operand>
struct Winograd {
  // Whether the shape has this form, and is estimated to be faster in it than directly.
  static bool pays(const Conv2D& s);

  static int64_t tiles(const Conv2D& s);  // of an image
  static int64_t packed_floats(const Conv2D& s);
  // packed (panels, 36, words of c, kPanel) = G g G^T. Panels [begin, end).
  static void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end);
  // The same for the kernel flipped and with inputs and outputs exchanged: backward_input is forward with it, on the
  // shape that `transposed` gives.
  static void pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end);
  static Conv2D transposed(const Conv2D& s);

  static int64_t scratch_floats(const Conv2D& s);
  // Outputs of `samples` images, `x_stride` and `y_stride` floats apart; panels [begin, end). With `pool` what is
  // stored is the 2x2 max-pool of them, as in conv2d.h. Only activations that are bounds from below.
  static void forward(float* y, int64_t y_stride, uint8_t* argmax, int64_t argmax_stride, const float* x,
                      int64_t x_stride, int64_t samples, const float* packed, const float* bias, float lower,
                      float* scratch, const Conv2D& s, bool pool, int64_t begin, int64_t end);
};

}  // namespace pycnn::PYCNN_ISA
