// Floats that lie apart in memory, and vectors of four floats whatever the ISA.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

// Lane i is p[index[i]].
PYCNN_INLINE Vec gather(const float* p, IntVec index) {
#if defined(__AVX512F__)
  return _mm512_mask_i32gather_ps(Vec{}, 0xffff, reinterpret_cast<__m512i>(index), p, 4);
#elif defined(__AVX2__)
  return _mm256_i32gather_ps(p, reinterpret_cast<__m256i>(index), 4);
#else
  Vec v{};
  for (int i = 0; i < kLanes; ++i) v[i] = p[index[i]];
  return v;
#endif
}

// Four neighbours of each lane's pixel.
struct Corners {
  Vec upper_left, upper_right, lower_left, lower_right;
};

// Lane i has p[index[i]] and p[index[i] + 1], and those `row` floats after them. AVX2 has a gather too, but one that on
// several CPUs takes as long as all this.
PYCNN_INLINE Corners gather_corners(const float* p, int64_t row, IntVec index) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  const auto quad = [&](int i) {
    const float* at = p + index[i];
    const __m128 upper = _mm_loadl_pi(_mm_setzero_ps(), reinterpret_cast<const __m64*>(at));
    return _mm_loadh_pi(upper, reinterpret_cast<const __m64*>(at + row));
  };
  const auto pair = [&](int i) { return _mm256_insertf128_ps(_mm256_castps128_ps256(quad(i)), quad(i + 4), 1); };
  const __m256 a = pair(0), b = pair(1), c = pair(2), d = pair(3);
  const auto doubles = [](__m256 v) { return _mm256_castps_pd(v); };
  const __m256d upper_ab = doubles(_mm256_unpacklo_ps(a, b)), lower_ab = doubles(_mm256_unpackhi_ps(a, b));
  const __m256d upper_cd = doubles(_mm256_unpacklo_ps(c, d)), lower_cd = doubles(_mm256_unpackhi_ps(c, d));
  return {_mm256_castpd_ps(_mm256_unpacklo_pd(upper_ab, upper_cd)),
          _mm256_castpd_ps(_mm256_unpackhi_pd(upper_ab, upper_cd)),
          _mm256_castpd_ps(_mm256_unpacklo_pd(lower_ab, lower_cd)),
          _mm256_castpd_ps(_mm256_unpackhi_pd(lower_ab, lower_cd))};
#else
  return {gather(p, index), gather(p + 1, index), gather(p + row, index), gather(p + row + 1, index)};
#endif
}

typedef float Quad __attribute__((vector_size(16)));
typedef float UnalignedQuad __attribute__((vector_size(16), aligned(4), may_alias));

PYCNN_INLINE Quad load_quad(const float* p) { return *reinterpret_cast<const UnalignedQuad*>(p); }
PYCNN_INLINE void store_quad(float* p, Quad v) { *reinterpret_cast<UnalignedQuad*>(p) = v; }

}  // namespace pycnn::PYCNN_ISA
