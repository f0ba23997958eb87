// Batch normalization.
#include <cmath>
#include "bindings/bindings.h"
#include "bindings/sharing.h"

namespace pycnn::bindings {
namespace {

struct Channels {
  Floats array;
  const float* data = nullptr;
};

Channels channels(const py::object& o, int64_t c, const char* name) {
  if (o.is_none()) return {};
  Channels result{as<Floats>(o, name)};
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
  const ScaleShift f{scale.data(), shift.data(), -kInfinity};
  for_rows(rows, c, [&](int64_t begin, int64_t n) { apply(y + begin * c, x + begin * c, f, n, c); });
}

py::tuple batch_norm_forward(const Floats& x, const py::object& gamma, const py::object& beta, float epsilon) {
  const int64_t c = columns_of(x, "x"), rows = x.size() / c;
  require(rows > 0, "batch normalization needs at least one sample");
  const Channels g = channels(gamma, c, "gamma"), b = channels(beta, c, "beta");
  Floats y = new_array(shape_of(x)), mean = new_array({c}), variance = new_array({c});
  float* v = variance.mutable_data();
  active_kernels().batch_norm.moments(mean.mutable_data(), v, x.data(), nullptr, rows, c);
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
  const Channels scale = channels(gamma, c, "gamma");
  Floats dx = new_array(shape_of(x)), dgamma = new_array({c}), dbeta = new_array({c});
  std::vector<float> inv_std(static_cast<size_t>(c)), mean_dy(inv_std), mean_dy_x(inv_std);
  for (int64_t i = 0; i < c; ++i) inv_std[static_cast<size_t>(i)] = 1.0f / std::sqrt(variance.data()[i] + epsilon);
  const BatchNormKernels& k = active_kernels().batch_norm;
  const BatchNormGradient g{mean.data(),    inv_std.data(),   scale.data,
                            mean_dy.data(), mean_dy_x.data(), {nullptr, nullptr, -kInfinity}};
  k.backward_sums(dbeta.mutable_data(), dgamma.mutable_data(), x.data(), dy.data(), nullptr, g, rows, c);
  for (int64_t i = 0; i < c; ++i) {
    mean_dy[static_cast<size_t>(i)] = dbeta.data()[i] / static_cast<float>(rows);
    mean_dy_x[static_cast<size_t>(i)] = dgamma.data()[i] / static_cast<float>(rows);
  }
  float* to = dx.mutable_data();
  const float *from = x.data(), *gradient = dy.data();
  for_rows(rows, c, [&](int64_t begin, int64_t n) {
    k.backward_apply(to + begin * c, from + begin * c, gradient + begin * c, g, n, c);
  });
  return py::make_tuple(dx, dgamma, dbeta);
}

}  // namespace

void bind_batch_norm(py::module_& m) {
  using py::arg;
  m.def("batch_norm_forward", &batch_norm_forward, arg("x"), arg("gamma").none(true), arg("beta").none(true),
        arg("epsilon"));
  m.def("batch_norm_inference", &batch_norm_inference, arg("x"), arg("gamma").none(true), arg("beta").none(true),
        arg("mean"), arg("variance"), arg("epsilon"));
  m.def("batch_norm_backward", &batch_norm_backward, arg("x"), arg("dy"), arg("gamma").none(true), arg("mean"),
        arg("variance"), arg("epsilon"));
}

}  // namespace pycnn::bindings
