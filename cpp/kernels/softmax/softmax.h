// Softmax, log-softmax and the losses. All row-wise: x is (rows, columns), contiguous.
#pragma once

#include <stdint.h>

namespace pycnn {

// One loss over rows. For each row r it writes loss[r] (not weighted) and, where dx is not null, overwrites
// dx = d loss[r] / dx * weight[r] * scale (weight null = all ones).
// labels: int32 class numbers (sparse) or null; targets: float (rows, columns) or null; just one of the two.
struct LossArguments {
  float* loss;
  float* dx;       // may be null, may be x
  const float* x;  // logits or probabilities, as the function says
  const int32_t* labels;
  const float* targets;
  const float* weight;
  float scale;
  int64_t rows, columns;
};

struct SoftmaxKernels {
  void (*forward)(float* y, const float* x, int64_t rows, int64_t columns);                     // y may be x
  void (*backward)(float* dx, const float* y, const float* dy, int64_t rows, int64_t columns);  // dx may be dy
  void (*log_forward)(float* y, const float* x, int64_t rows, int64_t columns);
  void (*log_backward)(float* dx, const float* y, const float* dy, int64_t rows, int64_t columns);
  // x = logits; labels or targets. Loss = -sum_k t_k log softmax(x)_k; dx = softmax(x) * sum(t) - t.
  void (*cross_entropy_logits)(const LossArguments&);
  // x = probabilities. As Keras: p = x / sum(x), clipped to [1e-7, 1 - 1e-7] (gradient 0 where clipped).
  void (*cross_entropy_probabilities)(const LossArguments&);
  // targets only. Loss = mean over columns of the binary cross-entropy; x = logits.
  void (*binary_cross_entropy_logits)(const LossArguments&);
  // The same on probabilities, clipped to [1e-7, 1 - 1e-7].
  void (*binary_cross_entropy_probabilities)(const LossArguments&);
  // targets only. Loss = mean over columns of (x - t)^2.
  void (*mean_squared_error)(const LossArguments&);
};

}  // namespace pycnn
