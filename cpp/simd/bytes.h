// Small integers that lie in memory as bytes, one for each lane. Spelled out for x86, where GCC 12 converts byte by
// byte.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

typedef uint8_t LaneBytes __attribute__((vector_size(kLanes)));

// The first `count` lanes (0 < count <= kLanes); the others are zero.
PYCNN_INLINE IntVec load_bytes(const uint8_t* p, int64_t count) {
#if defined(__AVX512F__)
  const __m128i bytes = count == kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                        : _mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << count) - 1), p);
  return reinterpret_cast<IntVec>(_mm512_maskz_cvtepu8_epi32(0xffff, bytes));
#else
  LaneBytes bytes = {};
  if (count >= kLanes) __builtin_memcpy(&bytes, p, kLanes);
  else __builtin_memcpy(&bytes, p, static_cast<size_t>(count));
#if defined(__AVX2__)
  return reinterpret_cast<IntVec>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(reinterpret_cast<int64_t>(bytes))));
#elif defined(__SSE4_1__)
  return reinterpret_cast<IntVec>(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(reinterpret_cast<int32_t>(bytes))));
#else
  return __builtin_convertvector(bytes, IntVec);
#endif
#endif
}

// Lanes from 0 to 255.
PYCNN_INLINE void store_bytes(uint8_t* p, IntVec v, int64_t count) {
#if defined(__AVX512F__)
  const __m128i bytes = _mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(v));
  if (count == kLanes) _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  else _mm_mask_storeu_epi8(p, static_cast<__mmask16>((1u << count) - 1), bytes);
#else
#if defined(__AVX2__)
  const __m256i all = reinterpret_cast<__m256i>(v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  const LaneBytes bytes = reinterpret_cast<LaneBytes>(_mm_cvtsi128_si64(_mm_packus_epi16(words, words)));
#else
  const LaneBytes bytes = __builtin_convertvector(v, LaneBytes);
#endif
  if (count >= kLanes) __builtin_memcpy(p, &bytes, kLanes);
  else __builtin_memcpy(p, &bytes, static_cast<size_t>(count));
#endif
}

}  // namespace pycnn::PYCNN_ISA
