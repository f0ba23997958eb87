// Matrix products and dense layers.
#include "bindings/bindings.h"
#include "bindings/names.h"
#include "bindings/sharing.h"

namespace pycnn::bindings {
namespace {

// y (rows, columns) = x (rows, depth) @ b + bias, b (depth, columns) or, transposed, (columns, depth).
void product(float* y, const float* x, const float* b, const float* bias, int64_t rows, int64_t depth, int64_t columns,
             bool transposed, const std::string& precision) {
  const KernelTable& k = active_kernels();
  const GemmKernels& gemm = precision_of(precision) == Precision::kBfloat16 ? k.bf16.gemm : k.gemm;
  const int64_t panel = 2 * k.lanes, panels = (columns + panel - 1) / panel;
  AlignedFloats packed(gemm.packed_floats(depth, columns));
  constexpr int64_t kRows = 64;
  for_each(panels, 0, [&](int64_t q, float*) {
    if (transposed) gemm.pack_transposed(packed.data(), b, depth, depth, columns, q, q + 1);
    else gemm.pack(packed.data(), b, columns, depth, columns, q, q + 1);
  });
  for_each((rows + kRows - 1) / kRows, 0, [&](int64_t i, float*) {
    gemm.multiply(y + i * kRows * columns, columns, x + i * kRows * depth, depth, packed.data(), bias,
                  std::min(kRows, rows - i * kRows), depth, columns, 0, panels, -kInfinity);
  });
}

Floats dense_forward(const Floats& x, const Floats& w, const py::object& b, const std::string& precision) {
  require_rank(w, 2, "w");
  const int64_t depth = columns_of(x, "x");
  require(w.shape(0) == depth,
          "w of shape " + text_of(shape_of(w)) + " does not fit the last axis of x, " + std::to_string(depth));
  columns_of(w, "w");
  Floats bias;
  if (!b.is_none()) {
    bias = as<Floats>(b, "b");
    require_shape(bias, {w.shape(1)}, "b");
  }
  std::vector<int64_t> shape = shape_of(x);
  shape.back() = w.shape(1);
  Floats y = new_array(shape);
  product(y.mutable_data(), x.data(), w.data(), b.is_none() ? nullptr : bias.data(), x.size() / depth, depth,
          w.shape(1), false, precision);
  return y;
}

Floats matmul(const Floats& a, const Floats& b) {
  require_rank(a, 2, "a");
  return dense_forward(a, b, py::none(), "float32");
}

Floats dense_backward_input(const Floats& dy, const Floats& w, const std::string& precision) {
  require_rank(w, 2, "w");
  const int64_t units = columns_of(dy, "dy");
  require(w.shape(1) == units,
          "w of shape " + text_of(shape_of(w)) + " does not fit the last axis of dy, " + std::to_string(units));
  std::vector<int64_t> shape = shape_of(dy);
  shape.back() = w.shape(0);
  Floats dx = new_array(shape);
  product(dx.mutable_data(), dy.data(), w.data(), nullptr, dy.size() / units, units, w.shape(0), true, precision);
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

}  // namespace

void bind_dense(py::module_& m) {
  using py::arg;
  m.def("matmul", &matmul, arg("a"), arg("b"));
  m.def("dense_forward", &dense_forward, arg("x"), arg("w"), arg("b").none(true), arg("precision") = "float32");
  m.def("dense_backward_input", &dense_backward_input, arg("dy"), arg("w"), arg("precision") = "float32");
  m.def("dense_backward_weight", &dense_backward_weight, arg("x"), arg("dy"));
  m.def("bias_gradient", &bias_gradient, arg("dy"));
}

}  // namespace pycnn::bindings
