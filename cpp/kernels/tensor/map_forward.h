// What each instruction of a fused expression computes, on one block.
#pragma once

#include "kernels/shared.h"
#include "kernels/tensor/tensor.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/precise.h"

namespace pycnn::PYCNN_ISA {

PYCNN_INLINE Vec one_where(IntVec mask) { return select(mask, broadcast(1.0f), Vec{}); }

// For roots, as pow has them: of -0 that of 0, of -infinity that of infinity.
PYCNN_INLINE Vec root_of_power(Vec x) { return square_root(select(x == -kInfinity, broadcast(kInfinity), x + 0.0f)); }

// Whether a^exponent needs no logarithm; if so, use(function) of it.
template <typename Use>
PYCNN_INLINE bool with_simple_power(float exponent, Use use) {
  if (exponent == 0.0f) use([](Vec) { return broadcast(1.0f); });
  else if (exponent == 0.5f) use([](Vec x) { return root_of_power(x); });
  else if (exponent == 1.0f) use([](Vec x) { return x; });
  else if (exponent == 1.5f) use([](Vec x) { return absolute(x) * root_of_power(x); });
  else if (exponent == 2.0f) use([](Vec x) { return x * x; });
  else if (exponent == 3.0f) use([](Vec x) { return x * x * x; });
  else if (exponent == 4.0f) use([](Vec x) { return (x * x) * (x * x); });
  else if (exponent == -0.5f) use([](Vec x) { return 1.0f / root_of_power(x); });
  else if (exponent == -1.0f) use([](Vec x) { return 1.0f / x; });
  else if (exponent == -2.0f)
    use([](Vec x) {
      const Vec inverse = 1.0f / x;
      return inverse * inverse;
    });
  else return false;
  return true;
}

template <typename Function>
PYCNN_INLINE void map_unary(float* y, const float* a, int64_t n, Function function) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, function(load(a + i, lanes)), lanes); });
}

template <typename Function>
PYCNN_INLINE void map_binary(float* y, const float* a, const float* b, int64_t n, Function function) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, function(load(a + i, lanes), load(b + i, lanes)), lanes); });
}

namespace {

void map_power(float* y, const float* a, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = power(a[i], b[i]);
}

void map_power(float* y, const float* a, float b, int64_t n) {
  if (with_simple_power(b, [&](auto function) { map_unary(y, a, n, function); })) return;
  for (int64_t i = 0; i < n; ++i) y[i] = power(a[i], b);
}

// sin, or with next_quadrants = 1 cos.
void map_sine(float* y, const float* x, uint64_t next_quadrants, int64_t n) {
  IntVec large{};
  for_vectors(n, [&](int64_t i, auto lanes) { large |= absolute(load(x + i, lanes)) >= kLargestPlainAngle; });
  if (bits_of(large) == 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = sine_of(reduce_angle(x[i]), next_quadrants);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float size = __builtin_fabsf(x[i]);
    const bool plain = !(size >= kLargestPlainAngle && size < kInfinity);
    y[i] = sine_of(plain ? reduce_angle(x[i]) : reduce_large_angle(x[i]), next_quadrants);
  }
}

// b is the exponent where it is a constant, else null.
void run_instruction(float* y, const MapInstruction& f, const float* a, const float* b, const float* c,
                     const float* constant_b, int64_t n) {
  switch (f.op) {
    case MapOp::kConstant: return fill(y, f.value, n);
    case MapOp::kAdd: return map_binary(y, a, b, n, [](Vec u, Vec v) { return u + v; });
    case MapOp::kSubtract: return map_binary(y, a, b, n, [](Vec u, Vec v) { return u - v; });
    case MapOp::kMultiply: return map_binary(y, a, b, n, [](Vec u, Vec v) { return u * v; });
    case MapOp::kDivide: return map_binary(y, a, b, n, [](Vec u, Vec v) { return u / v; });
    case MapOp::kMaximum: return map_binary(y, a, b, n, [](Vec u, Vec v) { return maximum_or_nan(u, v); });
    case MapOp::kMinimum: return map_binary(y, a, b, n, [](Vec u, Vec v) { return minimum_or_nan(u, v); });
    case MapOp::kPower: return constant_b ? map_power(y, a, *constant_b, n) : map_power(y, a, b, n);
    case MapOp::kFloorDivide:
      for (int64_t i = 0; i < n; ++i) y[i] = floor_divide(a[i], b[i]).quotient;
      return;
    case MapOp::kMod:
      for (int64_t i = 0; i < n; ++i) y[i] = floor_divide(a[i], b[i]).remainder;
      return;
    case MapOp::kEqual: return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where(u == v); });
    case MapOp::kNotEqual: return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where(u != v); });
    case MapOp::kLess: return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where(u < v); });
    case MapOp::kLessEqual: return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where(u <= v); });
    case MapOp::kLogicalAnd:
      return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where((u != 0.0f) & (v != 0.0f)); });
    case MapOp::kLogicalOr:
      return map_binary(y, a, b, n, [](Vec u, Vec v) { return one_where((u != 0.0f) | (v != 0.0f)); });
    case MapOp::kLogicalNot: return map_unary(y, a, n, [](Vec u) { return one_where(u == 0.0f); });
    case MapOp::kWhere:
      return for_vectors(n, [&](int64_t i, auto lanes) {
        store(y + i, select(load(a + i, lanes) != 0.0f, load(b + i, lanes), load(c + i, lanes)), lanes);
      });
    case MapOp::kNegative: return map_unary(y, a, n, [](Vec u) { return -u; });
    case MapOp::kAbs: return map_unary(y, a, n, [](Vec u) { return absolute(u); });
    case MapOp::kSign: return map_unary(y, a, n, [](Vec u) { return sign(u); });
    case MapOp::kExp: return map_unary(y, a, n, [](Vec u) { return exp(u); });
    case MapOp::kExpm1: return map_unary(y, a, n, [](Vec u) { return expm1(u); });
    case MapOp::kLog: return map_unary(y, a, n, [](Vec u) { return log(u); });
    case MapOp::kLog1p: return map_unary(y, a, n, [](Vec u) { return log1p(u); });
    case MapOp::kSqrt: return map_unary(y, a, n, [](Vec u) { return square_root(u); });
    case MapOp::kRsqrt: return map_unary(y, a, n, [](Vec u) { return 1.0f / square_root(u); });
    case MapOp::kSquare: return map_unary(y, a, n, [](Vec u) { return u * u; });
    case MapOp::kReciprocal: return map_unary(y, a, n, [](Vec u) { return 1.0f / u; });
    case MapOp::kErf: return map_unary(y, a, n, [](Vec u) { return erf(u); });
    case MapOp::kTanh: return map_unary(y, a, n, [](Vec u) { return tanh(u); });
    case MapOp::kSigmoid: return map_unary(y, a, n, [](Vec u) { return sigmoid(u); });
    case MapOp::kSin: return map_sine(y, a, 0, n);
    case MapOp::kCos: return map_sine(y, a, 1, n);
    case MapOp::kFloor: return map_unary(y, a, n, [](Vec u) { return floor(u); });
    case MapOp::kCeil: return map_unary(y, a, n, [](Vec u) { return ceil(u); });
    case MapOp::kRound: return map_unary(y, a, n, [](Vec u) { return round_to_integer(u); });
    case MapOp::kIsNan: return map_unary(y, a, n, [](Vec u) { return one_where(u != u); });
    case MapOp::kIsFinite: return map_unary(y, a, n, [](Vec u) { return one_where(absolute(u) < kInfinity); });
    case MapOp::kStopGradient: return copy(y, a, n);
    case MapOp::kActivation: return activation_kernels().forward(y, a, n, f.activation);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
