// Lanes put side by side.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

// Writes the lanes of v for which `mask` holds to `to`, one after the other, and returns how many they are. What lies
// behind them, up to a whole vector, may be overwritten.
PYCNN_INLINE int64_t store_selected(float* to, Vec v, IntVec mask) {
#if defined(__AVX512F__)
  // Through a register: the form that writes to memory takes a hundred cycles on some CPUs.
  const __mmask16 chosen = _mm512_test_epi32_mask(reinterpret_cast<__m512i>(mask), reinterpret_cast<__m512i>(mask));
  store(to, _mm512_maskz_compress_ps(chosen, v));
  return __builtin_popcount(chosen);
#else
  float lanes[kLanes];
  store(lanes, v);
  int64_t count = 0;
  for (uint32_t bits = bits_of(mask); bits != 0; bits &= bits - 1) to[count++] = lanes[__builtin_ctz(bits)];
  return count;
#endif
}

}  // namespace pycnn::PYCNN_ISA
