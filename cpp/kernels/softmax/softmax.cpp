// softmax(x)_k = e^(x_k - max x) / sum_j e^(x_j - max x) and its logarithm, for each row of x (rows, columns).
// dx = y (dy - sum(dy y)) and dx = dy - e^y sum(dy).
#include "kernels/softmax/softmax.h"

#include "kernels/softmax/losses.h"
#include "kernels/softmax/row.h"

namespace pycnn::PYCNN_ISA {
namespace {

void forward(float* y, const float* x, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float top = maximum_of_row(x, columns);
    const float sum = sum_row(columns, [&](int64_t i, auto lanes) {
      const Vec e = exp(load(x + i, lanes) - top);
      store(y + i, e, lanes);
      return e;
    });
    const float scale = 1.0f / sum;
    for_vectors(columns, [&](int64_t i, auto lanes) { store(y + i, load(y + i, lanes) * scale, lanes); });
  }
}

void backward(float* dx, const float* y, const float* dy, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, dx += columns, y += columns, dy += columns) {
    const float dot = sum_row(columns, [&](int64_t i, auto lanes) { return load(dy + i, lanes) * load(y + i, lanes); });
    for_vectors(columns,
                [&](int64_t i, auto lanes) { store(dx + i, load(y + i, lanes) * (load(dy + i, lanes) - dot), lanes); });
  }
}

void log_forward(float* y, const float* x, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float top = maximum_of_row(x, columns);
    const float sum = sum_row(columns, [&](int64_t i, auto lanes) { return exp(load(x + i, lanes) - top); });
    const float log_sum = log_of(sum);
    for_vectors(columns, [&](int64_t i, auto lanes) { store(y + i, (load(x + i, lanes) - top) - log_sum, lanes); });
  }
}

void log_backward(float* dx, const float* y, const float* dy, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, dx += columns, y += columns, dy += columns) {
    const float sum = sum_row(columns, [&](int64_t i, auto lanes) { return load(dy + i, lanes); });
    for_vectors(columns, [&](int64_t i, auto lanes) {
      store(dx + i, load(dy + i, lanes) - exp(load(y + i, lanes)) * sum, lanes);
    });
  }
}

}  // namespace

SoftmaxKernels softmax_kernels() {
  SoftmaxKernels kernels{};
  kernels.forward = forward;
  kernels.backward = backward;
  kernels.log_forward = log_forward;
  kernels.log_backward = log_backward;
  kernels.cross_entropy_logits = cross_entropy_logits;
  kernels.cross_entropy_probabilities = cross_entropy_probabilities;
  kernels.binary_cross_entropy_logits = binary_cross_entropy_logits;
  kernels.binary_cross_entropy_probabilities = binary_cross_entropy_probabilities;
  kernels.mean_squared_error = mean_squared_error;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
