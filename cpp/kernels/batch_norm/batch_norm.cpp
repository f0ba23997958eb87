// Batch normalization of x (rows, c). Sums run down the columns; the passes that write go through blocks of rows a
// vector of channels at a time, so that the channel's parameters stay in registers.
#include "kernels/batch_norm/channels.h"
#include "simd/column_sums.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kBlockRows = 16;

// Corrected two-pass algorithm (Chan, Golub & LeVeque 1983): the second pass also sums the deviations, which are
// 0 but for the rounding of the mean.
void moments(float* mean, float* m2, const float* x, int64_t rows, int64_t c) {
  const double count = static_cast<double>(most(rows, 1));
  sum_columns<1>(
      rows, c, [&](int64_t r, int64_t j, auto lanes, Vec* sums) { sums[0] += load(x + r * c + j, lanes); },
      [&](int64_t j, const double* total) { mean[j] = static_cast<float>(total[0] / count); });
  sum_columns<2>(
      rows, c,
      [&](int64_t r, int64_t j, auto lanes, Vec* sums) {
        const Vec deviation = load(x + r * c + j, lanes) - load(mean + j, lanes);
        sums[0] += deviation;
        sums[1] += deviation * deviation;
      },
      [&](int64_t j, const double* total) {
        const double shift = total[0] / count;
        mean[j] = static_cast<float>(mean[j] + shift);
        m2[j] = static_cast<float>(total[1] - total[0] * shift);
      });
}

void apply(float* y, const float* x, const ScaleShift& f, int64_t rows, int64_t c) {
  const Vec lower = broadcast(f.lower);
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = least(begin + kBlockRows, rows);
    for_vectors(c, [&](int64_t j, auto lanes) {
      const Vec scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
      for (int64_t i = begin * c + j; i < end * c; i += c)
        store(y + i, maximum(lower, load(x + i, lanes) * scale + shift), lanes);
    });
  }
}

void apply_add(float* y, const float* x, const float* other, const ScaleShift& f, int64_t rows, int64_t c) {
  const Vec lower = broadcast(f.lower);
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = least(begin + kBlockRows, rows);
    for_vectors(c, [&](int64_t j, auto lanes) {
      const Vec scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
      for (int64_t i = begin * c + j; i < end * c; i += c)
        store(y + i, maximum(lower, load(x + i, lanes) * scale + shift + load(other + i, lanes)), lanes);
    });
  }
}

template <bool kBounded>
void sum_gradients(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, const BatchNormGradient& g,
                   int64_t rows, int64_t c) {
  sum_columns<2>(
      rows, c,
      [&](int64_t r, int64_t j, auto lanes, Vec* sums) {
        const Bound<kBounded, decltype(lanes)> bound(g.output, j, lanes);
        const Vec value = load(x + r * c + j, lanes);
        const Vec gradient = bound.gradient(value, load(dy + r * c + j, lanes));
        sums[0] += gradient;
        sums[1] += gradient * (value - load(g.mean + j, lanes));
      },
      [&](int64_t j, const double* total) {
        sum_dy[j] = static_cast<float>(total[0]);
        sum_dy_x[j] = static_cast<float>(total[1] * g.inv_std[j]);
      });
}

template <bool kBounded>
void apply_gradients(float* dx, const float* x, const float* dy, const BatchNormGradient& g, int64_t rows, int64_t c) {
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = least(begin + kBlockRows, rows);
    for_vectors(c, [&](int64_t j, auto lanes) {
      const Channels<kBounded, decltype(lanes)> channels(g, j, lanes);
      for (int64_t i = begin * c + j; i < end * c; i += c)
        store(dx + i, channels.dx(load(x + i, lanes), load(dy + i, lanes)), lanes);
    });
  }
}

void backward_sums(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, const BatchNormGradient& g,
                   int64_t rows, int64_t c) {
  (is_bounded(g.output) ? sum_gradients<true> : sum_gradients<false>)(sum_dy, sum_dy_x, x, dy, g, rows, c);
}

void backward_apply(float* dx, const float* x, const float* dy, const BatchNormGradient& g, int64_t rows, int64_t c) {
  (is_bounded(g.output) ? apply_gradients<true> : apply_gradients<false>)(dx, x, dy, g, rows, c);
}

}  // namespace

BatchNormKernels batch_norm_kernels() {
  return {moments, apply, apply_add, apply_pool, backward_sums, backward_apply, backward_apply_pool};
}

}  // namespace pycnn::PYCNN_ISA
