// Which algorithm a convolution is computed by: a model of the cost that knows nothing but the shape.
#pragma once

#include "kernels/conv2d/winograd_forms.h"

namespace pycnn::PYCNN_ISA {
namespace {

PYCNN_INLINE int64_t winograd_tiles(const Conv2D& s) {
  const int64_t m = s.winograd_forward;
  return ((s.oh + m - 1) / m) * ((s.ow + m - 1) / m);
}

PYCNN_INLINE bool has_winograd_form(const Conv2D& s) {
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.groups == 1 && s.c >= 16 && s.k >= 16 && s.top >= 0 && s.left >= 0;
}

PYCNN_INLINE int winograd_pays(const Conv2D& s, bool rounds, double extra) {
  if (!has_winograd_form(s)) return 0;
  const double tiles = static_cast<double>(((s.oh + 3) / 4) * ((s.ow + 3) / 4));
  const double product = rounds ? 0.5 : 1.0;
  const double channels = product * static_cast<double>(s.c) * static_cast<double>(s.k);
  const double direct = 9.0 * static_cast<double>(s.oh * s.ow) * channels;
  const double products = 36 * (tiles + extra) * channels;
  const double transforms = 300.0 * tiles * static_cast<double>(s.c + s.k);
  return products + transforms < 0.9 * direct ? 4 : 0;
}

PYCNN_INLINE void choose_winograd(Conv2D& s, bool rounds) {
  s.winograd_forward = winograd_pays(s, rounds, 0.0);
  s.winograd_backward = winograd_pays(winograd_transposed(s), rounds, 0.0);
  s.winograd_weight = rounds ? 0 : winograd_pays(s, rounds, 4.0);
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
