// What products (kernels/gemm/tile.h) multiply: floats, or floats rounded to bfloat16, the upper half of a float. Sums
// are float32 in both. Operands lie in words of 32 bits, each of kTerms neighbouring terms of the sum, and are asked
// for as floats because a word is as wide as one.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

struct Float32 {
  static constexpr bool kRounds = false;
  static constexpr int kTerms = 1;  // in a word
  PYCNN_INLINE int64_t words(int64_t terms) { return terms; }
  PYCNN_INLINE Vec broadcast(const float* word) { return PYCNN_ISA::broadcast(*word); }
  PYCNN_INLINE Vec add_product(Vec sum, Vec a, Vec b) { return sum + a * b; }
  // Terms [k, k + lanes) of a row; k is a multiple of kLanes. After the last term its word is filled with zeros.
  PYCNN_INLINE void store(float* row, int64_t k, Vec v, int64_t lanes) { store_n(row + k, v, lanes); }
  // One word in each lane, from the rows of its terms.
  PYCNN_INLINE Vec word(const Vec (&terms)[kTerms]) { return terms[0]; }
};

#if defined(__AVX512BF16__)

// v rounded to the nearest bfloat16, ties to even; a NaN stays one.
PYCNN_INLINE Vec round_to_bfloat16(Vec v) {
  const IntVec bits = as_int(v);
  const IntVec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffff;
  return as_float((v == v) ? rounded : (bits | 0x00400000) & ~0xffff);
}

struct Bfloat16 {
  static constexpr bool kRounds = true;
  static constexpr int kTerms = 2;
  PYCNN_INLINE int64_t words(int64_t terms) { return (terms + 1) / 2; }
  PYCNN_INLINE Vec broadcast(const float* word) {
    return reinterpret_cast<Vec>(_mm512_set1_epi32(*reinterpret_cast<const Word*>(word)));
  }
  PYCNN_INLINE Vec add_product(Vec sum, Vec a, Vec b) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  PYCNN_INLINE void store(float* row, int64_t k, Vec v, int64_t lanes) {
    const auto given = static_cast<__mmask16>((1u << lanes) - 1), even = static_cast<__mmask16>(given | given << 1);
    const __m256bh halves = _mm512_maskz_cvtneps_pbh(given, reinterpret_cast<__m512>(v));
    _mm256_mask_storeu_epi16(row + k / 2, lanes % 2 ? even : given, reinterpret_cast<__m256i>(halves));
  }
  PYCNN_INLINE Vec word(const Vec (&terms)[kTerms]) {
    const auto low = reinterpret_cast<UnsignedVec>(round_to_bfloat16(terms[0]));
    return reinterpret_cast<Vec>(low >> 16 | reinterpret_cast<UnsignedVec>(round_to_bfloat16(terms[1])));
  }

 private:
  typedef int32_t Word __attribute__((may_alias));
  typedef uint32_t UnsignedVec __attribute__((vector_size(4 * kLanes)));
};

#endif

}  // namespace pycnn::PYCNN_ISA
