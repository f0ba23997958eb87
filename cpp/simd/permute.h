// Lanes that other lanes' numbers choose.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

// Lane i is v[index[i]]; 0 <= index < kLanes.
PYCNN_INLINE Vec permute(Vec v, IntVec index) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutexvar_ps(0xffff, reinterpret_cast<__m512i>(index), v);
#elif defined(__AVX2__)
  return _mm256_permutevar8x32_ps(v, reinterpret_cast<__m256i>(index));
#elif !defined(__clang__)
  return __builtin_shuffle(v, index);
#else
  Vec to{};
  for (int i = 0; i < kLanes; ++i) to[i] = v[index[i]];
  return to;
#endif
}

// Lane i is from a where index[i] < kLanes, else from b.
PYCNN_INLINE Vec permute(Vec a, IntVec index, Vec b) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutex2var_ps(0xffff, a, reinterpret_cast<__m512i>(index), b);
#else
  return select(index < broadcast_int(kLanes), permute(a, index & (kLanes - 1)), permute(b, index & (kLanes - 1)));
#endif
}

// Lane i is one of the four lanes that i is among (i / 4 * 4 and on), number which[i] of them; 0 <= which < 4.
PYCNN_INLINE Vec pick_of_four(Vec v, IntVec which) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutevar_ps(0xffff, v, reinterpret_cast<__m512i>(which));
#elif defined(__AVX2__)
  return _mm256_permutevar_ps(v, reinterpret_cast<__m256i>(which));
#else
  static_assert(kLanes == 4, "four lanes are all of them");
  return permute(v, which);
#endif
}

// The lanes of v whose bits are set, side by side from `to` on; up to kLanes floats there may be overwritten.
PYCNN_INLINE void store_chosen(float* to, Vec v, uint32_t bits) {
#if defined(__AVX512F__)
  store(to, _mm512_maskz_compress_ps(static_cast<__mmask16>(bits), v));
#elif defined(__AVX2__) && defined(__BMI2__)
  // The numbers of the chosen lanes, a byte each, move together.
  const uint64_t bytes = _pdep_u64(bits, 0x0101010101010101u) * 0xff;
  const auto index = static_cast<int64_t>(_pext_u64(0x0706050403020100u, bytes));
  store(to, permute(v, reinterpret_cast<IntVec>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(index)))));
#else
  for (int i = 0; i < kLanes; ++i) {
    *to = v[i];
    to += (bits >> i) & 1;
  }
#endif
}

// The same 4, or 8, floats over and over. (A vector that is shorter has the first of them.)
PYCNN_INLINE Vec load_fours(const float* p) {
#if defined(__AVX512F__)
  return _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(p));
#elif defined(__AVX2__)
  return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p));
#else
  return load(p);
#endif
}
PYCNN_INLINE Vec load_eights(const float* p) {
#if defined(__AVX512F__)
  const __m256d eight = reinterpret_cast<__m256d>(_mm256_loadu_ps(p));
  return reinterpret_cast<Vec>(_mm512_maskz_broadcast_f64x4(0xff, eight));
#else
  return load(p);
#endif
}

}  // namespace pycnn::PYCNN_ISA
