// Lanes from bytes and back.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

// The first `count` lanes (0 < count <= kLanes); the others are zero and no memory behind them is touched.
PYCNN_INLINE IntVec load_bytes(const uint8_t* p, int64_t count) {
#if defined(__AVX512F__)
  const auto there = static_cast<__mmask16>((1u << count) - 1);
  return reinterpret_cast<IntVec>(_mm512_maskz_cvtepu8_epi32(0xffff, _mm_maskz_loadu_epi8(there, p)));
#else
  typedef uint8_t LaneBytes __attribute__((vector_size(kLanes)));
  LaneBytes bytes = {};
  if (count == kLanes) __builtin_memcpy(&bytes, p, kLanes);
  else __builtin_memcpy(&bytes, p, static_cast<size_t>(count));
#if defined(__AVX2__)
  return reinterpret_cast<IntVec>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(reinterpret_cast<int64_t>(bytes))));
#else
  return __builtin_convertvector(bytes, IntVec);
#endif
#endif
}

PYCNN_INLINE void store_bytes(uint8_t* p, IntVec v, int64_t count) {
#if defined(__AVX512F__)
  const __m128i bytes = _mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(v));
  if (count == kLanes) _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  else _mm_mask_storeu_epi8(p, static_cast<__mmask16>((1u << count) - 1), bytes);
#else
  typedef uint8_t LaneBytes __attribute__((vector_size(kLanes)));
  const LaneBytes bytes = __builtin_convertvector(v, LaneBytes);
  if (count == kLanes) __builtin_memcpy(p, &bytes, kLanes);
  else __builtin_memcpy(p, &bytes, static_cast<size_t>(count));
#endif
}

}  // namespace pycnn::PYCNN_ISA
