// Elementwise activations and their derivatives.
#pragma once

#include <stdint.h>

namespace pycnn {

enum class ActivationKind : int32_t {
  kLinear,
  kRelu,
  kLeakyRelu,
  kElu,
  kSelu,
  kGelu,
  kGeluTanh,
  kSilu,
  kSigmoid,
  kTanh,
  kSoftplus,
  kSoftsign,
  kHardSigmoid,
  kHardSilu,
  kMish,
  kExponential,
};

// relu: max_value and threshold as in Keras' ReLU layer, alpha its negative slope:
//   x >= max_value: max_value; x > threshold: x; else alpha * (x - threshold).
// leaky_relu, elu: alpha is the slope (scale) below zero. The others take no parameter.
struct Activation {
  ActivationKind kind = ActivationKind::kLinear;
  float alpha = 0.0f;
  float max_value = __builtin_huge_valf();
  float threshold = 0.0f;
};

// Whether f'(x) can be told from y = f(x) alone. Always inlined: no copy of it may be compiled for one ISA and be
// used by another.
__attribute__((always_inline)) inline constexpr bool derivative_from_output(const Activation& f) {
  switch (f.kind) {
    case ActivationKind::kRelu: return f.alpha >= 0.0f && f.threshold >= 0.0f;
    case ActivationKind::kLeakyRelu:
    case ActivationKind::kElu: return f.alpha >= 0.0f;
    case ActivationKind::kGelu:
    case ActivationKind::kGeluTanh:
    case ActivationKind::kSilu:
    case ActivationKind::kHardSilu:
    case ActivationKind::kMish: return false;
    default: return true;
  }
}

struct ActivationKernels {
  // y[i] = f(x[i]); y may be x.
  void (*forward)(float* y, const float* x, int64_t n, Activation f);
  // In place: `columns` numbers of each of `rows` rows, `stride` floats apart.
  void (*forward_rows)(float* y, int64_t rows, int64_t stride, int64_t columns, Activation f);
  // dx[i] = dy[i] * f'(.), overwriting; dx may be dy. f' is taken from y where derivative_from_output(f), and x
  // may then be null; otherwise it is taken from x, and y may be null.
  void (*backward)(float* dx, const float* x, const float* y, const float* dy, int64_t n, Activation f);
};

}  // namespace pycnn
