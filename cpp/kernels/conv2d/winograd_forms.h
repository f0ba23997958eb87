// The forms of Winograd's algorithm that are compiled; cost.h says which shapes have them.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <int M, int R>
struct WinogradForm {
  static constexpr int kOut = M, kTaps = R, kPoints = M + R - 1, kProducts = kPoints * kPoints;
  const char* name;
};

// body(WinogradForm<m, r>).
template <class Body>
PYCNN_INLINE auto with_winograd_form(int m, int64_t r, const Body& body) {
  if (r == 5 && m == 2) return body(WinogradForm<2, 5>{"Winograd F(2x2,5x5)"});
  if (r == 5) return body(WinogradForm<4, 5>{"Winograd F(4x4,5x5)"});
  switch (m) {
    case 2: return body(WinogradForm<2, 3>{"Winograd F(2x2,3x3)"});
    case 4: return body(WinogradForm<4, 3>{"Winograd F(4x4,3x3)"});
    case 5: return body(WinogradForm<5, 3>{"Winograd F(5x5,3x3)"});
    default: return body(WinogradForm<6, 3>{"Winograd F(6x6,3x3)"});
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
