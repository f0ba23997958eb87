// One optimizer step over a flat range of parameters. w, the gradient g and the state arrays are parallel.
// Formulas and the place of epsilon as in Keras 3.
#pragma once

#include <stdint.h>

namespace pycnn {

struct SgdStep {
  float learning_rate, momentum;
  bool nesterov;
};
// Decay rates are double because 1 - rate is used too: 1 - 0.999f is off by 1.3e-5 of itself.
struct RmspropStep {
  float learning_rate;
  double rho;
  float momentum, epsilon;
  bool centered;
};
struct AdamStep {
  float learning_rate;
  double beta_1, beta_2;
  float epsilon;
  float step_size;  // learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t), computed in double by the caller
  bool amsgrad;
};

struct OptimizerKernels {
  // m = momentum * m - lr * g; w += m (Nesterov: w += momentum * m - lr * g). m may be null when momentum is 0.
  void (*sgd)(float* w, const float* g, float* m, int64_t n, const SgdStep&);
  // v = rho v + (1-rho) g^2; centered: a = rho a + (1-rho) g, denominator sqrt(v - a^2 + eps), else sqrt(v + eps);
  // inc = lr g / denominator; momentum > 0: m = momentum m + inc; w -= m; else w -= inc. a, m null when unused.
  void (*rmsprop)(float* w, const float* g, float* v, float* a, float* m, int64_t n, const RmspropStep&);
  // m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); amsgrad: u = max(u, v) in v's place;
  // w -= step_size m / (sqrt(v) + eps). u is null when unused.
  void (*adam)(float* w, const float* g, float* m, float* v, float* u, int64_t n, const AdamStep&);
};

}  // namespace pycnn
