// Which of Winograd's forms exist, and for which shapes.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <int M, int R>
struct WinogradForm {
  static constexpr int kOut = M, kTaps = R, kPoints = M + R - 1, kProducts = kPoints * kPoints;
};

// body(WinogradForm<m, r>).
template <class Body>
PYCNN_INLINE auto with_winograd_form(int m, int64_t r, const Body& body) {
  if (r == 5) return m == 2 ? body(WinogradForm<2, 5>{}) : body(WinogradForm<4, 5>{});
  switch (m) {
    case 2: return body(WinogradForm<2, 3>{});
    case 4: return body(WinogradForm<4, 3>{});
    case 5: return body(WinogradForm<5, 3>{});
    default: return body(WinogradForm<6, 3>{});
  }
}

// The convolution that backward_input is.
PYCNN_INLINE Conv2D winograd_transposed(const Conv2D& s) {
  Conv2D t = s;
  t.h = s.oh;
  t.w = s.ow;
  t.c = s.k;
  t.oh = s.h;
  t.ow = s.w;
  t.k = s.c;
  t.top = s.kh - 1 - s.top;
  t.left = s.kw - 1 - s.left;
  t.pad_value = 0.0f;
  t.winograd_forward = s.winograd_backward;
  return t;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
