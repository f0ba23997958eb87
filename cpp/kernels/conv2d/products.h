// The functions of Conv2DKernels that multiply operands, for both kinds of them: which algorithm runs, and with what.
#pragma once

#include "kernels/conv2d/cost.h"
#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/few_filters.h"
#include "kernels/conv2d/weight_gradient.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/conv2d/winograd_weight.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The kernel as it is follows its packed form.
template <class Operand>
bool has_few_filters(const Conv2D& s) {
  return !Operand::kRounds && few_filters_supported(s) && !s.winograd_forward;
}

template <class Operand>
int64_t scratch_floats(const Conv2D& s) {
  if (is_depthwise(s)) return depthwise_scratch_floats(s);
  const int64_t winograd = most(s.winograd_forward ? Winograd<Operand>::scratch_floats(s) : 0,
                                s.winograd_backward ? Winograd<Operand>::scratch_floats(winograd_transposed(s)) : 0);
  int64_t weight = weight_gradient_scratch_floats<Operand>(s);
  if (s.winograd_weight) weight = most(weight, winograd_weight_scratch_floats(s));
  const int64_t few_filters = has_few_filters<Operand>(s) ? few_filters_scratch_floats(s) : 0;
  return most(most(winograd, direct_scratch_floats<Operand>(s)), most(weight, few_filters));
}

template <class Operand>
void choose(Conv2D& s, int64_t images) {
  choose_algorithms(s, Operand::kRounds, images);
}

template <class Operand>
int64_t packed_floats(const Conv2D& s) {
  if (is_depthwise(s)) return s.kh * s.kw * s.k;
  if (s.winograd_forward) return Winograd<Operand>::packed_floats(s);
  return direct_packed_floats<Operand>(s) + (has_few_filters<Operand>(s) ? s.kh * s.kw * s.k : 0);
}

template <class Operand>
int64_t packed_transposed_floats(const Conv2D& s) {
  if (is_depthwise(s)) return s.kh * s.kw * s.k;
  if (s.winograd_backward) return Winograd<Operand>::packed_floats(winograd_transposed(s));
  return direct_packed_transposed_floats<Operand>(s);
}

inline int64_t weight_uses(const Conv2D& s) {
  return s.winograd_forward ? winograd_tiles(s, s.winograd_forward) : s.oh * s.ow;
}
inline int64_t transposed_weight_uses(const Conv2D& s) {
  return s.winograd_backward ? winograd_tiles(winograd_transposed(s), s.winograd_backward) : s.oh * s.ow;
}

inline int64_t pack_pieces(const Conv2D& s) { return s.winograd_forward ? panels_of(s.k) : 1; }
inline int64_t pack_transposed_pieces(const Conv2D& s) { return s.winograd_backward ? panels_of(s.c) : 1; }

template <class Operand>
void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  if (is_depthwise(s)) return copy(packed, w, s.kh * s.kw * s.k);
  if (s.winograd_forward) return Winograd<Operand>::pack(packed, w, s, begin, end);
  direct_pack<Operand>(packed, w, s);
  if (has_few_filters<Operand>(s)) copy(packed + direct_packed_floats<Operand>(s), w, s.kh * s.kw * s.k);
}

template <class Operand>
void pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  if (is_depthwise(s)) return copy(packed, w, s.kh * s.kw * s.k);
  if (s.winograd_backward) return Winograd<Operand>::pack_transposed(packed, w, s, begin, end);
  direct_pack_transposed<Operand>(packed, w, s);
}

inline int64_t pieces(const Conv2D& s) {
  if (is_depthwise(s)) return 1;
  if (s.winograd_forward) return winograd_pieces(s);
  return s.groups * panels_of(group_outputs(s)) * row_blocks(s.oh);
}

template <class Operand>
void forward(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D& s,
             Activation activation, int64_t begin, int64_t end) {
  const int64_t pixel = y_pixel(images, s);
  if (s.winograd_forward) {
    for_winograd_parts(s, begin, end, [&](const WinogradPart& part) {
      Winograd<Operand>::forward(images, packed, bias, lower_bound(activation), scratch, s, false, part);
      if (is_clamp(activation)) return;
      const int64_t first = part.row_begin * s.winograd_forward, channel = part.panel_begin * kPanel;
      const int64_t pixels = (least(s.oh, part.row_end * s.winograd_forward) - first) * s.ow;
      for (int64_t i = 0; i < images.count; ++i)
        activate_pixels(images.y + i * images.y_stride + first * s.ow * pixel + channel, pixels, pixel,
                        least(s.k, part.panel_end * kPanel) - channel, activation);
    });
    return;
  }
  for (int64_t i = 0; i < images.count; ++i) {
    float* y = images.y + i * images.y_stride;
    const float* x = images.x + i * images.x_stride;
    if (!is_depthwise(s)) {
      const float* residual = images.residual ? images.residual + i * images.residual_stride : nullptr;
      direct_forward<Operand>(y, pixel, x, packed, bias, residual, scratch, s, activation, begin, end);
      continue;
    }
    depthwise_forward(y, x, packed, bias, scratch, s);
    if (activation.kind != ActivationKind::kLinear) activate_pixels(y, s.oh * s.ow, s.k, s.k, activation);
  }
}

template <class Operand>
void forward_pool(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D& s,
                  FusedPool pool, Activation activation, int64_t begin, int64_t end) {
  if (s.winograd_forward)
    return for_winograd_parts(s, begin, end, [&](const WinogradPart& part) {
      Winograd<Operand>::forward(images, packed, bias, lower_bound(activation), scratch, s, true, part);
    });
  const int64_t pixel = y_pixel(images, s);
  const bool few_filters = has_few_filters<Operand>(s) && pool.ph == 2 && pool.pw == 2 && is_clamp(activation);
  for (int64_t i = 0; i < images.count; ++i) {
    float* y = images.y + i * images.y_stride;
    uint8_t* argmax = images.argmax ? images.argmax + i * images.argmax_stride : nullptr;
    const float* x = images.x + i * images.x_stride;
    if (few_filters) {
      const int64_t blocks = row_blocks(s.oh), rows = s.oh / 2;
      few_filters_forward_pool(y, pixel, argmax, x, packed + direct_packed_floats<Operand>(s), bias, scratch, s,
                               lower_bound(activation), begin * rows / blocks, end * rows / blocks);
    } else {
      direct_forward_pool<Operand>(y, pixel, argmax, x, packed, bias, scratch, s, pool, activation, begin, end);
    }
  }
}

template <class Operand>
void backward_input(const Images& images, const float* packed_transposed, float* scratch, const Conv2D& s) {
  if (s.winograd_backward) {
    const Conv2D t = winograd_transposed(s);
    return Winograd<Operand>::forward(images, packed_transposed, nullptr, -__builtin_huge_valf(), scratch, t, false,
                                      winograd_whole(t));
  }
  for (int64_t i = 0; i < images.count; ++i)
    (is_depthwise(s) ? depthwise_backward_input : direct_backward_input<Operand>)(images.y + i * images.y_stride,
                                                                                  images.x + i * images.x_stride,
                                                                                  packed_transposed, scratch, s);
}

template <class Operand>
void backward_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, bool accumulate) {
  if (s.winograd_weight) return winograd_backward_weight(dw, images, scratch, s, accumulate);
  for (int64_t i = 0; i < images.count; ++i)
    (is_depthwise(s) ? depthwise_backward_weight : weight_gradient<Operand>)(dw, images.x + i * images.x_stride,
                                                                             images.dy + i * images.dy_stride, scratch,
                                                                             s, accumulate || i > 0);
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
