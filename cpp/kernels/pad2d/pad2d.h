// Padding of one image, NHWC.
#pragma once

#include <stdint.h>

namespace pycnn {

enum class PadMode : int32_t { kConstant, kReflect, kEdge };

struct Pad2D {
  int64_t h, w, c;
  int64_t top, bottom, left, right;
  PadMode mode;
  float value;  // constant only
};

struct Pad2DKernels {
  // y (top + h + bottom, left + w + right, c), x with `x_pixel_stride` floats from pixel to pixel (a channel
  // slice of a wider image when it is larger than c); rows of x are w * x_pixel_stride floats apart.
  void (*forward)(float* y, const float* x, int64_t x_pixel_stride, const Pad2D& p);
  // dx (h, w, c) = the sum of dy over all positions to which forward copied the pixel; overwrites dx.
  void (*backward)(float* dx, const float* dy, const Pad2D& p);
};

}  // namespace pycnn
