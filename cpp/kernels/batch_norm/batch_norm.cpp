// Batch normalization of x (rows, c). Sums run down the columns; the passes that write go through blocks of rows a
// vector of channels at a time, so that the channel's parameters stay in registers.
#include "kernels/batch_norm/channels.h"
#include "simd/column_sums.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kBlockRows = 16;

// body(first, end, j, lanes): a vector of channels from j on has its values of a block of rows at first, first + c, ...
// before end.
template <class Body>
PYCNN_INLINE void for_blocks(int64_t rows, int64_t c, Body body) {
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t end = min(begin + kBlockRows, rows);
    for_vectors(c, [&](int64_t j, auto lanes) { body(begin * c + j, end * c, j, lanes); });
  }
}

// What is at the same position in the next block of rows: reads go back and forth in a block, and most come from far
// away.
PYCNN_INLINE void prefetch_block(const float* p, int64_t c) { __builtin_prefetch(p + kBlockRows * c); }

// Whether a pass over rows copies them to `copy` as it goes: where they are whole vectors.
bool copies_as_it_goes(const float* copy, int64_t c) { return copy && c % kLanes == 0; }

// The copy of all others, before the pass.
void copy_ahead(float* to, const float* x, int64_t n) {
  const int64_t whole = n / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) stream(to + i, load(x + i));
  end_streams();
  copy(to + whole, x + whole, n - whole);
}

// Of a block of rows, which stays in L1, the corrected two-pass algorithm: the second pass also sums the deviations,
// which are 0 but for the rounding of the mean. Blocks are joined in double (Chan, Golub and LeVeque, 1983).
template <bool kCopies>
void moments_of(float* mean, float* m2, const float* x, float* copy, int64_t rows, int64_t c) {
  for_column_groups(c, [&](auto group, int64_t column, int64_t count, auto lanes) {
    constexpr int kVectors = decltype(group)::vectors, kColumns = kVectors * kLanes;
    double means[kColumns] = {}, squares[kColumns] = {};
    for (int64_t begin = 0; begin < rows; begin += kSumBlockRows) {
      const int64_t end = min(begin + kSumBlockRows, rows);
      const float share = 1.0f / static_cast<float>(end - begin);
      Vec sums[kVectors][1], deviations[kVectors][2];
      sum_block(sums, begin, end, column, lanes, [&](int64_t r, int64_t j, auto, Vec* sum) {
        const Vec value = load(x + r * c + j, lanes);
        if (kCopies) stream(copy + r * c + j, value);
        sum[0] += value;
      });
      for (int v = 0; v < kVectors; ++v) sums[v][0] *= share;
      sum_block(deviations, begin, end, column, lanes, [&](int64_t r, int64_t j, auto, Vec* sum) {
        const Vec deviation = load(x + r * c + j, lanes) - sums[(j - column) / kLanes][0];
        sum[0] += deviation;
        sum[1] += deviation * deviation;
      });
      float center[kColumns], rest[kColumns], square[kColumns];
      for (int v = 0; v < kVectors; ++v) {
        store(center + v * kLanes, sums[v][0]);
        store(rest + v * kLanes, deviations[v][0]);
        store(square + v * kLanes, deviations[v][1]);
      }
      const double n = static_cast<double>(end - begin), before = static_cast<double>(begin);
      const double part = n / (before + n), both = before * part;
      for (int i = 0; i < kColumns; ++i) {
        const double shift = rest[i] / n, delta = center[i] + shift - means[i];
        means[i] += delta * part;
        squares[i] += square[i] - rest[i] * shift + delta * delta * both;
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      mean[column + i] = static_cast<float>(means[i]);
      m2[column + i] = static_cast<float>(squares[i]);
    }
  });
}

void moments(float* mean, float* m2, const float* x, float* copy, int64_t rows, int64_t c) {
  if (!copies_as_it_goes(copy, c)) {
    if (copy) copy_ahead(copy, x, rows * c);
    return moments_of<false>(mean, m2, x, copy, rows, c);
  }
  moments_of<true>(mean, m2, x, copy, rows, c);
  end_streams();
}

void apply(float* y, const float* x, const ScaleShift& f, int64_t rows, int64_t c) {
  const Vec lower = broadcast(f.lower);
  for_blocks(rows, c, [&](int64_t first, int64_t end, int64_t j, auto lanes) {
    const Vec scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
    for (int64_t i = first; i < end; i += c) store(y + i, maximum(lower, load(x + i, lanes) * scale + shift), lanes);
  });
}

void apply_add(float* y, const float* x, const float* other, const ScaleShift& f, int64_t rows, int64_t c) {
  const Vec lower = broadcast(f.lower);
  for_blocks(rows, c, [&](int64_t first, int64_t end, int64_t j, auto lanes) {
    const Vec scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
    for (int64_t i = first; i < end; i += c)
      store(y + i, maximum(lower, load(x + i, lanes) * scale + shift + load(other + i, lanes)), lanes);
  });
}

template <bool kBounded, bool kCopies>
void sum_gradients(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, float* copy,
                   const BatchNormGradient& g, int64_t rows, int64_t c) {
  sum_columns<2>(
      rows, c,
      [&](int64_t r, int64_t j, auto lanes, Vec* sums) {
        const Bound<kBounded, decltype(lanes)> bound(g.output, j, lanes);
        const Vec value = load(x + r * c + j, lanes);
        prefetch_block(x + r * c + j, c);
        prefetch_block(dy + r * c + j, c);
        const Vec given = load(dy + r * c + j, lanes), gradient = bound.gradient(value, given);
        if (kCopies) stream(copy + r * c + j, given);
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
  for_blocks(rows, c, [&](int64_t first, int64_t end, int64_t j, auto lanes) {
    const Bound<kBounded, decltype(lanes)> bound(g.output, j, lanes);
    const Slopes<decltype(lanes)> slopes(g, j, lanes);
    for (int64_t i = first; i < end; i += c) {
      const Vec value = load(x + i, lanes);
      prefetch_block(x + i, c);
      prefetch_block(dy + i, c);
      store(dx + i, slopes.dx(value, bound.gradient(value, load(dy + i, lanes))), lanes);
    }
  });
}

void backward_sums(float* sum_dy, float* sum_dy_x, const float* x, const float* dy, float* copy,
                   const BatchNormGradient& g, int64_t rows, int64_t c) {
  const bool bounded = is_bounded(g.output);
  if (!copies_as_it_goes(copy, c)) {
    if (copy) copy_ahead(copy, dy, rows * c);
    const auto sum = bounded ? sum_gradients<true, false> : sum_gradients<false, false>;
    return sum(sum_dy, sum_dy_x, x, dy, copy, g, rows, c);
  }
  const auto sum = bounded ? sum_gradients<true, true> : sum_gradients<false, true>;
  sum(sum_dy, sum_dy_x, x, dy, copy, g, rows, c);
  end_streams();
}

void backward_apply(float* dx, const float* x, const float* dy, const BatchNormGradient& g, int64_t rows, int64_t c) {
  (is_bounded(g.output) ? apply_gradients<true> : apply_gradients<false>)(dx, x, dy, g, rows, c);
}

}  // namespace

BatchNormKernels batch_norm_kernels() {
  BatchNormKernels kernels{};
  kernels.moments = moments;
  kernels.apply = apply;
  kernels.apply_add = apply_add;
  kernels.apply_pool = apply_pool;
  kernels.backward_sums = backward_sums;
  kernels.backward_apply = backward_apply;
  kernels.backward_apply_pool = backward_apply_pool;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
