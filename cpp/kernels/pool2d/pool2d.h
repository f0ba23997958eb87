// Max and average pooling of one image, NHWC: x (h, w, c) -> y (oh, ow, c). A global pool is a window of the
// whole image. Vectorised over channels.
#pragma once

#include <stdint.h>

namespace pycnn {

struct Pool2D {
  int64_t h, w, c;
  int64_t oh, ow;
  int64_t kh, kw;
  int64_t stride_h, stride_w;
  int64_t top, left;    // padding before; what lies beyond the image at the end is padding too
  bool count_padding;   // average only: divide by kh * kw, or by the number of real pixels in the window
  int64_t y_pixel = 0;  // of forward: from pixel to pixel of y where it is some channels of a wider map; 0: c
};

struct Pool2DKernels {
  // Padding is -infinity. NaN wins over every number. y rows [row_begin, row_end).
  void (*max_forward)(float* y, const float* x, const Pool2D& p, int64_t row_begin, int64_t row_end);
  // Overwrites dx. The gradient goes to the first maximum of a window, in row-major order.
  void (*max_backward)(float* dx, const float* x, const float* dy, const Pool2D& p);
  void (*average_forward)(float* y, const float* x, const Pool2D& p, int64_t row_begin, int64_t row_end);
  void (*average_backward)(float* dx, const float* dy, const Pool2D& p);  // overwrites dx
};

}  // namespace pycnn
