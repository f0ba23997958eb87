// What each instruction of a fused expression computes, on one block.
#pragma once

#include "kernels/shared.h"
#include "kernels/tensor/tensor.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/precise.h"

namespace pycnn::PYCNN_ISA {

// --- Instructions as functions of vectors, where simd/math.h has none ---------------------------------------------

PYCNN_INLINE Vec one_where(IntVec mask) { return select(mask, broadcast(1.0f), Vec{}); }

PYCNN_INLINE Vec add(Vec a, Vec b) { return a + b; }
PYCNN_INLINE Vec subtract(Vec a, Vec b) { return a - b; }
PYCNN_INLINE Vec multiply(Vec a, Vec b) { return a * b; }
PYCNN_INLINE Vec divide(Vec a, Vec b) { return a / b; }
PYCNN_INLINE Vec equal(Vec a, Vec b) { return one_where(a == b); }
PYCNN_INLINE Vec not_equal(Vec a, Vec b) { return one_where(a != b); }
PYCNN_INLINE Vec less(Vec a, Vec b) { return one_where(a < b); }
PYCNN_INLINE Vec less_equal(Vec a, Vec b) { return one_where(a <= b); }
PYCNN_INLINE Vec logical_and(Vec a, Vec b) { return one_where((a != 0.0f) & (b != 0.0f)); }
PYCNN_INLINE Vec logical_or(Vec a, Vec b) { return one_where((a != 0.0f) | (b != 0.0f)); }
PYCNN_INLINE Vec logical_not(Vec x) { return one_where(x == 0.0f); }
PYCNN_INLINE Vec negative(Vec x) { return -x; }
PYCNN_INLINE Vec inverse_root(Vec x) { return 1.0f / square_root(x); }
PYCNN_INLINE Vec square(Vec x) { return x * x; }
PYCNN_INLINE Vec reciprocal(Vec x) { return 1.0f / x; }
PYCNN_INLINE Vec is_nan(Vec x) { return one_where(x != x); }
PYCNN_INLINE Vec is_finite(Vec x) { return one_where(absolute(x) < kInfinity); }

// Powers as C's pow has them: the root of -0 is 0, that of -infinity infinity.
PYCNN_INLINE Vec power_half(Vec x) { return square_root(select(x == -kInfinity, broadcast(kInfinity), x + 0.0f)); }
PYCNN_INLINE Vec power_minus_half(Vec x) { return 1.0f / power_half(x); }
PYCNN_INLINE Vec power_three_halves(Vec x) { return absolute(x) * power_half(x); }
PYCNN_INLINE Vec power_3(Vec x) { return x * x * x; }
PYCNN_INLINE Vec power_4(Vec x) { return square(square(x)); }
PYCNN_INLINE Vec power_minus_2(Vec x) { return square(1.0f / x); }

// for_vectors with four vectors a round, for bodies so short that the loop itself would take as long.
template <typename Body>
PYCNN_INLINE void for_vectors_of_block(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    body(i, AllLanes{});
    body(i + kLanes, AllLanes{});
    body(i + 2 * kLanes, AllLanes{});
    body(i + 3 * kLanes, AllLanes{});
  }
  for_vectors(n - i, [&](int64_t j, auto lanes) { body(i + j, lanes); });
}

namespace {

// Functions of their own: where a loop is alone the compiler keeps its constants in registers.
template <Vec (*kFunction)(Vec)>
__attribute__((noinline)) void map_unary(float* y, const float* a, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, kFunction(load(a + i, lanes)), lanes); });
}

template <Vec (*kFunction)(Vec, Vec)>
__attribute__((noinline)) void map_binary(float* y, const float* a, const float* b, int64_t n) {
  for_vectors_of_block(
      n, [&](int64_t i, auto lanes) { store(y + i, kFunction(load(a + i, lanes), load(b + i, lanes)), lanes); });
}

__attribute__((noinline)) void map_power(float* y, const float* a, const float* b, int64_t n) {
  for_doubles(
      y, a, b, n, [](DoubleVec u, DoubleVec v) __attribute__((always_inline)) { return power(u, v); });
}

// Without a logarithm where there is a shorter way.
void map_power(float* y, const float* a, float b, int64_t n) {
  if (b == 0.0f) return fill(y, 1.0f, n);
  if (b == 0.5f) return map_unary<power_half>(y, a, n);
  if (b == 1.0f) return copy(y, a, n);
  if (b == 1.5f) return map_unary<power_three_halves>(y, a, n);
  if (b == 2.0f) return map_unary<square>(y, a, n);
  if (b == 3.0f) return map_unary<power_3>(y, a, n);
  if (b == 4.0f) return map_unary<power_4>(y, a, n);
  if (b == -0.5f) return map_unary<power_minus_half>(y, a, n);
  if (b == -1.0f) return map_unary<reciprocal>(y, a, n);
  if (b == -2.0f) return map_unary<power_minus_2>(y, a, n);
  for_doubles(
      y, a, a, n, [&](DoubleVec u, DoubleVec) __attribute__((always_inline)) { return power(u, broadcast_double(b)); });
}

// sin, or with next_quadrants = 1 cos.
void map_sine(float* y, const float* x, uint64_t next_quadrants, int64_t n) {
  for_doubles(
      y, x, x, n, [&](DoubleVec v, DoubleVec) __attribute__((always_inline)) {
        auto angle = reduce_angle(v);
        const auto large = magnitude_of(v) >= kLargestPlainAngle;
        for (int i = 0; i < kDoubleLanes; ++i) {
          if (!large[i] || !(magnitude_of(v)[i] < __builtin_huge_val())) continue;
          const auto reduced = reduce_large_angle(static_cast<float>(v[i]));
          angle.r[i] = reduced.r;
          angle.quadrant[i] = reduced.quadrant;
        }
        return sine_of(angle.r, angle.quadrant + next_quadrants);
      });
}

void map_where(float* y, const float* a, const float* b, const float* c, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) {
    store(y + i, select(load(a + i, lanes) != 0.0f, load(b + i, lanes), load(c + i, lanes)), lanes);
  });
}

// `exponent` is b where that is a constant, else null.
void run_instruction(float* y, const MapInstruction& f, const float* a, const float* b, const float* c,
                     const float* exponent, int64_t n) {
  switch (f.op) {
    case MapOp::kConstant: return fill(y, f.value, n);
    case MapOp::kAdd: return map_binary<add>(y, a, b, n);
    case MapOp::kSubtract: return map_binary<subtract>(y, a, b, n);
    case MapOp::kMultiply: return map_binary<multiply>(y, a, b, n);
    case MapOp::kDivide: return map_binary<divide>(y, a, b, n);
    case MapOp::kMaximum: return map_binary<maximum_or_nan>(y, a, b, n);
    case MapOp::kMinimum: return map_binary<minimum_or_nan>(y, a, b, n);
    case MapOp::kPower: return exponent ? map_power(y, a, *exponent, n) : map_power(y, a, b, n);
    case MapOp::kFloorDivide:
      for (int64_t i = 0; i < n; ++i) y[i] = floor_divide(a[i], b[i]).quotient;
      return;
    case MapOp::kMod:
      for (int64_t i = 0; i < n; ++i) y[i] = floor_divide(a[i], b[i]).remainder;
      return;
    case MapOp::kEqual: return map_binary<equal>(y, a, b, n);
    case MapOp::kNotEqual: return map_binary<not_equal>(y, a, b, n);
    case MapOp::kLess: return map_binary<less>(y, a, b, n);
    case MapOp::kLessEqual: return map_binary<less_equal>(y, a, b, n);
    case MapOp::kLogicalAnd: return map_binary<logical_and>(y, a, b, n);
    case MapOp::kLogicalOr: return map_binary<logical_or>(y, a, b, n);
    case MapOp::kLogicalNot: return map_unary<logical_not>(y, a, n);
    case MapOp::kWhere: return map_where(y, a, b, c, n);
    case MapOp::kNegative: return map_unary<negative>(y, a, n);
    case MapOp::kAbs: return map_unary<absolute>(y, a, n);
    case MapOp::kSign: return map_unary<sign>(y, a, n);
    case MapOp::kExp: return map_unary<exp>(y, a, n);
    case MapOp::kExpm1: return map_unary<expm1>(y, a, n);
    case MapOp::kLog: return map_unary<log>(y, a, n);
    case MapOp::kLog1p: return map_unary<log1p>(y, a, n);
    case MapOp::kSqrt: return map_unary<square_root>(y, a, n);
    case MapOp::kRsqrt: return map_unary<inverse_root>(y, a, n);
    case MapOp::kSquare: return map_unary<square>(y, a, n);
    case MapOp::kReciprocal: return map_unary<reciprocal>(y, a, n);
    case MapOp::kErf: return map_unary<erf>(y, a, n);
    case MapOp::kTanh: return map_unary<tanh>(y, a, n);
    case MapOp::kSigmoid: return map_unary<sigmoid>(y, a, n);
    case MapOp::kSin: return map_sine(y, a, 0, n);
    case MapOp::kCos: return map_sine(y, a, 1, n);
    case MapOp::kFloor: return map_unary<floor>(y, a, n);
    case MapOp::kCeil: return map_unary<ceil>(y, a, n);
    case MapOp::kRound: return map_unary<round_to_integer>(y, a, n);
    case MapOp::kIsNan: return map_unary<is_nan>(y, a, n);
    case MapOp::kIsFinite: return map_unary<is_finite>(y, a, n);
    case MapOp::kStopGradient: return copy(y, a, n);
    case MapOp::kActivation: return activation_kernels().forward(y, a, n, f.activation);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
