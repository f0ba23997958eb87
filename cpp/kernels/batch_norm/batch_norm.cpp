// Batch normalization of x (rows, c). Sums run down the columns; the passes that write go through blocks of rows a
// vector of channels at a time, so that the channel's parameters stay in registers.
#include "kernels/batch_norm/batch_norm.h"

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

// A vector of channels of `output`, to find its gradient.
template <bool kBounded, class Lanes>
struct Bound {
  Bound(const ScaleShift& f, int64_t j, Lanes lanes) : lower(broadcast(f.lower)) {
    if (kBounded) scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
  }
  Vec gradient(Vec x, Vec dy) const { return kBounded ? select(x * scale + shift <= lower, Vec{}, dy) : dy; }
  Vec lower, scale, shift;
};

template <bool kBounded>
void sum_gradients(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, const float* mean,
                   const float* inv_std, const ScaleShift& output, int64_t rows, int64_t c) {
  sum_columns<2>(
      rows, c,
      [&](int64_t r, int64_t j, auto lanes, Vec* sums) {
        const Bound<kBounded, decltype(lanes)> bound(output, j, lanes);
        const Vec value = load(x + r * c + j, lanes);
        const Vec gradient = bound.gradient(value, load(dy + r * c + j, lanes));
        sums[0] += gradient;
        sums[1] += gradient * (value - load(mean + j, lanes));
      },
      [&](int64_t j, const double* total) {
        sum_dy[j] = static_cast<float>(total[0]);
        sum_dy_x[j] = static_cast<float>(total[1] * inv_std[j]);
      });
}

template <bool kBounded>
void apply_gradients(float* dx, const float* x, const float* dy, const float* mean, const float* inv_std,
                     const float* gamma, const float* mean_dy, const float* mean_dy_x, const ScaleShift& output,
                     int64_t rows, int64_t c) {
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = least(begin + kBlockRows, rows);
    for_vectors(c, [&](int64_t j, auto lanes) {
      const Bound<kBounded, decltype(lanes)> bound(output, j, lanes);
      const Vec center = load(mean + j, lanes), scale = load(inv_std + j, lanes);
      const Vec outer = gamma ? load(gamma + j, lanes) * scale : scale;
      const Vec offset = load(mean_dy + j, lanes), slope = load(mean_dy_x + j, lanes) * scale;
      for (int64_t i = begin * c + j; i < end * c; i += c) {
        const Vec value = load(x + i, lanes), gradient = bound.gradient(value, load(dy + i, lanes));
        store(dx + i, outer * (gradient - offset - (value - center) * slope), lanes);
      }
    });
  }
}

bool is_bounded(const ScaleShift& f) { return f.lower > -__builtin_huge_valf(); }

void backward_sums(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, const float* mean,
                   const float* inv_std, const ScaleShift& output, int64_t rows, int64_t c) {
  (is_bounded(output) ? sum_gradients<true> : sum_gradients<false>)(sum_dy, sum_dy_x, x, dy, mean, inv_std, output,
                                                                    rows, c);
}

void backward_apply(float* dx, const float* x, const float* dy, const float* mean, const float* inv_std,
                    const float* gamma, const float* mean_dy, const float* mean_dy_x, const ScaleShift& output,
                    int64_t rows, int64_t c) {
  (is_bounded(output) ? apply_gradients<true> : apply_gradients<false>)(dx, x, dy, mean, inv_std, gamma, mean_dy,
                                                                        mean_dy_x, output, rows, c);
}

}  // namespace

BatchNormKernels batch_norm_kernels() { return {moments, apply, backward_sums, backward_apply}; }

}  // namespace pycnn::PYCNN_ISA
