// Each kernel, forward and backward, on NumPy arrays with a batch axis. Samples are shared out over the threads.
#include <algorithm>
#include <cmath>
#include <atomic>
#include <limits>

#include "bindings/bindings.h"
#include "bindings/names.h"
#include "graph/infer.h"
#include "runtime/dispatch.h"
#include "runtime/memory.h"
#include "runtime/threads.h"

namespace pycnn::bindings {
namespace {

using IntPair = std::array<int64_t, 2>;
using IntFour = std::array<int64_t, 4>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kRange = 16384;  // floats of one piece of elementwise work

// body(i, scratch) for every i below n, in any order, on all threads and without the GIL.
template <class Body>
void for_each(int64_t n, int64_t scratch_floats, const Body& body) {
  if (n == 0) return;
  py::gil_scoped_release release;
  const int threads = static_cast<int>(std::min<int64_t>(n, num_threads()));
  const int64_t own = align_floats(scratch_floats);
  AlignedFloats scratch(own * threads);
  std::atomic<int64_t> next{0};
  parallel(threads, [&](const Team& team) {
    for (int64_t i; (i = next.fetch_add(1)) < n;) body(i, scratch.data() + team.rank() * own);
  });
}

// body(begin, count) over the ranges of a flat array.
template <class Body>
void for_ranges(int64_t n, const Body& body) {
  for_each((n + kRange - 1) / kRange, 0,
           [&](int64_t i, float*) { body(i * kRange, std::min(kRange, n - i * kRange)); });
}

// body(begin, count) over ranges of rows of `columns` floats.
template <class Body>
void for_rows(int64_t rows, int64_t columns, const Body& body) {
  const int64_t at_once = std::max<int64_t>(1, kRange / std::max<int64_t>(columns, 1));
  for_each((rows + at_once - 1) / at_once, 0,
           [&](int64_t i, float*) { body(i * at_once, std::min(at_once, rows - i * at_once)); });
}

int64_t columns_of(const Floats& x, const char* name) {
  require(x.ndim() >= 1 && x.shape(x.ndim() - 1) >= 1,
          std::string(name) + " needs a last axis of at least 1, but has shape " + text_of(shape_of(x)));
  return x.shape(x.ndim() - 1);
}

// --- convolution ---------------------------------------------------------------------------------------------

Conv2D conv2d_of(const std::vector<int64_t>& x, const std::vector<int64_t>& w, IntPair strides, IntFour padding,
                 float pad_value, IntPair dilation, int64_t groups) {
  require(groups >= 1 && x[3] % groups == 0 && w[2] == x[3] / groups,
          "w: a kernel of shape " + text_of(w) + " in " + std::to_string(groups) + " groups does not fit " +
              std::to_string(x[3]) + " input channels");
  const Conv2DNode node{w[3],    {w[0], w[1]}, {strides[0], strides[1]}, {dilation[0], dilation[1]},
                        {padding[0], padding[1], padding[2], padding[3]}, pad_value, groups, false};
  const Shape y = infer_shape("conv2d", node, {Shape{{x[1], x[2], x[3]}}}, {});
  Conv2D s{x[1],       x[2],       x[3],        y.h(),       y.w(),      y.c(),      w[0],   w[1],
           strides[0], strides[1], dilation[0], dilation[1], padding[0], padding[2], groups, pad_value};
  active_kernels().conv2d.choose(s);
  return s;
}

constexpr int64_t kImagesAtOnce = 4;  // enough tiles for a small map's Winograd products

// body(images, first, scratch) for runs of neighbouring images.
template <class Body>
void for_images(int64_t n, int64_t scratch_floats, const Body& body) {
  for_each((n + kImagesAtOnce - 1) / kImagesAtOnce, scratch_floats, [&](int64_t i, float* scratch) {
    body(i * kImagesAtOnce, std::min(kImagesAtOnce, n - i * kImagesAtOnce), scratch);
  });
}

Floats conv2d_forward(const Floats& x, const Floats& w, const py::object& b, IntPair strides, IntFour padding,
                      float pad_value, IntPair dilation, int64_t groups) {
  require_rank(x, 4, "x");
  require_rank(w, 4, "w");
  const Conv2D s = conv2d_of(shape_of(x), shape_of(w), strides, padding, pad_value, dilation, groups);
  Floats bias;
  if (!b.is_none()) {
    bias = Floats::ensure(b);
    if (!bias) throw py::error_already_set();
    require_shape(bias, {s.k}, "b");
  }
  const int64_t n = x.shape(0);
  Floats y = new_array({n, s.oh, s.ow, s.k});
  const Conv2DKernels& conv = active_kernels().conv2d;
  AlignedFloats packed(conv.packed_floats(s));
  conv.pack(packed.data(), w.data(), s, 0, conv.pack_pieces(s));
  const float *from = x.data(), *bias_data = b.is_none() ? nullptr : bias.data();
  float* to = y.mutable_data();
  const int64_t x_floats = s.h * s.w * s.c, y_floats = s.oh * s.ow * s.k;
  for_images(n, conv.scratch_floats(s), [&](int64_t i, int64_t count, float* scratch) {
    conv.forward({to + i * y_floats, y_floats, from + i * x_floats, x_floats, count}, packed.data(), bias_data, scratch,
                 s, {}, 0, conv.pieces(s));
  });
  return y;
}

Floats conv2d_backward_input(const Floats& dy, const Floats& w, const std::array<int64_t, 4>& input_shape,
                             IntPair strides, IntFour padding, IntPair dilation, int64_t groups) {
  require_rank(w, 4, "w");
  const std::vector<int64_t> in(input_shape.begin(), input_shape.end());
  require(in[0] >= 0, "input_shape must not be negative");
  const Conv2D s = conv2d_of(in, shape_of(w), strides, padding, 0, dilation, groups);
  require_shape(dy, {in[0], s.oh, s.ow, s.k}, "dy");
  Floats dx = new_array(in);
  const Conv2DKernels& conv = active_kernels().conv2d;
  AlignedFloats packed(conv.packed_transposed_floats(s));
  conv.pack_transposed(packed.data(), w.data(), s, 0, conv.pack_transposed_pieces(s));
  const float* from = dy.data();
  float* to = dx.mutable_data();
  const int64_t x_floats = s.h * s.w * s.c, y_floats = s.oh * s.ow * s.k;
  for_images(in[0], conv.scratch_floats(s), [&](int64_t i, int64_t count, float* scratch) {
    conv.backward_input({to + i * x_floats, x_floats, from + i * y_floats, y_floats, count}, packed.data(), scratch, s);
  });
  return dx;
}

// Sums over samples in slots that do not depend on the number of threads: body(sample, slot, scratch, accumulate).
template <class Body>
void sum_in_slots(float* sum, int64_t floats, int64_t n, int64_t scratch_floats, const Body& body) {
  std::fill(sum, sum + floats, 0.0f);
  if (n == 0) return;
  const int64_t slots = std::clamp<int64_t>(n / 8, 1, 16), stride = align_floats(floats);
  AlignedFloats memory(slots * stride);
  for_each(slots, scratch_floats, [&](int64_t slot, float* scratch) {
    const int64_t begin = slot * n / slots, end = (slot + 1) * n / slots;
    for (int64_t i = begin; i < end; ++i) body(i, memory.data() + slot * stride, scratch, i > begin);
  });
  active_kernels().elementwise.sum_slots(sum, memory.data(), stride, slots, floats);
}

Floats conv2d_backward_weight(const Floats& x, const Floats& dy, IntPair kernel_size, IntPair strides, IntFour padding,
                              float pad_value, IntPair dilation, int64_t groups) {
  require_rank(x, 4, "x");
  require_rank(dy, 4, "dy");
  require(groups >= 1 && x.shape(3) % groups == 0, "groups must divide the " + std::to_string(x.shape(3)) + " channels of x");
  const std::vector<int64_t> w{kernel_size[0], kernel_size[1], x.shape(3) / groups, dy.shape(3)};
  const Conv2D s = conv2d_of(shape_of(x), w, strides, padding, pad_value, dilation, groups);
  require_shape(dy, {x.shape(0), s.oh, s.ow, s.k}, "dy");
  Floats dw = new_array(w);
  const Conv2DKernels& conv = active_kernels().conv2d;
  const float *from = x.data(), *gradient = dy.data();
  sum_in_slots(dw.mutable_data(), dw.size(), x.shape(0), conv.scratch_floats(s),
               [&](int64_t i, float* slot, float* scratch, bool accumulate) {
                 conv.backward_weight(slot, from + i * s.h * s.w * s.c, gradient + i * s.oh * s.ow * s.k, scratch, s,
                                      accumulate);
               });
  return dw;
}

// --- pooling and padding ---------------------------------------------------------------------------------------

Pool2D pool2d_of(const std::vector<int64_t>& x, IntPair size, IntPair strides, IntFour padding, bool average,
                 bool count_padding) {
  const Pool2DNode node{average, {size[0], size[1]}, {strides[0], strides[1]},
                        {padding[0], padding[1], padding[2], padding[3]}, count_padding};
  const Shape y = infer_shape("pool2d", node, {Shape{{x[1], x[2], x[3]}}}, {});
  return {x[1], x[2], x[3], y.h(), y.w(), size[0], size[1], strides[0], strides[1], padding[0], padding[2], count_padding};
}

template <class Forward>
Floats pool_forward(const Floats& x, const Pool2D& p, Forward forward) {
  Floats y = new_array({x.shape(0), p.oh, p.ow, p.c});
  const float* from = x.data();
  float* to = y.mutable_data();
  for_each(x.shape(0), 0, [&](int64_t i, float*) {
    forward(to + i * p.oh * p.ow * p.c, from + i * p.h * p.w * p.c, p, 0, p.oh);
  });
  return y;
}

Floats max_pool2d_forward(const Floats& x, IntPair size, IntPair strides, IntFour padding) {
  require_rank(x, 4, "x");
  return pool_forward(x, pool2d_of(shape_of(x), size, strides, padding, false, false), active_kernels().pool2d.max_forward);
}

Floats max_pool2d_backward(const Floats& x, const Floats& dy, IntPair size, IntPair strides, IntFour padding) {
  require_rank(x, 4, "x");
  const Pool2D p = pool2d_of(shape_of(x), size, strides, padding, false, false);
  require_shape(dy, {x.shape(0), p.oh, p.ow, p.c}, "dy");
  Floats dx = new_array(shape_of(x));
  const float *from = x.data(), *gradient = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pool2d.max_backward;
  for_each(x.shape(0), 0, [&](int64_t i, float*) {
    const int64_t at = i * p.h * p.w * p.c;
    backward(to + at, from + at, gradient + i * p.oh * p.ow * p.c, p);
  });
  return dx;
}

Floats average_pool2d_forward(const Floats& x, IntPair size, IntPair strides, IntFour padding, bool count_padding) {
  require_rank(x, 4, "x");
  return pool_forward(x, pool2d_of(shape_of(x), size, strides, padding, true, count_padding),
                      active_kernels().pool2d.average_forward);
}

Floats average_pool2d_backward(const Floats& dy, const std::array<int64_t, 4>& input_shape, IntPair size,
                               IntPair strides, IntFour padding, bool count_padding) {
  const std::vector<int64_t> in(input_shape.begin(), input_shape.end());
  require(in[0] >= 0, "input_shape must not be negative");
  const Pool2D p = pool2d_of(in, size, strides, padding, true, count_padding);
  require_shape(dy, {in[0], p.oh, p.ow, p.c}, "dy");
  Floats dx = new_array(in);
  const float* gradient = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pool2d.average_backward;
  for_each(in[0], 0, [&](int64_t i, float*) {
    backward(to + i * p.h * p.w * p.c, gradient + i * p.oh * p.ow * p.c, p);
  });
  return dx;
}

Pad2D pad2d_of(const std::vector<int64_t>& x, IntFour padding, const std::string& mode, float value) {
  const Pad2DNode node{{padding[0], padding[1], padding[2], padding[3]}, pad_mode(mode), value};
  infer_shape("pad2d", node, {Shape{{x[1], x[2], x[3]}}}, {});
  return {x[1], x[2], x[3], padding[0], padding[1], padding[2], padding[3], node.mode, value};
}

Floats pad2d_forward(const Floats& x, IntFour padding, const std::string& mode, float value) {
  require_rank(x, 4, "x");
  const Pad2D p = pad2d_of(shape_of(x), padding, mode, value);
  const int64_t h = p.top + p.h + p.bottom, w = p.left + p.w + p.right;
  Floats y = new_array({x.shape(0), h, w, p.c});
  const float* from = x.data();
  float* to = y.mutable_data();
  const auto forward = active_kernels().pad2d.forward;
  for_each(x.shape(0), 0,
           [&](int64_t i, float*) { forward(to + i * h * w * p.c, from + i * p.h * p.w * p.c, p.c, p); });
  return y;
}

Floats pad2d_backward(const Floats& dy, IntFour padding, const std::string& mode) {
  require_rank(dy, 4, "dy");
  const int64_t h = dy.shape(1) - padding[0] - padding[1], w = dy.shape(2) - padding[2] - padding[3];
  require(h >= 1 && w >= 1, "dy of shape " + text_of(shape_of(dy)) + " is no larger than its padding");
  const Pad2D p = pad2d_of({dy.shape(0), h, w, dy.shape(3)}, padding, mode, 0);
  Floats dx = new_array({dy.shape(0), h, w, dy.shape(3)});
  const float* from = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pad2d.backward;
  for_each(dy.shape(0), 0, [&](int64_t i, float*) {
    backward(to + i * h * w * p.c, from + i * dy.shape(1) * dy.shape(2) * p.c, p);
  });
  return dx;
}

// --- products ----------------------------------------------------------------------------------------------------

// y (rows, columns) = x (rows, depth) @ b + bias, b (depth, columns) or, transposed, (columns, depth).
void product(float* y, const float* x, const float* b, const float* bias, int64_t rows, int64_t depth, int64_t columns,
             bool transposed) {
  const KernelTable& k = active_kernels();
  const int64_t panel = 2 * k.lanes, panels = (columns + panel - 1) / panel;
  AlignedFloats packed(panels * depth * panel);
  constexpr int64_t kRows = 64;
  for_each(panels, 0, [&](int64_t q, float*) {
    if (transposed) k.gemm.pack_transposed(packed.data(), b, depth, depth, columns, depth, 0, q, q + 1);
    else k.gemm.pack(packed.data(), b, columns, depth, columns, q, q + 1);
  });
  for_each((rows + kRows - 1) / kRows, 0, [&](int64_t i, float*) {
    k.gemm.multiply(y + i * kRows * columns, columns, x + i * kRows * depth, depth, packed.data(), bias,
                    std::min(kRows, rows - i * kRows), depth, columns, 0, panels, -kInfinity);
  });
}

Floats dense_forward(const Floats& x, const Floats& w, const py::object& b) {
  require_rank(w, 2, "w");
  const int64_t depth = columns_of(x, "x");
  require(w.shape(0) == depth, "w of shape " + text_of(shape_of(w)) + " does not fit the last axis of x, " +
                                   std::to_string(depth));
  columns_of(w, "w");
  Floats bias;
  if (!b.is_none()) {
    bias = Floats::ensure(b);
    if (!bias) throw py::error_already_set();
    require_shape(bias, {w.shape(1)}, "b");
  }
  std::vector<int64_t> shape = shape_of(x);
  shape.back() = w.shape(1);
  Floats y = new_array(shape);
  product(y.mutable_data(), x.data(), w.data(), b.is_none() ? nullptr : bias.data(), x.size() / depth, depth,
          w.shape(1), false);
  return y;
}

Floats matmul(const Floats& a, const Floats& b) {
  require_rank(a, 2, "a");
  return dense_forward(a, b, py::none());
}

Floats dense_backward_input(const Floats& dy, const Floats& w) {
  require_rank(w, 2, "w");
  const int64_t units = columns_of(dy, "dy");
  require(w.shape(1) == units, "w of shape " + text_of(shape_of(w)) + " does not fit the last axis of dy, " +
                                   std::to_string(units));
  std::vector<int64_t> shape = shape_of(dy);
  shape.back() = w.shape(0);
  Floats dx = new_array(shape);
  product(dx.mutable_data(), dy.data(), w.data(), nullptr, dy.size() / units, units, w.shape(0), true);
  return dx;
}

Floats dense_backward_weight(const Floats& x, const Floats& dy) {
  const int64_t inputs = columns_of(x, "x"), units = columns_of(dy, "dy"), rows = x.size() / inputs;
  require(dy.size() / units == rows, "x of shape " + text_of(shape_of(x)) + " and dy of shape " +
                                         text_of(shape_of(dy)) + " have different numbers of rows");
  Floats dw = new_array({inputs, units});
  float* to = dw.mutable_data();
  const float *from = x.data(), *gradient = dy.data();
  const auto outer = active_kernels().gemm.outer;
  constexpr int64_t kInputs = 32;
  for_each((inputs + kInputs - 1) / kInputs, 0, [&](int64_t i, float*) {
    outer(to, from, inputs, gradient, units, rows, units, i * kInputs, std::min(inputs, (i + 1) * kInputs), false);
  });
  return dw;
}

Floats bias_gradient(const Floats& dy) {
  const int64_t units = columns_of(dy, "dy"), rows = dy.size() / units;
  Floats db = new_array({units});
  const float* gradient = dy.data();
  const auto sum_rows = active_kernels().elementwise.sum_rows;
  const int64_t at_once = std::max<int64_t>(1, kRange / units), ranges = (rows + at_once - 1) / at_once;
  sum_in_slots(db.mutable_data(), units, ranges, 0, [&](int64_t i, float* slot, float*, bool accumulate) {
    const int64_t begin = i * at_once;
    sum_rows(slot, gradient + begin * units, std::min(at_once, rows - begin), units, units, accumulate);
  });
  return db;
}

// --- elementwise and row-wise ----------------------------------------------------------------------------------

Floats activation_forward(const std::string& name, const Floats& x, float alpha, float max_value, float threshold) {
  const Activation f{activation_kind(name), alpha, max_value, threshold};
  Floats y = new_array(shape_of(x));
  float* to = y.mutable_data();
  const float* from = x.data();
  const auto forward = active_kernels().activation.forward;
  for_ranges(x.size(), [&](int64_t begin, int64_t n) { forward(to + begin, from + begin, n, f); });
  return y;
}

Floats activation_backward(const std::string& name, const Floats& x, const Floats& dy, float alpha, float max_value,
                           float threshold) {
  const Activation f{activation_kind(name), alpha, max_value, threshold};
  require_shape(dy, shape_of(x), "dy");
  Floats dx = new_array(shape_of(x));
  float* to = dx.mutable_data();
  const float *from = x.data(), *gradient = dy.data();
  const ActivationKernels& k = active_kernels().activation;
  for_ranges(x.size(), [&](int64_t begin, int64_t n) {
    if (derivative_from_output(f)) {
      float y[1024];
      for (int64_t i = begin; i < begin + n; i += 1024) {
        const int64_t count = std::min<int64_t>(1024, begin + n - i);
        k.forward(y, from + i, count, f);
        k.backward(to + i, nullptr, y, gradient + i, count, f);
      }
    } else {
      k.backward(to + begin, from + begin, nullptr, gradient + begin, n, f);
    }
  });
  return dx;
}

Floats maxout_forward(const Floats& x, int64_t pieces) {
  const int64_t channels = columns_of(x, "x");
  require(pieces >= 1 && channels % pieces == 0, "pieces must divide the " + std::to_string(channels) +
                                                     " channels of x, but is " + std::to_string(pieces));
  std::vector<int64_t> shape = shape_of(x);
  const int64_t units = shape.back() = channels / pieces;
  Floats y = new_array(shape);
  float* to = y.mutable_data();
  const float* from = x.data();
  const auto forward = active_kernels().elementwise.maxout_forward;
  for_rows(x.size() / channels, channels, [&](int64_t begin, int64_t rows) {
    forward(to + begin * units, from + begin * channels, rows, units, pieces);
  });
  return y;
}

Floats maxout_backward(const Floats& x, const Floats& dy, int64_t pieces) {
  const int64_t channels = columns_of(x, "x");
  require(pieces >= 1 && channels % pieces == 0, "pieces must divide the " + std::to_string(channels) +
                                                     " channels of x, but is " + std::to_string(pieces));
  std::vector<int64_t> shape = shape_of(x);
  const int64_t units = shape.back() = channels / pieces;
  require_shape(dy, shape, "dy");
  Floats dx = new_array(shape_of(x));
  float* to = dx.mutable_data();
  const float *from = x.data(), *gradient = dy.data();
  const auto backward = active_kernels().elementwise.maxout_backward;
  for_rows(x.size() / channels, channels, [&](int64_t begin, int64_t rows) {
    backward(to + begin * channels, from + begin * channels, gradient + begin * units, rows, units, pieces);
  });
  return dx;
}

using RowForward = void (*)(float*, const float*, int64_t, int64_t);
using RowBackward = void (*)(float*, const float*, const float*, int64_t, int64_t);

Floats rows_forward(const Floats& x, RowForward forward) {
  const int64_t columns = columns_of(x, "x");
  Floats y = new_array(shape_of(x));
  float* to = y.mutable_data();
  const float* from = x.data();
  for_rows(x.size() / columns, columns, [&](int64_t begin, int64_t rows) {
    forward(to + begin * columns, from + begin * columns, rows, columns);
  });
  return y;
}

Floats rows_backward(const Floats& y, const Floats& dy, RowBackward backward) {
  const int64_t columns = columns_of(y, "y");
  require_shape(dy, shape_of(y), "dy");
  Floats dx = new_array(shape_of(y));
  float* to = dx.mutable_data();
  const float *from = y.data(), *gradient = dy.data();
  for_rows(y.size() / columns, columns, [&](int64_t begin, int64_t rows) {
    backward(to + begin * columns, from + begin * columns, gradient + begin * columns, rows, columns);
  });
  return dx;
}

py::tuple loss_forward_backward(const std::string& name, const Floats& x, const py::object& labels,
                                const py::object& targets, bool from_logits) {
  require_rank(x, 2, "x");
  const LossKind kind = loss_kind(name);
  const bool categorical =
      kind == LossKind::kSparseCategoricalCrossentropy || kind == LossKind::kCategoricalCrossentropy;
  const int64_t rows = x.shape(0), columns = columns_of(x, "x");
  require(labels.is_none() != targets.is_none(), "just one of labels and targets must be given");
  require(targets.is_none() == (kind == LossKind::kSparseCategoricalCrossentropy),
          "sparse_categorical_crossentropy takes labels, every other loss targets");
  Labels label_array;
  Floats target_array;
  if (!labels.is_none()) {
    label_array = Labels::ensure(labels);
    if (!label_array) throw py::error_already_set();
    require_shape(label_array, {rows}, "labels");
    for (int64_t r = 0; r < rows; ++r)
      require(label_array.data()[r] >= 0 && label_array.data()[r] < columns,
              "label " + std::to_string(label_array.data()[r]) + " is outside the " + std::to_string(columns) + " classes");
  } else {
    target_array = Floats::ensure(targets);
    if (!target_array) throw py::error_already_set();
    require_shape(target_array, {rows, columns}, "targets");
  }
  Floats loss = new_array({rows}), dx = new_array({rows, columns});
  const SoftmaxKernels& k = active_kernels().softmax;
  LossArguments a{loss.mutable_data(), dx.mutable_data(), x.data(), labels.is_none() ? nullptr : label_array.data(),
                  targets.is_none() ? nullptr : target_array.data(), nullptr, 1.0f, rows, columns};
  py::gil_scoped_release release;
  if (categorical) (from_logits ? k.cross_entropy_logits : k.cross_entropy_probabilities)(a);
  else if (kind == LossKind::kBinaryCrossentropy)
    (from_logits ? k.binary_cross_entropy_logits : k.binary_cross_entropy_probabilities)(a);
  else k.mean_squared_error(a);
  py::gil_scoped_acquire acquire;
  return py::make_tuple(loss, dx);
}

// --- batch normalization -----------------------------------------------------------------------------------------

struct Channels {
  Floats array;
  const float* data = nullptr;
};

Channels channels(const py::object& o, int64_t c, const char* name) {
  if (o.is_none()) return {};
  Channels result{Floats::ensure(o)};
  if (!result.array) throw py::error_already_set();
  require_shape(result.array, {c}, name);
  result.data = result.array.data();
  return result;
}

void scale_rows(float* y, const float* x, const float* mean, const float* variance, const float* gamma,
                const float* beta, float epsilon, int64_t rows, int64_t c) {
  std::vector<float> scale(static_cast<size_t>(c)), shift(static_cast<size_t>(c));
  for (int64_t i = 0; i < c; ++i) {
    const size_t k = static_cast<size_t>(i);
    scale[k] = (gamma ? gamma[i] : 1.0f) / std::sqrt(variance[i] + epsilon);
    shift[k] = (beta ? beta[i] : 0.0f) - mean[i] * scale[k];
  }
  const auto apply = active_kernels().batch_norm.apply;
  for_rows(rows, c, [&](int64_t begin, int64_t n) { apply(y + begin * c, x + begin * c, scale.data(), shift.data(), n, c); });
}

py::tuple batch_norm_forward(const Floats& x, const py::object& gamma, const py::object& beta, float epsilon) {
  const int64_t c = columns_of(x, "x"), rows = x.size() / c;
  require(rows > 0, "batch normalization needs at least one sample");
  const Channels g = channels(gamma, c, "gamma"), b = channels(beta, c, "beta");
  Floats y = new_array(shape_of(x)), mean = new_array({c}), variance = new_array({c});
  float* v = variance.mutable_data();
  active_kernels().batch_norm.moments(mean.mutable_data(), v, x.data(), rows, c);
  for (int64_t i = 0; i < c; ++i) v[i] /= static_cast<float>(rows);
  scale_rows(y.mutable_data(), x.data(), mean.data(), v, g.data, b.data, epsilon, rows, c);
  return py::make_tuple(y, mean, variance);
}

Floats batch_norm_inference(const Floats& x, const py::object& gamma, const py::object& beta, const Floats& mean,
                            const Floats& variance, float epsilon) {
  const int64_t c = columns_of(x, "x");
  const Channels g = channels(gamma, c, "gamma"), b = channels(beta, c, "beta");
  require_shape(mean, {c}, "mean");
  require_shape(variance, {c}, "variance");
  Floats y = new_array(shape_of(x));
  scale_rows(y.mutable_data(), x.data(), mean.data(), variance.data(), g.data, b.data, epsilon, x.size() / c, c);
  return y;
}

py::tuple batch_norm_backward(const Floats& x, const Floats& dy, const py::object& gamma, const Floats& mean,
                              const Floats& variance, float epsilon) {
  const int64_t c = columns_of(x, "x"), rows = x.size() / c;
  require(rows > 0, "batch normalization needs at least one sample");
  require_shape(dy, shape_of(x), "dy");
  require_shape(mean, {c}, "mean");
  require_shape(variance, {c}, "variance");
  const Channels g = channels(gamma, c, "gamma");
  Floats dx = new_array(shape_of(x)), dgamma = new_array({c}), dbeta = new_array({c});
  std::vector<float> inv_std(static_cast<size_t>(c)), mean_dy(inv_std), mean_dy_x(inv_std);
  for (int64_t i = 0; i < c; ++i) inv_std[static_cast<size_t>(i)] = 1.0f / std::sqrt(variance.data()[i] + epsilon);
  const BatchNormKernels& k = active_kernels().batch_norm;
  k.backward_sums(dbeta.mutable_data(), dgamma.mutable_data(), x.data(), dy.data(), mean.data(), inv_std.data(), rows, c);
  for (int64_t i = 0; i < c; ++i) {
    mean_dy[static_cast<size_t>(i)] = dbeta.data()[i] / static_cast<float>(rows);
    mean_dy_x[static_cast<size_t>(i)] = dgamma.data()[i] / static_cast<float>(rows);
  }
  float* to = dx.mutable_data();
  const float *from = x.data(), *gradient = dy.data(), *m = mean.data();
  for_rows(rows, c, [&](int64_t begin, int64_t n) {
    k.backward_apply(to + begin * c, from + begin * c, gradient + begin * c, m, inv_std.data(), g.data, mean_dy.data(),
                     mean_dy_x.data(), n, c);
  });
  return py::make_tuple(dx, dgamma, dbeta);
}

Floats dropout(const Floats& x, float rate, uint64_t seed) {
  require(rate >= 0 && rate < 1, "rate must lie in [0, 1), but is " + std::to_string(rate));
  Floats y = new_array(shape_of(x));
  float* to = y.mutable_data();
  const float* from = x.data();
  const auto kernel = active_kernels().elementwise.dropout;
  for_ranges(x.size(), [&](int64_t begin, int64_t n) { kernel(to + begin, from + begin, n, rate, seed, begin); });
  return y;
}

}  // namespace

void bind_operations(py::module_& m) {
  using py::arg;
  m.def("conv2d_forward", &conv2d_forward, arg("x"), arg("w"), arg("b").none(true), arg("strides"), arg("padding"),
        arg("pad_value"), arg("dilation"), arg("groups"));
  m.def("conv2d_backward_input", &conv2d_backward_input, arg("dy"), arg("w"), arg("input_shape"), arg("strides"),
        arg("padding"), arg("dilation"), arg("groups"));
  m.def("conv2d_backward_weight", &conv2d_backward_weight, arg("x"), arg("dy"), arg("kernel_size"), arg("strides"),
        arg("padding"), arg("pad_value"), arg("dilation"), arg("groups"));
  m.def("max_pool2d_forward", &max_pool2d_forward, arg("x"), arg("pool_size"), arg("strides"), arg("padding"));
  m.def("max_pool2d_backward", &max_pool2d_backward, arg("x"), arg("dy"), arg("pool_size"), arg("strides"), arg("padding"));
  m.def("average_pool2d_forward", &average_pool2d_forward, arg("x"), arg("pool_size"), arg("strides"), arg("padding"),
        arg("count_padding"));
  m.def("average_pool2d_backward", &average_pool2d_backward, arg("dy"), arg("input_shape"), arg("pool_size"),
        arg("strides"), arg("padding"), arg("count_padding"));
  m.def("pad2d_forward", &pad2d_forward, arg("x"), arg("padding"), arg("mode"), arg("value"));
  m.def("pad2d_backward", &pad2d_backward, arg("dy"), arg("padding"), arg("mode"));
  m.def("matmul", &matmul, arg("a"), arg("b"));
  m.def("dense_forward", &dense_forward, arg("x"), arg("w"), arg("b").none(true));
  m.def("dense_backward_input", &dense_backward_input, arg("dy"), arg("w"));
  m.def("dense_backward_weight", &dense_backward_weight, arg("x"), arg("dy"));
  m.def("bias_gradient", &bias_gradient, arg("dy"));
  m.def("activation_forward", &activation_forward, arg("name"), arg("x"), arg("alpha") = 0.0f,
        arg("max_value") = kInfinity, arg("threshold") = 0.0f);
  m.def("activation_backward", &activation_backward, arg("name"), arg("x"), arg("dy"), arg("alpha") = 0.0f,
        arg("max_value") = kInfinity, arg("threshold") = 0.0f);
  m.def("maxout_forward", &maxout_forward, arg("x"), arg("pieces"));
  m.def("maxout_backward", &maxout_backward, arg("x"), arg("dy"), arg("pieces"));
  m.def("softmax_forward", [](const Floats& x) { return rows_forward(x, active_kernels().softmax.forward); }, arg("x"));
  m.def("softmax_backward",
        [](const Floats& y, const Floats& dy) { return rows_backward(y, dy, active_kernels().softmax.backward); },
        arg("y"), arg("dy"));
  m.def("log_softmax_forward", [](const Floats& x) { return rows_forward(x, active_kernels().softmax.log_forward); },
        arg("x"));
  m.def("log_softmax_backward",
        [](const Floats& y, const Floats& dy) { return rows_backward(y, dy, active_kernels().softmax.log_backward); },
        arg("y"), arg("dy"));
  m.def("loss_forward_backward", &loss_forward_backward, arg("name"), arg("x"), arg("labels").none(true),
        arg("targets").none(true), arg("from_logits"));
  m.def("batch_norm_forward", &batch_norm_forward, arg("x"), arg("gamma").none(true), arg("beta").none(true), arg("epsilon"));
  m.def("batch_norm_inference", &batch_norm_inference, arg("x"), arg("gamma").none(true), arg("beta").none(true),
        arg("mean"), arg("variance"), arg("epsilon"));
  m.def("batch_norm_backward", &batch_norm_backward, arg("x"), arg("dy"), arg("gamma").none(true), arg("mean"),
        arg("variance"), arg("epsilon"));
  m.def("dropout", &dropout, arg("x"), arg("rate"), arg("seed"));
}

}  // namespace pycnn::bindings
