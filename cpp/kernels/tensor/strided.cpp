// Copies between a contiguous array and a strided view of another: transpositions, slices, broadcasts, flips.
#include "kernels/shared.h"
#include "kernels/tensor/parts.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The axes of a view without those of extent 1, neighbours joined where they lie like one; each with its strides in
// the view and in the contiguous array.
struct View {
  int count;  // >= 1
  int64_t dims[kMaxAxes], strides[kMaxAxes], flat[kMaxAxes];
  int64_t total;
};

View view_of(const StridedDims& s) {
  View v = {};
  v.total = 1;
  for (int k = 0; k < s.shape.axes; ++k) {
    const int64_t extent = s.shape.dims[k];
    v.total *= extent;
    if (extent == 1) continue;
    const bool joins = v.count > 0 && v.strides[v.count - 1] == s.strides[k] * extent;
    if (!joins) v.dims[v.count++] = 1;
    v.dims[v.count - 1] *= extent;
    v.strides[v.count - 1] = s.strides[k];
  }
  if (v.count == 0) {
    v.dims[0] = 1;
    v.strides[0] = 1;
    v.count = 1;
  }
  v.flat[v.count - 1] = 1;
  for (int k = v.count - 2; k >= 0; --k) v.flat[k] = v.flat[k + 1] * v.dims[k + 1];
  return v;
}

// Calls body(offset in the contiguous array, offset in the view) for each place on all axes but the last.
template <typename Body>
PYCNN_INLINE void for_places(const View& v, Body body) {
  const int axes = v.count - 1;
  int64_t index[kMaxAxes] = {}, flat = 0, offset = 0;
  int64_t places = 1;
  for (int k = 0; k < axes; ++k) places *= v.dims[k];
  for (int64_t i = 0; i < places; ++i) {
    body(flat, offset);
    for (int k = axes - 1; k >= 0; --k) {
      flat += v.flat[k];
      offset += v.strides[k];
      if (++index[k] < v.dims[k]) break;
      flat -= v.flat[k] * v.dims[k];
      offset -= v.strides[k] * v.dims[k];
      index[k] = 0;
    }
  }
}

float sum_of(const float* x, int64_t n) {
  float sum;
  reduce(&sum, x, ReduceKind::kSum, 1, n, 1);
  return sum;
}

// The axis along which the view is contiguous, for a transposition with the last one; -1 if there is none.
int turned_axis(const View& v) {
  if (v.strides[v.count - 1] == 1) return -1;
  for (int k = v.count - 2; k >= 0; --k)
    if (v.strides[k] == 1) return k;
  return -1;
}

// y (columns, rows) = x (rows, columns) transposed; vectors do not pay where one of them is small.
void turn(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns) {
  constexpr int64_t kNarrow = 4;
  if (rows >= kNarrow && columns >= kNarrow)
    return elementwise_kernels().transpose(y, y_stride, x, x_stride, rows, columns);
  if (rows < columns) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) y[c * y_stride + r] = x[r * x_stride + c];
  } else {
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t r = 0; r < rows; ++r) y[c * y_stride + r] = x[r * x_stride + c];
  }
}

}  // namespace

void gather(float* y, const float* x, const StridedDims& dims) {
  View v = view_of(dims);
  if (v.total == 0) return;
  x += dims.offset;
  const int last = v.count - 1;
  const int64_t stride = v.strides[last], extent = v.dims[last];
  const int turned = turned_axis(v);
  if (turned >= 0) {
    const int64_t columns = v.dims[turned], y_stride = v.flat[turned];
    v.dims[turned] = 1;
    return for_places(v, [&](int64_t to, int64_t from) { turn(y + to, y_stride, x + from, stride, extent, columns); });
  }
  for_places(v, [&](int64_t to, int64_t from) {
    if (stride == 1) copy(y + to, x + from, extent);
    else if (stride == 0) fill(y + to, x[from], extent);
    else
      for (int64_t i = 0; i < extent; ++i) y[to + i] = x[from + i * stride];
  });
}

void scatter(float* x, const float* y, const StridedDims& dims) {
  View v = view_of(dims);
  if (v.total == 0) return;
  x += dims.offset;
  const int last = v.count - 1;
  const int64_t stride = v.strides[last], extent = v.dims[last];
  const int turned = turned_axis(v);
  if (turned >= 0) {
    const int64_t rows = v.dims[turned], y_stride = v.flat[turned];
    v.dims[turned] = 1;
    return for_places(v, [&](int64_t from, int64_t to) { turn(x + to, stride, y + from, y_stride, rows, extent); });
  }
  for_places(v, [&](int64_t from, int64_t to) {
    if (stride == 1) copy(x + to, y + from, extent);
    else
      for (int64_t i = 0; i < extent; ++i) x[to + i * stride] = y[from + i];
  });
}

void scatter_add(float* x, const float* y, const StridedDims& dims) {
  View v = view_of(dims);
  if (v.total == 0) return;
  x += dims.offset;
  // Rows are summed where an axis repeats before a contiguous one.
  const int last = v.count - 1;
  const ElementwiseKernels elementwise = elementwise_kernels();
  const int64_t stride = v.strides[last], extent = v.dims[last];
  for (int k = last - 1; stride == 1 && k >= 0; --k) {
    if (v.strides[k] != 0) continue;
    const int64_t rows = v.dims[k], y_stride = v.flat[k];
    v.dims[k] = 1;
    return for_places(
        v, [&](int64_t from, int64_t to) { elementwise.sum_rows(x + to, y + from, rows, extent, y_stride, true); });
  }
  for_places(v, [&](int64_t from, int64_t to) {
    if (stride == 1) elementwise.add(x + to, x + to, y + from, extent);
    else if (stride == 0) x[to] += sum_of(y + from, extent);
    else
      for (int64_t i = 0; i < extent; ++i) x[to + i * stride] += y[from + i];
  });
}

}  // namespace pycnn::PYCNN_ISA
