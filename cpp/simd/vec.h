// One vector of floats, as wide as the ISA this file is compiled for, over the compiler's vector extensions.
// Everything lives in the namespace of the ISA and is inline with internal linkage, so that no definition
// compiled for a newer CPU can be the one the linker keeps for an older CPU.
#pragma once

#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef PYCNN_ISA
#error "kernels are compiled once per ISA: define PYCNN_ISA (baseline, avx2, avx512)"
#endif

#define PYCNN_INLINE static inline __attribute__((always_inline))

namespace pycnn::PYCNN_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef int32_t IntVec __attribute__((vector_size(4 * kLanes)));
typedef float UnalignedVec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

PYCNN_INLINE Vec broadcast(float value) { return value - Vec{}; }
PYCNN_INLINE IntVec broadcast_int(int32_t value) { return value - IntVec{}; }

PYCNN_INLINE IntVec lane_index() {
  IntVec index{};
  for (int i = 0; i < kLanes; ++i) index[i] = i;
  return index;
}

PYCNN_INLINE Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
PYCNN_INLINE void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// A store to a multiple of the vector's size that leaves the caches alone, where the CPU can. Other threads may read
// it only after end_streams().
PYCNN_INLINE void stream(float* p, Vec v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, v);
#elif defined(__SSE2__)
  _mm_stream_ps(p, v);
#else
  store(p, v);
#endif
}

PYCNN_INLINE void end_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
PYCNN_INLINE IntVec first_lanes(int64_t count) { return lane_index() < broadcast_int(static_cast<int32_t>(count)); }
#endif

// The first `count` lanes (0 < count <= kLanes); the others are zero and no memory after them is touched.
PYCNN_INLINE Vec load_n(const float* p, int64_t count) {
  if (__builtin_constant_p(count) && count == kLanes) return load(p);
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#elif defined(__AVX2__)
  if (count >= kLanes) return load(p);
  return _mm256_maskload_ps(p, reinterpret_cast<__m256i>(first_lanes(count)));
#else
  Vec v{};
  if (count >= kLanes) return load(p);
  for (int64_t i = 0; i < kLanes - 1; ++i)
    if (i < count) v[i] = p[i];
  return v;
#endif
}

PYCNN_INLINE void store_n(float* p, Vec v, int64_t count) {
  if (__builtin_constant_p(count) && count == kLanes) return store(p, v);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
#elif defined(__AVX2__)
  if (count >= kLanes) return store(p, v);  // AMD's CPUs take some 20 operations for a masked one
  _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(first_lanes(count)), v);
#else
  if (count >= kLanes) return store(p, v);
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
#endif
}

// sum + a * b, rounded once where the ISA can: where a sum of two products leaves it to the compiler which one is,
// functions that should agree may differ in their last bits.
PYCNN_INLINE Vec add_fused(Vec sum, Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, sum);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, sum);
#elif defined(__aarch64__)
  return vfmaq_f32(sum, a, b);
#else
  return sum + a * b;
#endif
}

// Where a lane is NaN in either operand the result is b: put the value whose NaN must survive second.
PYCNN_INLINE Vec maximum(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, a, b);  // the plain form warns in GCC 12's own header
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
  return _mm_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}

PYCNN_INLINE Vec minimum(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_maskz_min_ps(0xffff, a, b);
#elif defined(__AVX2__)
  return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
  return _mm_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}

// v, but NaN where any of the others is.
PYCNN_INLINE Vec nan_of(Vec v, Vec a, Vec b, Vec c, Vec d) {
#if defined(__AVX512F__)
  const __mmask16 nan = _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) | _mm512_cmp_ps_mask(c, d, _CMP_UNORD_Q);
  return _mm512_mask_blend_ps(nan, v, broadcast(__builtin_nanf("")));
#elif defined(__AVX2__)
  return _mm256_or_ps(v, _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q), _mm256_cmp_ps(c, d, _CMP_UNORD_Q)));
#else
  return ((a == a) & (b == b) & (c == c) & (d == d)) ? v : broadcast(__builtin_nanf(""));
#endif
}

PYCNN_INLINE bool any_nan(Vec a, Vec b, Vec c, Vec d) {
#if defined(__AVX512F__)
  return (_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) | _mm512_cmp_ps_mask(c, d, _CMP_UNORD_Q)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q), _mm256_cmp_ps(c, d, _CMP_UNORD_Q))) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps(_mm_or_ps(_mm_cmpunord_ps(a, b), _mm_cmpunord_ps(c, d))) != 0;
#else
  const IntVec nan = (a != a) | (b != b) | (c != c) | (d != d);
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= nan[i];
  return any != 0;
#endif
}

PYCNN_INLINE Vec select(IntVec mask, Vec if_true, Vec if_false) { return mask ? if_true : if_false; }
PYCNN_INLINE IntVec as_int(Vec v) { return reinterpret_cast<IntVec>(v); }
PYCNN_INLINE Vec as_float(IntVec v) { return reinterpret_cast<Vec>(v); }

// Bit i is set where lane i of a comparison is true.
PYCNN_INLINE uint32_t bits_of(IntVec mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps(as_float(mask)));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps(as_float(mask)));
#else
  uint32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= (mask[i] & 1u) << i;
  return bits;
#endif
}

// The sum of the lanes, always in the same order: halves folded onto each other.
PYCNN_INLINE float sum_lanes(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

PYCNN_INLINE int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
PYCNN_INLINE int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace pycnn::PYCNN_ISA
