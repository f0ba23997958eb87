// Two-dimensional convolution (cross-correlation, as every network library has it).
#pragma once

#include <stdint.h>

#include "kernels/activation/activation.h"

namespace pycnn {

// x (h, w, c), kernel HWIO (kh, kw, c / groups, k), y (oh, ow, k). What lies outside x is pad_value.
// oh, ow may be smaller than the formula gives: then the last rows or columns are not computed.
struct Conv2D {
  int64_t h, w, c;
  int64_t oh, ow, k;
  int64_t kh, kw;
  int64_t stride_h, stride_w;
  int64_t dilation_h, dilation_w;
  int64_t top, left;
  int64_t groups;
  float pad_value;
  // How forward, backward_input and backward_weight are computed; choose sets them by shape. 0: by direct sums; m: by
  // Winograd's F(m x m, kh x kw).
  int winograd_forward = 0, winograd_backward = 0, winograd_weight = 0;
};

// A max-pool fused behind a convolution: windows side by side (stride = window), no padding, at most 255 places.
struct FusedPool {
  int64_t ph, pw;
};
constexpr int kClosed = 255;  // instead of a place: a ReLU has closed the window, its gradient is 0

// Some images, evenly apart, and where their results go.
struct Images {
  float* y;
  int64_t y_stride;
  const float* x;
  int64_t x_stride;
  int64_t count;
  uint8_t* argmax = nullptr;  // of forward_pool
  int64_t argmax_stride = 0;
  const float* residual = nullptr;  // of forward, not depthwise: like y
  int64_t residual_stride = 0;
  // From pixel to pixel of y where it is some channels of a wider map; 0: k. Not depthwise, no residual or argmax then.
  int64_t y_pixel = 0;
};

// Some inputs, and the gradients of their outputs.
struct ImagePairs {
  const float* x;
  int64_t x_stride;
  const float* dy;
  int64_t dy_stride;
  int64_t count;
};

struct Conv2DKernels {
  // Picks the algorithms by a model of their cost that knows nothing but the shape and how many images a call has,
  // which share a look at the weights; direct sums until it is called.
  void (*choose)(Conv2D&, int64_t images);
  // Floats of scratch that any function below needs for this shape.
  int64_t (*scratch_floats)(const Conv2D&);
  // Floats of the two packed forms of the kernel: for forward and for backward_input.
  int64_t (*packed_floats)(const Conv2D&);
  int64_t (*packed_transposed_floats)(const Conv2D&);
  // How often an image uses each packed weight in forward and in backward_input.
  int64_t (*weight_uses)(const Conv2D&);
  int64_t (*transposed_weight_uses)(const Conv2D&);
  // Packing is cut into pieces [begin, end) of so many.
  int64_t (*pack_pieces)(const Conv2D&);
  int64_t (*pack_transposed_pieces)(const Conv2D&);
  void (*pack)(float* packed, const float* w, const Conv2D&, int64_t begin, int64_t end);
  void (*pack_transposed)(float* packed, const float* w, const Conv2D&, int64_t begin, int64_t end);
  // How many independent pieces forward can be cut into.
  int64_t (*pieces)(const Conv2D&);
  // y = activation(conv(x) + bias + residual) of `images`, pieces [begin, end) of it. bias and residual may be null; y
  // may be residual.
  void (*forward)(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D&,
                  Activation, int64_t begin, int64_t end);
  // The same followed by a max-pool: y (oh / ph, ow / pw, k). argmax (may be null) gets each maximum's place in its
  // window, row-major, where the first one wins; or kClosed.
  void (*forward_pool)(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D&,
                       FusedPool, Activation, int64_t begin, int64_t end);
  // images.y = dx, overwritten; images.x = dy. Where pad_value is not 0 nothing changes: padding has no gradient.
  void (*backward_input)(const Images& images, const float* packed_transposed, float* scratch, const Conv2D&);
  // dw (HWIO) = or +=, the sum over the images.
  void (*backward_weight)(float* dw, const ImagePairs&, float* scratch, const Conv2D&, bool accumulate);
  // dy (oh, ow, k), overwritten, from the pooled gradient and argmax; rows and columns behind the last window are 0.
  void (*unpool)(float* dy, const float* dy_pooled, const uint8_t* argmax, const Conv2D&, FusedPool);

  // The two backward passes straight from the pooled gradient and argmax, for the shapes that have such a form.
  bool (*has_pooled_weight)(const Conv2D&, FusedPool);
  bool (*has_pooled_input)(const Conv2D&, FusedPool);
  int64_t (*pooled_scratch_floats)(const Conv2D&, FusedPool);
  // Whether backward_weight_pooled gives the gradient transposed, (k, kh * kw * c).
  bool (*pooled_weight_transposed)(const Conv2D&, FusedPool);
  // And the bias's gradient db (k), which may be null.
  void (*backward_weight_pooled)(float* dw, float* db, const float* x, const float* dy_pooled, const uint8_t* argmax,
                                 float* scratch, const Conv2D&, FusedPool, bool accumulate);
  int64_t (*packed_pooled_floats)(const Conv2D&);
  int64_t (*pack_pooled_pieces)(const Conv2D&);
  void (*pack_pooled)(float* packed, const float* w, const Conv2D&, int64_t begin, int64_t end);
  void (*backward_input_pooled)(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed_pooled,
                                float* scratch, const Conv2D&, FusedPool);
};

}  // namespace pycnn
