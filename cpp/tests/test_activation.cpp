#include <functional>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

struct Case {
  const char* name;
  Activation f;
  std::function<double(double)> exact;
  float at_minus_infinity, at_infinity;
};

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double hard_sigmoid(double x) { return std::min(std::max(x / 6.0 + 0.5, 0.0), 1.0); }
double elu(double x, double alpha) { return x > 0.0 ? x : alpha * std::expm1(x); }
double gelu_tanh(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / 3.14159265358979324) * (x + 0.044715 * x * x * x)));
}
double relu(double x, const Activation& f) {
  if (x >= f.max_value) return f.max_value;
  return x > f.threshold ? x : f.alpha * (x - f.threshold);
}

Case relu_case(const char* name, float alpha, float max_value, float threshold) {
  const Activation f{ActivationKind::kRelu, alpha, max_value, threshold};
  return {name, f, [=](double x) { return relu(x, f); }, alpha == 0.0f ? 0.0f : -alpha * kInf, max_value};
}

const double kScale = 1.05070098735548049342, kAlpha = 1.67326324235437728481;

std::vector<Case> all_cases() {
  typedef ActivationKind K;
  return {
      {"linear", {K::kLinear}, [](double x) { return x; }, -kInf, kInf},
      relu_case("relu", 0.0f, kInf, 0.0f),
      relu_case("relu6", 0.0f, 6.0f, 0.0f),
      relu_case("relu with a slope", 0.1f, 2.0f, 0.0f),
      relu_case("relu with a threshold", 0.25f, kInf, 1.0f),
      relu_case("relu with a negative threshold", 0.0f, 2.0f, -1.0f),
      relu_case("relu with a negative slope", -0.5f, kInf, 0.0f),
      {"leaky_relu", {K::kLeakyRelu, 0.3f}, [](double x) { return x > 0 ? x : 0.3f * x; }, -kInf, kInf},
      {"leaky_relu negative", {K::kLeakyRelu, -0.3f}, [](double x) { return x > 0 ? x : -0.3f * x; }, kInf, kInf},
      {"elu", {K::kElu, 1.5f}, [](double x) { return elu(x, 1.5); }, -1.5f, kInf},
      {"elu negative", {K::kElu, -0.5f}, [](double x) { return elu(x, -0.5); }, 0.5f, kInf},
      {"selu", {K::kSelu}, [](double x) { return kScale * elu(x, kAlpha); }, float(-kScale * kAlpha), kInf},
      {"gelu", {K::kGelu}, [](double x) { return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0))); }, 0.0f, kInf},
      {"gelu_tanh", {K::kGeluTanh}, gelu_tanh, 0.0f, kInf},
      {"silu", {K::kSilu}, [](double x) { return x * sigmoid(x); }, 0.0f, kInf},
      {"sigmoid", {K::kSigmoid}, sigmoid, 0.0f, 1.0f},
      {"tanh", {K::kTanh}, [](double x) { return std::tanh(x); }, -1.0f, 1.0f},
      {"softplus", {K::kSoftplus}, softplus, 0.0f, kInf},
      {"softsign", {K::kSoftsign}, [](double x) { return x / (1.0 + std::abs(x)); }, -1.0f, 1.0f},
      {"hard_sigmoid", {K::kHardSigmoid}, hard_sigmoid, 0.0f, 1.0f},
      {"hard_silu", {K::kHardSilu}, [](double x) { return x * hard_sigmoid(x); }, 0.0f, kInf},
      {"mish", {K::kMish}, [](double x) { return x * std::tanh(softplus(x)); }, 0.0f, kInf},
      {"exponential", {K::kExponential}, [](double x) { return std::exp(x); }, 0.0f, kInf},
  };
}

}  // namespace

TEST(activation_forward) {
  for (const Case& c : all_cases()) {
    for (const int64_t n : kSizes) {
      const Floats x = random_floats(n, 1, -9.0f, 9.0f);
      Guarded y(n), in_place(x);
      kernels.activation.forward(y.data(), x.data(), n, c.f);
      kernels.activation.forward(in_place.data(), in_place.data(), n, c.f);
      CHECK(y.intact() && in_place.intact());
      for (int64_t i = 0; i < n; ++i) {
        const double want = c.exact(x[i]);
        // Sums such as 1 + erf(x) round at the size of their terms.
        const double tolerance = 4.0 * kEps * std::max(std::abs(want), std::min(1.0, std::abs(double(x[i]))));
        CHECK_NEAR(y[i], want, tolerance, c.name, " at ", x[i]);
        CHECK_EQUAL(in_place[i], y[i], c.name, " in place");
      }
    }
  }
}

TEST(activation_backward_is_the_slope_of_forward) {
  const double h = 1e-5;
  for (const Case& c : all_cases()) {
    for (const int64_t n : kSizes) {
      const Floats x = random_floats(n, 2, -9.0f, 9.0f), dy = random_floats(n, 3);
      Floats y(n);
      kernels.activation.forward(y.data(), x.data(), n, c.f);
      Guarded dx(n), in_place(dy);
      const bool from_output = derivative_from_output(c.f);
      const float* only_x = from_output ? nullptr : x.data();
      const float* only_y = from_output ? y.data() : nullptr;
      kernels.activation.backward(dx.data(), only_x, only_y, dy.data(), n, c.f);
      kernels.activation.backward(in_place.data(), only_x, only_y, in_place.data(), n, c.f);
      CHECK(dx.intact() && in_place.intact());
      for (int64_t i = 0; i < n; ++i) {
        const double slope = (c.exact(x[i] + h) - c.exact(x[i] - h)) / (2.0 * h);
        const double tolerance = (16.0 * kEps + 4.0 * h * h) * std::max(std::abs(slope), 1.0) * std::abs(dy[i]);
        CHECK_NEAR(dx[i], dy[i] * slope, tolerance, c.name, " at ", x[i]);
        CHECK_EQUAL(in_place[i], dx[i], c.name, " in place");
      }
    }
  }
}

TEST(activation_of_rows) {
  constexpr int64_t kRows = 3, kStride = 37;
  for (const Case& c : all_cases())
    for (const int64_t columns : {1, 7, 16, 17, 33}) {
      const Floats x = random_floats(kRows * kStride, 1, -3, 3);
      Floats y = x, expected = x;
      kernels.activation.forward_rows(y.data(), kRows, kStride, columns, c.f);
      for (int64_t row = 0; row < kRows; ++row) {
        float* part = expected.data() + row * kStride;
        kernels.activation.forward(part, part, columns, c.f);
      }
      CHECK(same_bits(y, expected));
    }
}

TEST(activation_limits) {
  for (const Case& c : all_cases()) {
    const Floats x = {kNan, -kInf, kInf, -1e30f, 1e30f};
    const int64_t n = static_cast<int64_t>(x.size());
    const Floats dy(n, 1.0f);
    Floats y(n), dx(n);
    kernels.activation.forward(y.data(), x.data(), n, c.f);
    CHECK(std::isnan(y[0]));
    CHECK_NEAR(y[1], c.at_minus_infinity, kEps * 2.0, c.name);
    CHECK_NEAR(y[2], c.at_infinity, kEps, c.name);
    CHECK(!std::isnan(y[3]) && !std::isnan(y[4]));
    kernels.activation.backward(dx.data(), x.data(), y.data(), dy.data(), n, c.f);
    for (int64_t i = 1; i < n; ++i) CHECK(!std::isnan(dx[i]));
  }
}

TEST(relu_is_flat_at_zero) {
  const Activation f{ActivationKind::kRelu};
  const float zero = 0.0f, dy = 1.0f;
  float dx;
  kernels.activation.backward(&dx, nullptr, &zero, &dy, 1, f);
  CHECK_EQUAL(dx, 0.0, "relu");
}

}  // namespace pycnn::testing
