// What the forms of a convolution share besides the products: activations, the gradient of the bias, plain weights.
#pragma once

#include "kernels/conv2d/channel_part.h"
#include "kernels/conv2d/geometry.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Whether the activation is a bound from below, and without a pool one from above; or nothing.
PYCNN_INLINE bool is_clamp(const Conv2DOptions& o) {
  const Activation& f = o.activation;
  return f.kind == ActivationKind::kLinear || (f.kind == ActivationKind::kRelu && f.alpha == 0 && f.threshold == 0 &&
                                               (o.pool.ph == 0 || f.max_value == __builtin_huge_valf()));
}

// `columns` channels of pixels `stride` floats apart.
PYCNN_INLINE void activate_pixels(float* y, int64_t pixels, int64_t stride, int64_t columns, Activation activation) {
  const ActivationKernels kernels = activation_kernels();
  if (columns == stride) kernels.forward(y, y, pixels * stride, activation);
  else kernels.forward_rows(y, pixels, stride, columns, activation);
}

// db (k), which may be null, from dy (oh, ow, k).
PYCNN_INLINE void bias_gradient(float* db, const ImagePairs& images, const Conv2D& s, bool accumulate) {
  for (int64_t i = 0; db && i < images.count; ++i)
    elementwise_kernels().sum_rows(db, images.dy + i * images.dy_stride, s.oh * s.ow, s.k, s.k, accumulate || i > 0);
}
// Of a piece: those with the first inputs sum up their outputs.
PYCNN_INLINE void bias_gradient(float* db, const ImagePairs& images, const Conv2D& s, const ChannelPart& part,
                                bool accumulate) {
  for (int64_t i = 0; db && part.input == 0 && i < images.count; ++i)
    elementwise_kernels().sum_rows(db + part.output, images.dy + i * images.dy_stride + part.output, s.oh * s.ow,
                                   part.outputs, s.k, accumulate || i > 0);
}

// Of forms that read the weights as they are.
PYCNN_INLINE void copy_weights(float* packed, const float* w, const Conv2D& s, int64_t, int64_t) {
  copy(packed, w, s.kh * s.kw * s.k);
}
PYCNN_INLINE void describe_plain_weights(Conv2DForm& f) {
  f.packed_floats = f.shape.kh * f.shape.kw * f.shape.k;
  f.pack_pieces = 1;
  f.pack = copy_weights;
  f.weight_reuse = f.shape.oh * f.shape.ow;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
