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

// Lane i is one of the four lanes that i is among (i / 4 * 4 and on), the one at place[i]; 0 <= place < 4.
PYCNN_INLINE Vec pick_of_four(Vec v, IntVec place) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutevar_ps(0xffff, v, reinterpret_cast<__m512i>(place));
#elif defined(__AVX2__)
  return _mm256_permutevar_ps(v, reinterpret_cast<__m256i>(place));
#else
  static_assert(kLanes == 4, "four lanes are all of them");
  const Vec low = select(place == broadcast_int(0), broadcast(v[0]), broadcast(v[1]));
  const Vec high = select(place == broadcast_int(2), broadcast(v[2]), broadcast(v[3]));
  return select(place < broadcast_int(2), low, high);
#endif
}

// The lanes of v whose bits are set, side by side from `to` on; up to kLanes floats there may be overwritten.
PYCNN_INLINE void store_chosen(float* to, Vec v, uint32_t bits) {
#if defined(__AVX512F__)
  store(to, _mm512_maskz_compress_ps(static_cast<__mmask16>(bits), v));
#else
  float lanes[kLanes];
  store(lanes, v);
  for (; bits != 0; bits &= bits - 1) *to++ = lanes[__builtin_ctz(bits)];
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
