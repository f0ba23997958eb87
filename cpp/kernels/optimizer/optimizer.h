// One optimizer step over a flat range of parameters. w, the gradient g and the state arrays are parallel.
// Formulas and the place of epsilon as in Keras 3.
#pragma once

#include <stdint.h>

namespace pycnn {

// What a step needs beside arrays; a formula reads what it names. Decay rates are double because 1 - rate is used too:
// 1 - 0.999f is off by 1.3e-5 of itself. What depends on the step's number t, from 1, is computed in double by the
// caller.
struct OptimizerStep {
  float learning_rate = 0, momentum = 0, epsilon = 0;
  double rho = 0, beta_1 = 0, beta_2 = 0;
  bool nesterov = false, amsgrad = false;
  float step_size = 0;       // adam: learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t); adamax: that without the root
  float mean_share = 0;      // nadam: u' / (1 - P u')
  float gradient_share = 0;  // nadam: (1 - u) / (1 - P)
  float square_scale = 0;    // nadam: 1 / (1 - beta_2^t)
  float power = 0, l1 = 0, l2 = 0, l2_shrinkage = 0;  // ftrl: power is -learning_rate_power
};

// state: the arrays of the range, in the order in which a formula lists them; null where one is not kept.
using OptimizerKernel = void (*)(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep&);

struct OptimizerKernels {
  // state m. m = momentum m - lr g; w += m (Nesterov: w += momentum m - lr g). Without m: w -= lr g.
  OptimizerKernel gradient_descent;
  // state a. a += g^2; w -= lr g / sqrt(a + eps).
  OptimizerKernel adagrad;
  // state a, d. a = rho a + (1-rho) g^2; s = sqrt(d + eps) / sqrt(a + eps) g; d = rho d + (1-rho) s^2; w -= lr s.
  OptimizerKernel adadelta;
  // state v, m, a. v = rho v + (1-rho) g^2; with a: a = rho a + (1-rho) g, denominator sqrt(v - a^2 + eps), else
  // sqrt(v + eps); step = lr g / denominator; with m: m = momentum m + step; w -= m; else w -= step.
  OptimizerKernel rmsprop;
  // state m, v, u. m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); with u: u = max(u, v) instead of v;
  // w -= step_size m / (sqrt(v) + eps).
  OptimizerKernel adam;
  // state m, u. m += (g - m)(1 - b1); u = max(b2 u, |g|); w -= step_size m / (u + eps).
  OptimizerKernel adamax;
  // state m, v. As adam; w -= lr (mean_share m + gradient_share g) / (sqrt(square_scale v) + eps).
  OptimizerKernel nadam;
  // state m. w -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g.
  OptimizerKernel lion;
  // state a, z. a' = a + g^2; z += g + 2 l2_shrinkage w - (a'^power - a^power) / lr w;
  // w = (clip(z, -l1, l1) - z) / (a'^power / lr + 2 l2).
  OptimizerKernel ftrl;
};

}  // namespace pycnn
