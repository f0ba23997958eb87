// Activations, softmax, losses and dropout.
#include "bindings/bindings.h"
#include "bindings/gil.h"
#include "bindings/names.h"
#include "bindings/sharing.h"

namespace pycnn::bindings {
namespace {

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
  require(pieces >= 1 && channels % pieces == 0,
          "pieces must divide the " + std::to_string(channels) + " channels of x, but is " + std::to_string(pieces));
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
  require(pieces >= 1 && channels % pieces == 0,
          "pieces must divide the " + std::to_string(channels) + " channels of x, but is " + std::to_string(pieces));
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
  for_rows(x.size() / columns, columns,
           [&](int64_t begin, int64_t rows) { forward(to + begin * columns, from + begin * columns, rows, columns); });
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
    label_array = as<Labels>(labels, "labels");
    require_shape(label_array, {rows}, "labels");
    for (int64_t r = 0; r < rows; ++r)
      require(
          label_array.data()[r] >= 0 && label_array.data()[r] < columns,
          "label " + std::to_string(label_array.data()[r]) + " is outside the " + std::to_string(columns) + " classes");
  } else {
    target_array = as<Floats>(targets, "targets");
    require_shape(target_array, {rows, columns}, "targets");
  }
  Floats loss = new_array({rows}), dx = new_array({rows, columns});
  const SoftmaxKernels& k = active_kernels().softmax;
  LossArguments a{loss.mutable_data(),
                  dx.mutable_data(),
                  x.data(),
                  labels.is_none() ? nullptr : label_array.data(),
                  targets.is_none() ? nullptr : target_array.data(),
                  nullptr,
                  1.0f,
                  rows,
                  columns};
  {
    const GilReleased released;
    if (categorical) (from_logits ? k.cross_entropy_logits : k.cross_entropy_probabilities)(a);
    else if (kind == LossKind::kBinaryCrossentropy)
      (from_logits ? k.binary_cross_entropy_logits : k.binary_cross_entropy_probabilities)(a);
    else k.mean_squared_error(a);
  }
  return py::make_tuple(loss, dx);
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

void bind_elementwise(py::module_& m) {
  using py::arg;
  m.def("activation_forward", &activation_forward, arg("name"), arg("x"), arg("alpha") = 0.0f,
        arg("max_value") = kInfinity, arg("threshold") = 0.0f);
  m.def("activation_backward", &activation_backward, arg("name"), arg("x"), arg("dy"), arg("alpha") = 0.0f,
        arg("max_value") = kInfinity, arg("threshold") = 0.0f);
  m.def("maxout_forward", &maxout_forward, arg("x"), arg("pieces"));
  m.def("maxout_backward", &maxout_backward, arg("x"), arg("dy"), arg("pieces"));
  m.def(
      "softmax_forward", [](const Floats& x) { return rows_forward(x, active_kernels().softmax.forward); }, arg("x"));
  m.def(
      "softmax_backward",
      [](const Floats& y, const Floats& dy) { return rows_backward(y, dy, active_kernels().softmax.backward); },
      arg("y"), arg("dy"));
  m.def(
      "log_softmax_forward", [](const Floats& x) { return rows_forward(x, active_kernels().softmax.log_forward); },
      arg("x"));
  m.def(
      "log_softmax_backward",
      [](const Floats& y, const Floats& dy) { return rows_backward(y, dy, active_kernels().softmax.log_backward); },
      arg("y"), arg("dy"));
  m.def("loss_forward_backward", &loss_forward_backward, arg("name"), arg("x"), arg("labels").none(true),
        arg("targets").none(true), arg("from_logits"));
  m.def("dropout", &dropout, arg("x"), arg("rate"), arg("seed"));
}

}  // namespace pycnn::bindings
