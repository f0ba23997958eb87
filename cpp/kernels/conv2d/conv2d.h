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
};

// A max-pool fused after a convolution: windows side by side (stride = window), no padding, at most 255 positions.
struct FusedPool {
  int64_t ph = 0, pw = 0;  // 0: none
};
constexpr int kClosed = 255;  // instead of an argmax: a ReLU has closed the window, its gradient is 0

// What a convolution's algorithms are chosen for, besides its shape.
constexpr int kByCost = -1;
struct Conv2DOptions {
  FusedPool pool;
  Activation activation;
  int64_t images = 1;  // of a call: they amortize weight loads
  // Winograd's F(m x m, kh x kw) of this m, 0: direct sums, kByCost: whichever is cheapest by a model that knows
  // nothing but the shape (cost.h).
  int tile = kByCost;
};

// Some images, evenly apart, and where their results go.
struct Images {
  float* y;
  int64_t y_stride;
  const float* x;
  int64_t x_stride;
  int64_t count;
  uint8_t* argmax = nullptr;  // with a pool
  int64_t argmax_stride = 0;
  const float* residual = nullptr;  // without a pool, not depthwise: like y
  int64_t residual_stride = 0;
  // From pixel to pixel of y where it is some channels of a wider map; 0: k. Not depthwise, no residual or argmax then.
  int64_t y_pixel = 0;
};

// Gradients of some outputs and where those of their inputs go, which are overwritten.
struct InputGradients {
  float* dx;
  int64_t dx_stride;
  const float* dy;
  int64_t dy_stride;
  int64_t count;
  const uint8_t* argmax = nullptr;  // of forms that are `pooled`
  int64_t argmax_stride = 0;
};

// Some inputs, and the gradients of their outputs.
struct ImagePairs {
  const float* x;
  int64_t x_stride;
  const float* dy;
  int64_t dy_stride;
  int64_t count;
  const uint8_t* argmax = nullptr;  // of forms that are `pooled`
  int64_t argmax_stride = 0;
};

// The form that one pass of a convolution has been given, once and for all: what a caller has to know of it. Its `run`
// takes this description again, and chooses nothing.
struct Conv2DForm {
  Conv2D shape;
  FusedPool pool;
  const char* name;        // diagnostics
  int tile;                // m of Winograd's F(m x m, r x r), or 0
  bool rounds;             // its operands to bfloat16
  int64_t scratch_floats;  // working memory of a call
  int64_t weight_reuse;    // how often an image uses each float of the weights below
  int64_t packed_floats;   // of the weights in the form that `run` reads; 0: it reads none
  int64_t pack_pieces;     // that packing is cut into
  void (*pack)(float* packed, const float* w, const Conv2D& shape, int64_t begin, int64_t end);
};

// y = activation(conv(x) + bias + residual), pieces [begin, end) of it; bias may be null, y may be the residual. With a
// pool y is (oh / ph, ow / pw, k), and argmax (may be null) gets where in its window, row-major, each maximum stands
// first; or kClosed.
struct Conv2DForward : Conv2DForm {
  Activation activation;
  bool clamps;           // the activation is nothing but these bounds
  float lower, upper;    // infinite: none
  int64_t pieces;        // independent ones that `run` can be cut into
  int64_t argmax_bytes;  // of an image
  void (*run)(const Images&, const float* packed, const float* bias, float* scratch, const Conv2DForward&,
              int64_t begin, int64_t end);
};

// dx from dy (oh, ow, k), or where `pooled` from the pool's gradient and argmax; pieces [begin, end) of it. Where
// pad_value is not 0 nothing changes: padding has no gradient.
struct Conv2DBackwardInput : Conv2DForm {
  bool pooled;
  int64_t pieces;  // independent ones that `run` can be cut into
  void (*run)(const InputGradients&, const float* packed, float* scratch, const Conv2DBackwardInput&, int64_t begin,
              int64_t end);
};

// dw (HWIO; where `transposed` (k, kh * kw * c)) and db (k), which may be null, = or +=, the sums over the images.
struct Conv2DBackwardWeight : Conv2DForm {
  bool pooled, transposed;
  int64_t sum_floats;  // of sums beside dw that every call reads and writes
  void (*run)(float* dw, float* db, const ImagePairs&, float* scratch, const Conv2DBackwardWeight&, bool accumulate);
  // The same for some channels only; whoever runs all pieces has all of dw and db.
  int64_t pieces;  // 0: it cannot be cut
  int64_t piece_scratch_floats;
  void (*run_piece)(float* dw, float* db, const ImagePairs&, float* scratch, const Conv2DBackwardWeight&,
                    bool accumulate, int64_t piece);
};

// No transposed gradient has longer rows, so that an update step can hold one of each value.
constexpr int64_t kMaxPooledFilters = 8192;

struct Conv2DKernels {
  Conv2DForward (*choose_forward)(const Conv2D&, const Conv2DOptions&);
  Conv2DBackwardInput (*choose_backward_input)(const Conv2D&, const Conv2DOptions&);
  Conv2DBackwardWeight (*choose_backward_weight)(const Conv2D&, const Conv2DOptions&);
  // dy (oh, ow, k), overwritten, from the pool's gradient and argmax; rows and columns after the last window are 0.
  void (*unpool)(float* dy, const float* dy_pooled, const uint8_t* argmax, const Conv2D&, FusedPool);
};

}  // namespace pycnn
