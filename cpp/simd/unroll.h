// Numbers that are known at run time, and loops, as the compiler's constants.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

template <int N>
struct Constant {
  constexpr operator int() const { return N; }
};

// body(Constant<n>) where kFirst <= n <= kLast; nothing else is done otherwise.
template <int kFirst, int kLast, class Body>
PYCNN_INLINE void dispatch(int64_t n, const Body& body) {
  if (n == kFirst) return body(Constant<kFirst>{});
  if constexpr (kFirst < kLast) dispatch<kFirst + 1, kLast>(n, body);
}

// body(i, j) for i below kRows and j below kColumns: no loop is left of it. Inside other loops, and in a large
// function, GCC 12 keeps arrays that a lambda refers to in memory: look at its code.
template <int kRows, int kColumns, class Body>
PYCNN_INLINE void unrolled(const Body& body) {
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < kColumns; ++j) body(i, j);
}

}  // namespace pycnn::PYCNN_ISA
