#include <functional>

#include "tests/per_isa/math_functions.h"
#include "tests/ulp.h"

namespace pycnn::testing {
namespace {

MathFunctions math_functions_of([[maybe_unused]] const KernelTable& kernels) {
#if defined(PYCNN_AVX512)
  if (std::string(kernels.isa) == "avx512") return avx512::math_functions();
#endif
#if defined(__x86_64__)
  if (std::string(kernels.isa) == "avx2") return avx2::math_functions();
#endif
  return baseline::math_functions();
}

constexpr double kLargestUlp = 4.0;

// The largest error over all float32 inputs, taken in steps. Results below the smallest normal number may be 0.
void check_ulp(const char* name, MathFunctions::Function function, const std::function<double(double)>& exact) {
  Floats y;
  double worst = 0.0;
  float worst_x = 0.0f;
  for_float_batches([&](const Floats& x) {
    y.resize(x.size());
    function(y.data(), x.data(), static_cast<int64_t>(x.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = exact(x[i]);
      if (std::abs(want) < __FLT_MIN__ && y[i] == 0.0f) continue;
      const double error = ulp_error(y[i], want);
      if (error > worst) worst = error, worst_x = x[i];
    }
  });
  CHECK_NEAR(worst, 0.0, kLargestUlp, name, " at ", worst_x);
}

double exact_sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double exact_softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double nearest(double x) { return std::nearbyint(x); }

}  // namespace

TEST(math_is_accurate) {
  const MathFunctions f = math_functions_of(kernels);
  check_ulp("exp", f.exp, [](double x) { return std::exp(x); });
  check_ulp("expm1_negative", f.expm1_negative, [](double x) { return std::expm1(x > 0.0 ? 0.0 : x); });
  check_ulp("expm1", f.expm1, [](double x) { return std::expm1(x); });
  check_ulp("log", f.log, [](double x) { return std::log(x); });
  check_ulp("log1p", f.log1p, [](double x) { return std::log1p(x); });
  check_ulp("sigmoid", f.sigmoid, exact_sigmoid);
  check_ulp("softplus", f.softplus, [](double x) { return std::isnan(x) ? x : exact_softplus(x); });
  check_ulp("tanh", f.tanh, [](double x) { return std::tanh(x); });
  check_ulp("erf", f.erf, [](double x) { return std::erf(x); });
}

TEST(math_of_integers_is_exact) {
  const MathFunctions f = math_functions_of(kernels);
  const auto check = [](MathFunctions::Function function, double (*exact)(double)) {
    Floats y;
    for_float_batches([&](const Floats& x) {
      y.resize(x.size());
      function(y.data(), x.data(), static_cast<int64_t>(x.size()));
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK_EQUAL(y[i], exact(x[i]), x[i]);
        if (!std::isnan(x[i])) CHECK(std::signbit(y[i]) == std::signbit(exact(x[i])));
      }
    });
    const Floats halves = {-2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f, 8388607.5f, -8388607.5f, 8388608.0f, kInf, -kInf};
    y.resize(halves.size());
    function(y.data(), halves.data(), static_cast<int64_t>(halves.size()));
    for (size_t i = 0; i < halves.size(); ++i) CHECK_EQUAL(y[i], exact(halves[i]), halves[i]);
  };
  check(f.floor, std::floor);
  check(f.ceil, std::ceil);
  check(f.round_to_integer, nearest);
}

TEST(math_at_special_values) {
  const MathFunctions f = math_functions_of(kernels);
  const auto at = [](MathFunctions::Function function, float x) {
    float y;
    function(&y, &x, 1);
    return y;
  };
  const Floats x = {0.0f, -0.0f, kInf, -kInf, kNan, -kNan, 1e-45f, __FLT_MIN__, __FLT_MAX__, -__FLT_MAX__, 1.0f, -1.0f};
  for (const float v : x) {
    CHECK_NEAR(ulp_error(at(f.exp, v), std::exp(double(v))), 0.0, kLargestUlp, "exp at ", v);
    CHECK_NEAR(ulp_error(at(f.expm1, v), std::expm1(double(v))), 0.0, kLargestUlp, "expm1 at ", v);
    CHECK_NEAR(ulp_error(at(f.log, v), std::log(double(v))), 0.0, kLargestUlp, "log at ", v);
    CHECK_NEAR(ulp_error(at(f.log1p, v), std::log1p(double(v))), 0.0, kLargestUlp, "log1p at ", v);
    CHECK_NEAR(ulp_error(at(f.sigmoid, v), exact_sigmoid(v)), 0.0, kLargestUlp, "sigmoid at ", v);
    CHECK_NEAR(ulp_error(at(f.tanh, v), std::tanh(double(v))), 0.0, kLargestUlp, "tanh at ", v);
    CHECK_NEAR(ulp_error(at(f.erf, v), std::erf(double(v))), 0.0, kLargestUlp, "erf at ", v);
  }
  CHECK_EQUAL(at(f.exp, -88.0f), std::exp(-88.0f), "a denormal result");
  CHECK(std::signbit(at(f.tanh, -0.0f)) && std::signbit(at(f.erf, -0.0f)));
}

}  // namespace pycnn::testing
