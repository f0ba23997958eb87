// Flat and row-wise copies, sums and products.
#include "kernels/elementwise/elementwise.h"

#include "kernels/elementwise/parts.h"
#include "simd/column_sums.h"

namespace pycnn::PYCNN_ISA {
namespace {

void add(float* y, const float* a, const float* b, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes); });
}

void multiply(float* y, const float* a, const float* b, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, load(a + i, lanes) * load(b + i, lanes), lanes); });
}

void scale_shift(float* y, const float* x, float scale, float shift, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, load(x + i, lanes) * scale + shift, lanes); });
}

void fill_with(float* y, float value, int64_t n) { fill(y, value, n); }

// A plain loop: the compiler's own conversions between element sizes are as good.
template <typename Source>
void convert_from(float* __restrict y, const Source* __restrict x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

void convert(float* y, const void* x, SourceType type, int64_t n) {
  switch (type) {
    case SourceType::kFloat32: return copy(y, static_cast<const float*>(x), n);
    case SourceType::kFloat64: return convert_from(y, static_cast<const double*>(x), n);
    case SourceType::kUint8: return convert_from(y, static_cast<const uint8_t*>(x), n);
  }
}

void copy_rows(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t width) {
  if (y_stride == width && x_stride == width) return copy(y, x, rows * width);
  for (int64_t r = 0; r < rows; ++r) copy(y + r * y_stride, x + r * x_stride, width);
}

void sum_rows(float* sum, const float* x, int64_t rows, int64_t c, int64_t stride, bool accumulate) {
  sum_columns<1>(
      rows, c, [&](int64_t r, int64_t j, auto lanes, Vec* sums) { sums[0] += load(x + r * stride + j, lanes); },
      [&](int64_t j, const double* total) { sum[j] = static_cast<float>(accumulate ? sum[j] + total[0] : total[0]); });
}

// Slots are long and far apart, so each visit takes several vectors of one of them.
void sum_slots(float* y, const float* slots, int64_t stride, int64_t count, int64_t n) {
  constexpr int kVectors = 8;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= n; i += kVectors * kLanes) {
    Vec sums[kVectors] = {};
    for (int v = 0; v < kVectors; ++v) sums[v] = load(slots + i + v * kLanes);
    for (int64_t s = 1; s < count; ++s) {
      for (int v = 0; v < kVectors; ++v) sums[v] += load(slots + s * stride + i + v * kLanes);
    }
    for (int v = 0; v < kVectors; ++v) store(y + i + v * kLanes, sums[v]);
  }
  for_vectors(n - i, [&](int64_t j, auto lanes) {
    Vec sum = load(slots + i + j, lanes);
    for (int64_t s = 1; s < count; ++s) sum += load(slots + s * stride + i + j, lanes);
    store(y + i + j, sum, lanes);
  });
}

}  // namespace

ElementwiseKernels elementwise_kernels() {
  ElementwiseKernels kernels{};
  kernels.add = add;
  kernels.multiply = multiply;
  kernels.scale_shift = scale_shift;
  kernels.fill = fill_with;
  kernels.convert = convert;
  kernels.copy_rows = copy_rows;
  kernels.sum_rows = sum_rows;
  kernels.sum_slots = sum_slots;
  kernels.dropout = dropout;
  kernels.uniform = uniform;
  kernels.maxout_forward = maxout_forward;
  kernels.maxout_backward = maxout_backward;
  kernels.transpose = transpose;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
