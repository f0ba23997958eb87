// The way back through each instruction of a fused expression, on one block.
#pragma once

#include "kernels/tensor/map_registers.h"

namespace pycnn::PYCNN_ISA {

// Which values the derivatives of an instruction are taken from.
struct DerivativeFrom {
  bool a, b, y;
};

// With respect to those sources that are wanted.
PYCNN_INLINE DerivativeFrom derivative_from(const MapInstruction& f, bool wants_a, bool wants_b) {
  switch (f.op) {
    case MapOp::kMultiply: return {wants_b, wants_a, false};
    case MapOp::kDivide: return {false, true, wants_b};
    case MapOp::kMaximum:
    case MapOp::kMinimum: return {true, true, false};
    case MapOp::kPower: return {true, true, wants_b};
    case MapOp::kMod: return {wants_b, wants_b, false};
    case MapOp::kWhere:
    case MapOp::kAbs:
    case MapOp::kLog:
    case MapOp::kLog1p:
    case MapOp::kSquare:
    case MapOp::kErf:
    case MapOp::kSin:
    case MapOp::kCos: return {true, false, false};
    case MapOp::kRsqrt: return {true, false, true};
    case MapOp::kExp:
    case MapOp::kExpm1:
    case MapOp::kSqrt:
    case MapOp::kReciprocal:
    case MapOp::kTanh:
    case MapOp::kSigmoid: return {false, false, true};
    case MapOp::kActivation:
      return {!derivative_from_output(f.activation), false, derivative_from_output(f.activation)};
    default: return {false, false, false};
  }
}

// Calls body(source) for each that gradients flow to.
template <typename Body>
PYCNN_INLINE void for_differentiable(const MapInstruction& f, Body body) {
  switch (f.op) {
    case MapOp::kAdd:
    case MapOp::kSubtract:
    case MapOp::kMultiply:
    case MapOp::kDivide:
    case MapOp::kMaximum:
    case MapOp::kMinimum:
    case MapOp::kPower:
    case MapOp::kMod: body(f.a); return body(f.b);
    case MapOp::kWhere: body(f.b); return body(f.c);
    case MapOp::kNegative:
    case MapOp::kAbs:
    case MapOp::kExp:
    case MapOp::kExpm1:
    case MapOp::kLog:
    case MapOp::kLog1p:
    case MapOp::kSqrt:
    case MapOp::kRsqrt:
    case MapOp::kSquare:
    case MapOp::kReciprocal:
    case MapOp::kErf:
    case MapOp::kTanh:
    case MapOp::kSigmoid:
    case MapOp::kSin:
    case MapOp::kCos:
    case MapOp::kActivation: return body(f.a);
    default: return;
  }
}

// --- Slopes by an input x, by the result y, or by two values -------------------------------------------------------

PYCNN_INLINE Vec same(Vec v) { return v; }
PYCNN_INLINE Vec twice(Vec x) { return 2.0f * x; }
PYCNN_INLINE Vec erf_slope(Vec x) { return 1.12837916709551257f * exp(-x * x); }
PYCNN_INLINE Vec expm1_slope(Vec y) { return y + 1.0f; }
PYCNN_INLINE Vec log1p_slope(Vec x) { return 1.0f / (1.0f + x); }
PYCNN_INLINE Vec root_slope(Vec y) { return 0.5f / y; }
PYCNN_INLINE Vec inverse_root_slope(Vec y, Vec x) { return -0.5f * y / x; }
PYCNN_INLINE Vec reciprocal_slope(Vec y) { return -y * y; }
PYCNN_INLINE Vec tanh_slope(Vec y) { return (1.0f - y) * (1.0f + y); }
PYCNN_INLINE Vec sigmoid_slope(Vec y) { return y * (1.0f - y); }
PYCNN_INLINE Vec divisor_slope(Vec y, Vec b) { return -y / b; }
PYCNN_INLINE Vec exponent_slope(Vec y, Vec a) { return select(a <= 0.0f, Vec{}, y * log(a)); }
// What a takes of the gradient of max(a, b).
PYCNN_INLINE Vec share_of_larger(Vec a, Vec b) {
  return select(a > b, broadcast(1.0f), select(a == b, broadcast(0.5f), Vec{}));
}

// adjoint of r += or = term(i, lanes).
template <typename Term>
PYCNN_INLINE void add_adjoint(MapRegister& r, int64_t n, Term term) {
  float* adjoint = r.adjoint_slot;
  const float* before = r.adjoint;
  if (r.has_adjoint) {
    for_vectors_of_block(
        n, [&](int64_t i, auto lanes) { store(adjoint + i, load(before + i, lanes) + term(i, lanes), lanes); });
  } else {
    for_vectors_of_block(n, [&](int64_t i, auto lanes) { store(adjoint + i, term(i, lanes), lanes); });
  }
  r.adjoint = adjoint;
  r.has_adjoint = true;
}

namespace {

// += or = dy * slope(x).
template <Vec (*kSlope)(Vec)>
__attribute__((noinline)) void add_sloped(MapRegister& r, const float* dy, const float* x, int64_t n) {
  add_adjoint(r, n, [&](int64_t i, auto lanes) { return load(dy + i, lanes) * kSlope(load(x + i, lanes)); });
}

// += or = dy * slope(x, z).
template <Vec (*kSlope)(Vec, Vec)>
__attribute__((noinline)) void add_sloped(MapRegister& r, const float* dy, const float* x, const float* z, int64_t n) {
  add_adjoint(r, n, [&](int64_t i, auto lanes) {
    return load(dy + i, lanes) * kSlope(load(x + i, lanes), load(z + i, lanes));
  });
}

// += or = f(dy).
template <Vec (*kFunction)(Vec)>
__attribute__((noinline)) void add_changed(MapRegister& r, const float* dy, int64_t n) {
  add_adjoint(r, n, [&](int64_t i, auto lanes) { return kFunction(load(dy + i, lanes)); });
}

// += or = dy. An instruction's register takes it as it lies.
void pass_adjoint(MapRegister& r, const float* dy, int64_t n) {
  if (r.is_operand || r.has_adjoint) return add_changed<same>(r, dy, n);
  r.adjoint = dy;
  r.has_adjoint = true;
}

// += or = dy where a condition holds that is not 0, or where it does not hold.
template <bool kHolds>
void add_where(MapRegister& r, const float* dy, const float* condition, int64_t n) {
  add_adjoint(r, n, [&](int64_t i, auto lanes) {
    const IntVec holds = load(condition + i, lanes) != 0.0f;
    return select(kHolds ? holds : ~holds, load(dy + i, lanes), Vec{});
  });
}

// By the base b a^(b - 1), and nothing where b = 0. By the exponent y log(a), and nothing where a <= 0.
void power_backward(MapRegister& a, MapRegister& b, const float* y, const float* dy, const float* exponent,
                    float* temporary, int64_t n) {
  if (a.wanted && exponent) {
    if (*exponent != 0.0f) {
      map_power(temporary, a.value, *exponent - 1.0f, n);
      const Vec factor = broadcast(*exponent);
      add_adjoint(a, n,
                  [&](int64_t i, auto lanes) { return load(dy + i, lanes) * (factor * load(temporary + i, lanes)); });
    }
  } else if (a.wanted) {
    for_doubles(
        temporary, a.value, b.value, n,
        [](DoubleVec u, DoubleVec v) __attribute__((always_inline)) { return v == 0.0 ? v : v * power(u, v - 1.0); });
    add_sloped<same>(a, dy, temporary, n);
  }
  if (b.wanted) add_sloped<exponent_slope>(b, dy, y, a.value, n);
}

// From dy, the adjoint of register y, to those of its sources.
void run_backward(const MapInstruction& f, MapRegister* registers, const float* y, const float* dy,
                  const float* exponent, float* temporary, int64_t n) {
  MapRegister &a = registers[f.a], &b = registers[f.b], &c = registers[f.c];
  switch (f.op) {
    case MapOp::kAdd:
      if (a.wanted) pass_adjoint(a, dy, n);
      if (b.wanted) pass_adjoint(b, dy, n);
      return;
    case MapOp::kSubtract:
      if (a.wanted) pass_adjoint(a, dy, n);
      if (b.wanted) add_changed<negative>(b, dy, n);
      return;
    case MapOp::kMultiply:
      if (a.wanted) add_sloped<same>(a, dy, b.value, n);
      if (b.wanted) add_sloped<same>(b, dy, a.value, n);
      return;
    case MapOp::kDivide:
      if (a.wanted) add_sloped<reciprocal>(a, dy, b.value, n);
      if (b.wanted) add_sloped<divisor_slope>(b, dy, y, b.value, n);
      return;
    case MapOp::kMaximum:
      if (a.wanted) add_sloped<share_of_larger>(a, dy, a.value, b.value, n);
      if (b.wanted) add_sloped<share_of_larger>(b, dy, b.value, a.value, n);
      return;
    case MapOp::kMinimum:
      if (a.wanted) add_sloped<share_of_larger>(a, dy, b.value, a.value, n);
      if (b.wanted) add_sloped<share_of_larger>(b, dy, a.value, b.value, n);
      return;
    case MapOp::kPower: return power_backward(a, b, y, dy, exponent, temporary, n);
    case MapOp::kMod:
      if (a.wanted) pass_adjoint(a, dy, n);
      if (!b.wanted) return;
      for (int64_t i = 0; i < n; ++i) temporary[i] = -floor_divide(a.value[i], b.value[i]).quotient;
      return add_sloped<same>(b, dy, temporary, n);
    case MapOp::kWhere:
      if (b.wanted) add_where<true>(b, dy, a.value, n);
      if (c.wanted) add_where<false>(c, dy, a.value, n);
      return;
    case MapOp::kNegative: return add_changed<negative>(a, dy, n);
    case MapOp::kAbs: return add_sloped<sign>(a, dy, a.value, n);
    case MapOp::kExp: return add_sloped<same>(a, dy, y, n);
    case MapOp::kExpm1: return add_sloped<expm1_slope>(a, dy, y, n);
    case MapOp::kLog: return add_sloped<reciprocal>(a, dy, a.value, n);
    case MapOp::kLog1p: return add_sloped<log1p_slope>(a, dy, a.value, n);
    case MapOp::kSqrt: return add_sloped<root_slope>(a, dy, y, n);
    case MapOp::kRsqrt: return add_sloped<inverse_root_slope>(a, dy, y, a.value, n);
    case MapOp::kSquare: return add_sloped<twice>(a, dy, a.value, n);
    case MapOp::kReciprocal: return add_sloped<reciprocal_slope>(a, dy, y, n);
    case MapOp::kErf: return add_sloped<erf_slope>(a, dy, a.value, n);
    case MapOp::kTanh: return add_sloped<tanh_slope>(a, dy, y, n);
    case MapOp::kSigmoid: return add_sloped<sigmoid_slope>(a, dy, y, n);
    case MapOp::kSin: map_sine(temporary, a.value, 1, n); return add_sloped<same>(a, dy, temporary, n);
    case MapOp::kCos:
      map_sine(temporary, a.value, 2, n);  // a quadrant more: -sin
      return add_sloped<same>(a, dy, temporary, n);
    case MapOp::kActivation:
      activation_kernels().backward(temporary, a.value, y, dy, n, f.activation);
      return add_changed<same>(a, temporary, n);
    default: return;
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
