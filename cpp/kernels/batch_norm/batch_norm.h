// Batch normalization over rows: x is (rows, c), a row being one pixel of one sample.
#pragma once

#include <stdint.h>

namespace pycnn {

// y = max(lower, x * scale[c] + shift[c]): what a normalization comes to, with the ReLU behind it. -infinity: no bound.
struct ScaleShift {
  const float* scale;
  const float* shift;
  float lower;
};

struct BatchNormKernels {
  // mean[c] and m2[c] = sum over rows of (x - mean)^2, two passes over x.
  void (*moments)(float* mean, float* m2, const float* x, int64_t rows, int64_t c);
  // y may be x.
  void (*apply)(float* y, const float* x, const ScaleShift&, int64_t rows, int64_t c);
  // Both ways back count dy as 0 where `output` of x is at its bound; without a bound its arrays are not read.
  // sum_dy[c] = sum dy; sum_dy_x[c] = sum dy * (x - mean) * inv_std. Overwrites both.
  void (*backward_sums)(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, const float* mean,
                        const float* inv_std, const ScaleShift& output, int64_t rows, int64_t c);
  // dx = gamma * inv_std * (dy - mean_dy - (x - mean) * inv_std * mean_dy_x); overwrites dx, which may be dy.
  // gamma may be null (all ones).
  void (*backward_apply)(float* dx, const float* x, const float* dy, const float* mean, const float* inv_std,
                         const float* gamma, const float* mean_dy, const float* mean_dy_x, const ScaleShift& output,
                         int64_t rows, int64_t c);
};

}  // namespace pycnn
