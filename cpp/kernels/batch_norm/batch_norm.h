// Batch normalization over rows: x is (rows, c), a row being one pixel of one sample.
#pragma once

#include <stdint.h>

namespace pycnn {

// y = max(lower, x * scale[c] + shift[c]): what a normalization comes to, with the ReLU after it. -infinity: no bound.
struct ScaleShift {
  const float* scale;
  const float* shift;
  float lower;
};

// A max-pool fused after it: the map before the pool, and windows side by side (stride = window), at most 255
// positions. What no window covers at the end is ignored.
struct PooledMap {
  int64_t h, w, c;
  int64_t ph, pw;
};

// What the backward pass knows of each channel. Gradients count as 0 where `output` of x is at its bound; without a
// bound its arrays are not read.
struct BatchNormGradient {
  const float* mean;
  const float* inv_std;
  const float* gamma;  // null: all ones
  const float* mean_dy;
  const float* mean_dy_x;
  ScaleShift output;
};

struct BatchNormKernels {
  // mean[c] and m2[c] = sum over rows of (x - mean)^2. Where `copy` is given (on a cache line, not to be read again
  // soon), x is copied there, past the caches; so is dy below.
  void (*moments)(float* mean, float* m2, const float* x, float* copy, int64_t rows, int64_t c);
  // y may be x.
  void (*apply)(float* y, const float* x, const ScaleShift&, int64_t rows, int64_t c);
  // y = max(lower, x * scale + shift + other). y may be x or other.
  void (*apply_add)(float* y, const float* x, const float* other, const ScaleShift&, int64_t rows, int64_t c);
  // y (h / ph, w / pw, c), the max-pool of `apply`; picked, the x of each maximum; argmax, where in its window,
  // row-major, or 255 where it is at its bound. The first maximum wins, and a NaN over every number.
  void (*apply_pool)(float* y, float* picked, uint8_t* argmax, const float* x, const ScaleShift&, const PooledMap&);

  // sum_dy[c] = sum dy; sum_dy_x[c] = sum dy * (x - mean) * inv_std. Overwrites both; the means are not read.
  void (*backward_sums)(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, float* copy,
                        const BatchNormGradient&, int64_t rows, int64_t c);
  // dx = gamma * inv_std * (dy - mean_dy - (x - mean) * inv_std * mean_dy_x); overwrites dx, which may be dy.
  void (*backward_apply)(float* dx, const float* x, const float* dy, const BatchNormGradient&, int64_t rows, int64_t c);
  // The same, dy being the gradient of a max-pool: it goes to the maxima, all others have 0. What is at
  // its bound has no argmax, so `output` is not read.
  void (*backward_apply_pool)(float* dx, const float* x, const float* dy, const uint8_t* argmax,
                              const BatchNormGradient&, const PooledMap&);
};

}  // namespace pycnn
