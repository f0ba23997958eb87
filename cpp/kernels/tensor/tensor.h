// NumPy's operations on arrays of any rank: fused elementwise expressions with broadcasting, reductions, strided
// copies, rows by index, products of small matrices. Every sum runs in an order that depends on the shapes alone.
#pragma once

#include <stdint.h>

#include "kernels/activation/activation.h"

namespace pycnn {

constexpr int kMaxAxes = 8;

// One elementwise operation of a fused expression. Registers: 0 .. inputs-1 are the operands, instruction i writes
// register inputs + i; the last instruction's register is the result. Comparisons and logic give 1.0f or 0.0f; logic
// takes != 0 as true.
enum class MapOp : int32_t {
  kConstant,  // value
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kMaximum,  // a NaN in either operand wins, as in kMinimum
  kMinimum,
  kPower,        // as C's pow
  kFloorDivide,  // Python's //
  kMod,          // Python's %: the sign is the divisor's
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kLogicalAnd,
  kLogicalOr,
  kLogicalNot,
  kWhere,  // a ? b : c
  kNegative,
  kAbs,
  kSign,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kSqrt,
  kRsqrt,
  kSquare,
  kReciprocal,
  kErf,
  kTanh,
  kSigmoid,
  kSin,
  kCos,
  kFloor,
  kCeil,
  kRound,  // half to even
  kIsNan,
  kIsFinite,
  kStopGradient,  // copies; no gradient
  kActivation,    // activation
};

struct MapInstruction {
  MapOp op = MapOp::kConstant;
  int32_t a = 0, b = 0, c = 0;
  float value = 0.0f;
  Activation activation;
};

struct MapCode {
  const MapInstruction* instructions;
  int32_t count, inputs;  // count >= 1
};

// An operand, laid out along the axes of the result: strides in floats; 0 where its value repeats (broadcasting). The
// others are those of its compact layout: row-major over the axes where it does not repeat.
struct MapOperand {
  const float* x;
  int64_t strides[kMaxAxes];
};

struct TensorDims {
  int32_t axes;  // may be 0: one value
  int64_t dims[kMaxAxes];
};

enum class ReduceKind : int32_t { kSum, kMean, kMax, kMin, kProd, kArgmax, kArgmin, kAny, kAll };

// y[i0, i1, ...] (contiguous, of dims) <-> x[offset + sum of i_k * strides[k]]; strides may be 0 or negative.
struct StridedDims {
  TensorDims shape;
  int64_t offset;
  int64_t strides[kMaxAxes];
};

struct TensorKernels {
  // Floats of scratch that map and map_backward need.
  int64_t (*map_scratch)(const MapCode& code);
  // y, contiguous, may be an operand that does not repeat.
  void (*map)(float* y, const MapOperand* x, const MapCode& code, const TensorDims& dims, float* scratch);
  // dx[k] (null where not wanted) is overwritten, in the compact layout of operand k; where the operand repeats its
  // gradients are summed. dx must not alias anything. Ties of maximum and minimum share the gradient.
  void (*map_backward)(float* const* dx, const MapOperand* x, const float* dy, const MapCode& code,
                       const TensorDims& dims, float* scratch);
  // x (outer, n, inner) -> y (outer, inner). argmax and argmin give the first one, as a float; any and all 1.0f or
  // 0.0f. A NaN wins max, min, argmax and argmin.
  void (*reduce)(float* y, const float* x, ReduceKind kind, int64_t outer, int64_t n, int64_t inner);
  // Overwrites dx; y is the result of reduce. Max and min: equal shares among ties. Not for argmax, argmin, any, all.
  void (*reduce_backward)(float* dx, const float* x, const float* y, const float* dy, ReduceKind kind, int64_t outer,
                          int64_t n, int64_t inner);
  void (*gather)(float* y, const float* x, const StridedDims& dims);
  void (*scatter)(float* x, const float* y, const StridedDims& dims);      // other x are left alone
  void (*scatter_add)(float* x, const float* y, const StridedDims& dims);  // x += y; a stride of 0 sums
  // y (outer, count, inner) = x (outer, n, inner) at index (count), floats that hold integers. Negative ones count
  // from the end; others are clamped to [0, n).
  void (*take)(float* y, const float* x, const float* index, int64_t outer, int64_t n, int64_t inner, int64_t count);
  // dx += dy, in the order of the indices.
  void (*take_backward)(float* dx, const float* dy, const float* index, int64_t outer, int64_t n, int64_t inner,
                        int64_t count);
  int64_t (*matmul_scratch)(int64_t m, int64_t k, int64_t n);  // floats
  // y (m, n) = or += op(a) op(b), op(a) (m, k), op(b) (k, n) row-major; op is the transpose where said, of what is
  // stored as (k, m) or (n, k).
  void (*matmul)(float* y, const float* a, const float* b, int64_t m, int64_t k, int64_t n, bool transpose_a,
                 bool transpose_b, bool accumulate, float* scratch);
};

}  // namespace pycnn
