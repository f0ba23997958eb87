// The forms of Winograd's algorithm that are compiled; cost.h says which shapes have them.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Tiles of kOutRows x kOutColumns outputs of a kernel of kTapRows x kTapColumns.
template <int kRowsOut, int kRowTaps, int kColumnsOut, int kColumnTaps>
struct WinogradForm {
  static constexpr int kOutRows = kRowsOut, kTapRows = kRowTaps, kRows = kOutRows + kTapRows - 1;
  static constexpr int kOutColumns = kColumnsOut, kTapColumns = kColumnTaps, kColumns = kOutColumns + kTapColumns - 1;
  static constexpr int kTaps = kTapRows * kTapColumns, kProducts = kRows * kColumns;
  const char* name;
};

template <int M, int R>
using SquareForm = WinogradForm<M, R, M, R>;
template <int M, int R>
using ColumnForm = WinogradForm<M, R, 1, 1>;
template <int M, int R>
using RowForm = WinogradForm<1, 1, M, R>;

// body(SquareForm<m, r>), of a square kernel whose operands are rounded to bfloat16.
template <class Body>
PYCNN_INLINE auto with_rounding_form(int m, const Conv2D& s, const Body& body) {
  if (s.kh == 5) return body(SquareForm<2, 5>{"Winograd F(2x2,5x5)"});
  if (m == 2) return body(SquareForm<2, 3>{"Winograd F(2x2,3x3)"});
  return body(SquareForm<4, 3>{"Winograd F(4x4,3x3)"});
}

// body(WinogradForm), of any kernel that has one in float32.
template <class Body>
PYCNN_INLINE auto with_winograd_form(int m, const Conv2D& s, const Body& body) {
  if (s.kh == 1 && s.kw == 7 && m == 6) return body(RowForm<6, 7>{"Winograd F(1x6,1x7)"});
  if (s.kh == 1 && s.kw == 7) return body(RowForm<4, 7>{"Winograd F(1x4,1x7)"});
  if (s.kh == 1) return body(RowForm<4, 3>{"Winograd F(1x4,1x3)"});
  if (s.kw == 1 && s.kh == 7 && m == 6) return body(ColumnForm<6, 7>{"Winograd F(6x1,7x1)"});
  if (s.kw == 1 && s.kh == 7) return body(ColumnForm<4, 7>{"Winograd F(4x1,7x1)"});
  if (s.kw == 1) return body(ColumnForm<4, 3>{"Winograd F(4x1,3x1)"});
  if (s.kh == 5) return body(SquareForm<4, 5>{"Winograd F(4x4,5x5)"});
  switch (m) {
    case 2: return body(SquareForm<2, 3>{"Winograd F(2x2,3x3)"});
    case 4: return body(SquareForm<4, 3>{"Winograd F(4x4,3x3)"});
    case 5: return body(SquareForm<5, 3>{"Winograd F(5x5,3x3)"});
    default: return body(SquareForm<6, 3>{"Winograd F(6x6,3x3)"});
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
