// Each activation is a rule: forward(x), and derivative(v) with v = y where derivative_from_output, else v = x.
// Formulas and constants as in Keras 3. Flat arrays, vectorised; the output may be the input.
#include "kernels/activation/activation.h"

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Past +-100 every gated activation is flat in float32; the bound keeps infinity * 0 out.
constexpr float kGateRange = 100.0f;
PYCNN_INLINE Vec above_gate_range(Vec x) { return maximum(broadcast(-kGateRange), x); }
PYCNN_INLINE Vec inside_gate_range(Vec x) { return minimum(broadcast(kGateRange), above_gate_range(x)); }

PYCNN_INLINE Vec clip_to_unit(Vec x) { return minimum(broadcast(1.0f), maximum(Vec{}, x)); }

struct Linear {
  Vec forward(Vec x) const { return x; }
  Vec derivative(Vec) const { return broadcast(1.0f); }
};

struct Relu {
  Vec forward(Vec x) const { return maximum(Vec{}, x); }
  Vec derivative(Vec y) const { return select(y > 0.0f, broadcast(1.0f), Vec{}); }
};

// With all its parameters; leaky_relu is the case without threshold and maximum.
struct GeneralRelu {
  float alpha, max_value, threshold;
  bool from_output;

  Vec forward(Vec x) const {
    const Vec lowest = broadcast(alpha == 0.0f ? -__FLT_MAX__ : -kInfinity);  // no 0 * infinity
    const Vec y = select(x > threshold, x, alpha * maximum(lowest, x - threshold));
    return select(x >= max_value, broadcast(max_value), y);
  }
  Vec derivative(Vec v) const {
    const Vec slope = select(v > (from_output ? 0.0f : threshold), broadcast(1.0f), broadcast(alpha));
    return select(v >= max_value, Vec{}, slope);
  }
};

// scale * x above 0, scale * alpha * (e^x - 1) below: ELU, and SELU with its two constants.
struct Elu {
  float alpha, scale;
  bool from_output;

  Vec forward(Vec x) const { return select(x > 0.0f, scale * x, scale * alpha * expm1_negative(x)); }
  Vec derivative(Vec v) const {
    const Vec below = from_output ? v + scale * alpha : scale * alpha * exp(v);
    return select(v > 0.0f, broadcast(scale), below);
  }
};

struct Gelu {
  static Vec normal_cdf(Vec x) { return 0.5f + 0.5f * erf(x * 0.70710678118654752f); }

  Vec forward(Vec x) const { return above_gate_range(x) * normal_cdf(x); }
  Vec derivative(Vec x) const {
    x = inside_gate_range(x);
    return normal_cdf(x) + x * 0.39894228040143268f * exp(-0.5f * x * x);
  }
};

// 0.5 x (1 + tanh(z)) = x sigmoid(2 z), z = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  static constexpr float kLinear = 1.59576912160573071f, kCubic = 0.07135481282764213f;

  Vec forward(Vec x) const {
    x = above_gate_range(x);
    return x * sigmoid(x * (kLinear + kCubic * (x * x)));
  }
  Vec derivative(Vec x) const {
    x = inside_gate_range(x);
    const Vec square = x * x;
    const Vec gate = sigmoid(x * (kLinear + kCubic * square));
    return gate + x * gate * (1.0f - gate) * (kLinear + 3.0f * kCubic * square);
  }
};

struct Silu {
  Vec forward(Vec x) const { return above_gate_range(x) * sigmoid(x); }
  Vec derivative(Vec x) const {
    x = inside_gate_range(x);
    const Vec gate = sigmoid(x);
    return gate + x * gate * (1.0f - gate);
  }
};

struct Sigmoid {
  Vec forward(Vec x) const { return sigmoid(x); }
  Vec derivative(Vec y) const { return y * (1.0f - y); }
};

struct Tanh {
  Vec forward(Vec x) const { return tanh(x); }
  Vec derivative(Vec y) const { return (1.0f - y) * (1.0f + y); }
};

struct Softplus {
  Vec forward(Vec x) const { return softplus(x); }
  Vec derivative(Vec y) const { return -expm1_negative(-y); }
};

struct Softsign {
  Vec forward(Vec x) const {
    const Vec bound = broadcast(__FLT_MAX__);
    x = minimum(bound, maximum(-bound, x));
    return x / (1.0f + absolute(x));
  }
  Vec derivative(Vec y) const {
    const Vec root = 1.0f - absolute(y);
    return root * root;
  }
};

struct HardSigmoid {
  Vec forward(Vec x) const { return clip_to_unit(x * (1.0f / 6.0f) + 0.5f); }
  Vec derivative(Vec y) const { return select((y > 0.0f) & (y < 1.0f), broadcast(1.0f / 6.0f), Vec{}); }
};

struct HardSilu {
  Vec forward(Vec x) const { return above_gate_range(x) * HardSigmoid{}.forward(x); }
  Vec derivative(Vec x) const {
    const Vec between = x * (1.0f / 3.0f) + 0.5f;
    return select(x >= 3.0f, broadcast(1.0f), select(x <= -3.0f, Vec{}, between));
  }
};

// x tanh(softplus(x)), and tanh(softplus(x)) = s / (s + 2) with s = e^x (e^x + 2).
struct Mish {
  static Vec gate(Vec x) {
    const Vec e = exp(minimum(broadcast(20.0f), x));
    const Vec s = e * (e + 2.0f);
    return s / (s + 2.0f);
  }

  Vec forward(Vec x) const { return above_gate_range(x) * gate(x); }
  Vec derivative(Vec x) const {
    x = inside_gate_range(x);
    const Vec t = gate(x);
    return t + x * (1.0f - t) * (1.0f + t) * sigmoid(x);
  }
};

struct Exponential {
  Vec forward(Vec x) const { return exp(x); }
  Vec derivative(Vec y) const { return y; }
};

template <typename Use>
PYCNN_INLINE void with_rule(const Activation& f, Use use) {
  const bool from_output = derivative_from_output(f);
  switch (f.kind) {
    case ActivationKind::kLinear: return use(Linear{});
    case ActivationKind::kRelu:
      if (f.alpha == 0.0f && f.threshold == 0.0f && f.max_value == kInfinity) return use(Relu{});
      return use(GeneralRelu{f.alpha, f.max_value, f.threshold, from_output});
    case ActivationKind::kLeakyRelu: return use(GeneralRelu{f.alpha, kInfinity, 0.0f, from_output});
    case ActivationKind::kElu: return use(Elu{f.alpha, 1.0f, from_output});
    case ActivationKind::kSelu: return use(Elu{1.67326324235437728481f, 1.05070098735548049342f, from_output});
    case ActivationKind::kGelu: return use(Gelu{});
    case ActivationKind::kGeluTanh: return use(GeluTanh{});
    case ActivationKind::kSilu: return use(Silu{});
    case ActivationKind::kSigmoid: return use(Sigmoid{});
    case ActivationKind::kTanh: return use(Tanh{});
    case ActivationKind::kSoftplus: return use(Softplus{});
    case ActivationKind::kSoftsign: return use(Softsign{});
    case ActivationKind::kHardSigmoid: return use(HardSigmoid{});
    case ActivationKind::kHardSilu: return use(HardSilu{});
    case ActivationKind::kMish: return use(Mish{});
    case ActivationKind::kExponential: return use(Exponential{});
  }
}

void forward(float* y, const float* x, int64_t n, Activation f) {
  with_rule(f, [&](auto rule) {
    for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, rule.forward(load(x + i, lanes)), lanes); });
  });
}

void forward_rows(float* y, int64_t rows, int64_t stride, int64_t columns, Activation f) {
  with_rule(f, [&](auto rule) {
    for (int64_t row = 0; row < rows; ++row, y += stride)
      for_vectors(columns, [&](int64_t i, auto lanes) { store(y + i, rule.forward(load(y + i, lanes)), lanes); });
  });
}

void backward(float* dx, const float* x, const float* y, const float* dy, int64_t n, Activation f) {
  const float* source = derivative_from_output(f) ? y : x;
  with_rule(f, [&](auto rule) {
    for_vectors(n, [&](int64_t i, auto lanes) {
      store(dx + i, load(dy + i, lanes) * rule.derivative(load(source + i, lanes)), lanes);
    });
  });
}

}  // namespace

ActivationKernels activation_kernels() {
  ActivationKernels kernels{};
  kernels.forward = forward;
  kernels.forward_rows = forward_rows;
  kernels.backward = backward;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
