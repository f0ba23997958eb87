#include "tests/map_case.h"
#include "tests/ulp.h"

namespace pycnn::testing {
namespace {

constexpr double kLargestUlp = 4.0;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double python_mod(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0.0) return std::copysign(0.0, b);
  return (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}

double python_floor_divide(double a, double b) {
  if (b == 0.0) return a / b;
  if (std::isnan(std::fmod(a, b))) return kNan;
  return std::isinf(b) ? -double(a != 0.0 && (a < 0.0) != (b < 0.0)) : std::floor(a / b);
}

struct OpCase {
  const char* name;
  MapOp kind;
  int arity;
  float low, high;      // of the first operand
  float low_b, high_b;  // of the second one
  Exact exact;
  bool has_gradient = true;
};

typedef const std::vector<double>& Values;

std::vector<OpCase> op_cases() {
  typedef MapOp M;
  const auto unary = [](const char* name, MapOp kind, float low, float high, double (*f)(double),
                        bool has_gradient = true) {
    return OpCase{name, kind, 1, low, high, 0, 1, [f](Values x) { return f(x[0]); }, has_gradient};
  };
  const auto binary = [](const char* name, MapOp kind, double (*f)(double, double), bool has_gradient = true,
                         float low = -3.0f, float low_b = -3.0f) {
    return OpCase{name, kind, 2, low, 3, low_b, 3, [f](Values x) { return f(x[0], x[1]); }, has_gradient};
  };
  return {
      binary("add", M::kAdd, [](double a, double b) { return a + b; }),
      binary("subtract", M::kSubtract, [](double a, double b) { return a - b; }),
      binary("multiply", M::kMultiply, [](double a, double b) { return a * b; }),
      binary(
          "divide", M::kDivide, [](double a, double b) { return a / b; }, true, -3.0f, 0.5f),
      binary("maximum", M::kMaximum, [](double a, double b) { return std::max(a, b); }),
      binary("minimum", M::kMinimum, [](double a, double b) { return std::min(a, b); }),
      binary(
          "power", M::kPower, [](double a, double b) { return std::pow(a, b); }, true, 0.25f),
      binary("floor_divide", M::kFloorDivide, python_floor_divide, false),
      binary("mod", M::kMod, python_mod, true, -3.0f, 1.0f),
      binary(
          "equal", M::kEqual, [](double a, double b) { return double(a == b); }, false),
      binary(
          "not_equal", M::kNotEqual, [](double a, double b) { return double(a != b); }, false),
      binary(
          "less", M::kLess, [](double a, double b) { return double(a < b); }, false),
      binary(
          "less_equal", M::kLessEqual, [](double a, double b) { return double(a <= b); }, false),
      binary(
          "and", M::kLogicalAnd, [](double a, double b) { return double(a != 0.0 && b != 0.0); }, false),
      binary(
          "or", M::kLogicalOr, [](double a, double b) { return double(a != 0.0 || b != 0.0); }, false),
      {"where", M::kWhere, 3, -1, 1, -3, 3, [](Values x) { return x[0] != 0.0 ? x[1] : x[2]; }, false},
      unary(
          "not", M::kLogicalNot, -1, 1, [](double x) { return double(x == 0.0); }, false),
      unary("negative", M::kNegative, -3, 3, [](double x) { return -x; }),
      unary("abs", M::kAbs, -3, 3, [](double x) { return std::abs(x); }),
      unary(
          "sign", M::kSign, -3, 3, [](double x) { return double(x > 0.0) - double(x < 0.0); }, false),
      unary("exp", M::kExp, -9, 3, [](double x) { return std::exp(x); }),
      unary("expm1", M::kExpm1, -9, 3, [](double x) { return std::expm1(x); }),
      unary("log", M::kLog, 0.25, 9, [](double x) { return std::log(x); }),
      unary("log1p", M::kLog1p, -0.75, 9, [](double x) { return std::log1p(x); }),
      unary("sqrt", M::kSqrt, 0.25, 9, [](double x) { return std::sqrt(x); }),
      unary("rsqrt", M::kRsqrt, 0.25, 9, [](double x) { return 1.0 / std::sqrt(x); }),
      unary("square", M::kSquare, -3, 3, [](double x) { return x * x; }),
      unary("reciprocal", M::kReciprocal, 0.25, 9, [](double x) { return 1.0 / x; }),
      unary("erf", M::kErf, -3, 3, [](double x) { return std::erf(x); }),
      unary("tanh", M::kTanh, -3, 3, [](double x) { return std::tanh(x); }),
      unary("sigmoid", M::kSigmoid, -9, 9, sigmoid),
      unary("sin", M::kSin, -9, 9, [](double x) { return std::sin(x); }),
      unary("cos", M::kCos, -9, 9, [](double x) { return std::cos(x); }),
      unary(
          "floor", M::kFloor, -3, 3, [](double x) { return std::floor(x); }, false),
      unary(
          "ceil", M::kCeil, -3, 3, [](double x) { return std::ceil(x); }, false),
      unary(
          "round", M::kRound, -3, 3, [](double x) { return std::nearbyint(x); }, false),
      unary(
          "is_nan", M::kIsNan, -3, 3, [](double x) { return double(std::isnan(x)); }, false),
      unary(
          "is_finite", M::kIsFinite, -3, 3, [](double x) { return double(std::isfinite(x)); }, false),
  };
}

Case case_of(const KernelTable& kernels, const OpCase& c, int64_t n) {
  std::vector<Operand> operands = {plain(random_floats(n, 1, c.low, c.high))};
  if (c.arity > 1) operands.push_back(plain(random_floats(n, 2, c.low_b, c.high_b)));
  if (c.arity > 2) operands.push_back(plain(random_floats(n, 3)));
  if (!c.has_gradient)
    for (int64_t i = 0; i < n; i += 3) {  // what logic and comparisons tell apart
      operands[0].values[i] = 0.0f;
      if (c.arity == 2 && c.kind != MapOp::kFloorDivide) operands[1].values[i] = 0.0f;
    }
  return Case(kernels, {op(c.kind, 0, 1, 2)}, operands, {n});
}

std::vector<int64_t> sizes() {
  std::vector<int64_t> all = kSizes;
  all.insert(all.end(), {255, 256, 257, 1000});
  return all;
}

float value_of(const KernelTable& kernels, MapOp kind, float a, float b = 0.0f) {
  return Case(kernels, {op(kind, 0, 1)}, {plain({a}), plain({b})}, {1}).forward()[0];
}

// y = f(x) for all x.
Floats map_unary(const KernelTable& kernels, MapOp kind, const Floats& x) {
  return Case(kernels, {op(kind)}, {plain(x)}, {static_cast<int64_t>(x.size())}).forward();
}

// By both operands, dy = 1.
Floats gradients(const KernelTable& kernels, MapOp kind, float a, float b) {
  const auto dx = Case(kernels, {op(kind, 0, 1)}, {plain({a}), plain({b})}, {1}).backward({1.0f});
  return {dx[0][0], dx[1][0]};
}

}  // namespace

TEST(tensor_map_each_operation) {
  for (const OpCase& o : op_cases()) {
    for (const int64_t n : sizes()) {
      const Case c = case_of(kernels, o, n);
      const Floats y = c.forward();
      for (int64_t i = 0; i < n; ++i) {
        CHECK_NEAR(ulp_error(y[i], o.exact(c.values_at(i))), 0.0, kLargestUlp, o.name, " at ", c.values_at(i)[0]);
      }
    }
  }
}

TEST(tensor_map_backward_is_the_slope_of_each_operation) {
  for (const OpCase& o : op_cases()) {
    for (const int64_t n : sizes()) {
      const Case c = case_of(kernels, o, n);
      const Floats dy = random_floats(n, 9);
      const auto dx = c.backward(dy);
      for (int64_t i = 0; i < n; ++i) {
        for (int k = 0; k < o.arity; ++k) {
          if (!o.has_gradient && o.kind != MapOp::kWhere) {
            CHECK_EQUAL(dx[k][i], 0.0, o.name);
            continue;
          }
          // Where a switch is in between there is no slope.
          const std::vector<double> x = c.values_at(i);
          const double want = k == 0 && o.kind == MapOp::kWhere ? 0.0 : dy[i] * slope(o.exact, x, k);
          const double tolerance = 16.0 * kEps * std::max(std::abs(want), std::abs(double(dy[i])));
          if (std::abs(want) < 1e3 * std::abs(dy[i]))
            CHECK_NEAR(dx[k][i], want, tolerance, o.name, " ", k, " at ", x[0]);
        }
      }
    }
  }
}

TEST(tensor_map_only_wanted_gradients) {
  const int64_t n = 300;
  const Case c(kernels, {op(MapOp::kMultiply, 0, 1), op(MapOp::kExp, 3), op(MapOp::kDivide, 4, 2)},
               {plain(random_floats(n, 1)), plain(random_floats(n, 2)), plain(random_floats(n, 3, 1.0f, 2.0f))}, {n});
  const Floats dy = random_floats(n, 4);
  const auto all = c.backward(dy);
  for (int wanted = 0; wanted < 8; ++wanted) {
    const std::vector<bool> mask = {(wanted & 1) != 0, (wanted & 2) != 0, (wanted & 4) != 0};
    const auto some = c.backward(dy, mask);
    for (int k = 0; k < 3; ++k) CHECK(same_bits(some[k], mask[k] ? all[k] : Floats()));
  }
}

TEST(tensor_map_activation) {
  typedef ActivationKind K;
  for (const K kind : {K::kLinear, K::kRelu, K::kElu, K::kGelu, K::kSilu, K::kTanh, K::kMish}) {
    for (const int64_t n : sizes()) {
      const Floats x = random_floats(n, 1), dy = random_floats(n, 2);
      MapInstruction f = op(MapOp::kActivation);
      f.activation.kind = kind;
      f.activation.alpha = kind == K::kElu ? 1.5f : 0.0f;
      Floats y(n), dx(n);
      kernels.activation.forward(y.data(), x.data(), n, f.activation);
      kernels.activation.backward(dx.data(), x.data(), y.data(), dy.data(), n, f.activation);
      const Case c(kernels, {f}, {plain(x)}, {n});
      CHECK(same_bits(c.forward(), y));
      CHECK(c.backward(dy)[0] == dx);

      // A second user of its input.
      const Case twice(kernels, {f, op(MapOp::kAdd, 0, 1)}, {plain(x)}, {n});
      const Floats both = twice.backward(dy)[0];
      for (int64_t i = 0; i < n; ++i) CHECK_NEAR(both[i], double(dx[i]) + dy[i], 16.0 * kEps, n);
    }
  }
}

TEST(tensor_map_stops_gradients) {
  const int64_t n = 5;
  const Floats x = random_floats(n, 1), dy = random_floats(n, 2);
  const Case stopped(kernels, {op(MapOp::kStopGradient)}, {plain(x)}, {n});
  CHECK(same_bits(stopped.forward(), x));
  CHECK(stopped.backward(dy)[0] == Floats(n, 0.0f));
  const Case beside(kernels, {op(MapOp::kStopGradient), op(MapOp::kMultiply, 0, 1)}, {plain(x)}, {n});
  const Floats dx = beside.backward(dy)[0];
  for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(dx[i], dy[i] * x[i], n);
}

TEST(tensor_map_angles_of_any_size) {
  for_float_batches([&](const Floats& x) {
    const Floats sine = map_unary(kernels, MapOp::kSin, x), cosine = map_unary(kernels, MapOp::kCos, x);
    for (size_t i = 0; i < x.size(); ++i) {
      CHECK_NEAR(ulp_error(sine[i], std::sin(double(x[i]))), 0.0, 1.0, "sin at ", x[i]);
      CHECK_NEAR(ulp_error(cosine[i], std::cos(double(x[i]))), 0.0, 1.0, "cos at ", x[i]);
    }
  });
  // The float nearest to a multiple of pi / 2, and the neighbours of where another reduction begins.
  for (const float v : {0x1.47d0fep+34f, 0x1.fffffep19f, 0x1p20f, 0x1.000002p20f, -0x1p20f, __FLT_MAX__, -0.0f}) {
    CHECK_NEAR(ulp_error(value_of(kernels, MapOp::kSin, v), std::sin(double(v))), 0.0, 1.0, "sin at ", v);
    CHECK_NEAR(ulp_error(value_of(kernels, MapOp::kCos, v), std::cos(double(v))), 0.0, 1.0, "cos at ", v);
  }
}

TEST(tensor_map_power_is_that_of_c) {
  const Floats special = {0.0f, -0.0f,  1.0f,  -1.0f,  2.0f,       -2.0f,       0.5f,        -0.5f,
                          1.5f, 3.0f,   -3.0f, 4.0f,   -1.5f,      7.0f,        kInf,        -kInf,
                          kNan, 1e-40f, 1e38f, -1e38f, 0.9999999f, 16777215.0f, 16777216.0f, 1e10f};
  for (const float a : special) {
    for (const float b : special) {
      const double want = std::pow(double(a), double(b));
      const float got = value_of(kernels, MapOp::kPower, a, b);
      CHECK_NEAR(ulp_error(got, want), 0.0, 1.0, a, " ^ ", b);
      if (!std::isnan(want)) CHECK(std::signbit(got) == std::signbit(want));
      const float constant_exponent =
          Case(kernels, {constant(b), op(MapOp::kPower, 0, 1)}, {plain({a})}, {1}).forward()[0];
      CHECK_NEAR(ulp_error(constant_exponent, want), 0.0, kLargestUlp, a, " ^ constant ", b);
    }
  }
  const int64_t n = 20000;
  Floats a = random_floats(n, 1, -40.0f, 40.0f), b = random_floats(n, 2, -4.0f, 4.0f);
  for (float& v : a) v = std::exp2(v);
  const Floats y = Case(kernels, {op(MapOp::kPower, 0, 1)}, {plain(a), plain(b)}, {n}).forward();
  for (int64_t i = 0; i < n; ++i) {
    const double want = std::pow(double(a[i]), double(b[i]));
    CHECK_NEAR(ulp_error(y[i], want), 0.0, 1.0, a[i], " ^ ", b[i]);
  }
}

TEST(tensor_map_power_backward) {
  const auto check = [&](float a, float b, double da, double db) {
    const Floats dx = gradients(kernels, MapOp::kPower, a, b);
    CHECK_NEAR(dx[0], da, 8.0 * kEps * std::abs(da), a, " ^ ", b);
    CHECK_NEAR(dx[1], db, 8.0 * kEps * std::abs(db), a, " ^ ", b);
    const Case by_constant(kernels, {constant(b), op(MapOp::kPower, 0, 1)}, {plain({a})}, {1});
    CHECK_NEAR(by_constant.backward({1.0f})[0][0], da, 8.0 * kEps * std::abs(da), a, " ^ constant ", b);
  };
  check(2.0f, 3.0f, 12.0, 8.0 * std::log(2.0));
  check(-2.0f, 3.0f, 12.0, 0.0);
  check(-2.0f, 2.0f, -4.0, 0.0);
  check(0.0f, 2.0f, 0.0, 0.0);
  check(0.0f, 1.0f, 1.0, 0.0);
  check(0.0f, 0.0f, 0.0, 0.0);
  check(0.0f, 0.5f, kInf, 0.0);
  check(4.0f, 0.0f, 0.0, std::log(4.0));
  check(4.0f, -0.5f, -1.0 / 16.0, 0.5 * std::log(4.0));
  check(4.0f, 2.5f, 20.0, 32.0 * std::log(4.0));
}

TEST(tensor_map_division_of_any_size) {
  const int64_t n = 20000;
  Floats a = random_floats(n, 1, -60.0f, 60.0f), b = random_floats(n, 2, -60.0f, 60.0f);
  for (int64_t i = 0; i < n; ++i) {
    a[i] = std::exp2(a[i]) * (i % 2 ? 1.0f : -1.0f);
    b[i] = std::exp2(b[i]) * (i % 3 ? 1.0f : -1.0f);
  }
  const Floats rest = Case(kernels, {op(MapOp::kMod, 0, 1)}, {plain(a), plain(b)}, {n}).forward();
  for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(rest[i], static_cast<float>(python_mod(a[i], b[i])), a[i], " % ", b[i]);
  const Floats special = {0.0f, 1.0f, -1.0f, 2.5f, -2.5f, kInf, -kInf, kNan, 7.0f, -7.0f, 1e-40f};
  for (const float u : special) {
    for (const float v : special) {
      const double mod =
          std::isinf(v) && std::isfinite(u) ? (u == 0.0f || (u < 0.0f) == (v < 0.0f) ? u : v) : python_mod(u, v);
      CHECK_EQUAL(value_of(kernels, MapOp::kMod, u, v), mod, u, " % ", v);
      CHECK_NEAR(ulp_error(value_of(kernels, MapOp::kFloorDivide, u, v), python_floor_divide(u, v)), 0.0, 1.0, u,
                 " // ", v);
    }
  }
}

TEST(tensor_map_not_a_number_and_infinity) {
  for (const MapOp kind : {MapOp::kMaximum, MapOp::kMinimum, MapOp::kAdd, MapOp::kMod, MapOp::kFloorDivide}) {
    CHECK(std::isnan(value_of(kernels, kind, kNan, 1.0f)) && std::isnan(value_of(kernels, kind, 1.0f, kNan)));
  }
  for (const MapOp kind : {MapOp::kSign, MapOp::kAbs, MapOp::kSqrt, MapOp::kRsqrt, MapOp::kExpm1, MapOp::kSin,
                           MapOp::kCos, MapOp::kFloor, MapOp::kRound}) {
    CHECK(std::isnan(value_of(kernels, kind, kNan)));
  }
  for (const float v : {kNan, kInf, -kInf, 1.0f, 0.0f}) {
    CHECK_EQUAL(value_of(kernels, MapOp::kIsNan, v), std::isnan(v), v);
    CHECK_EQUAL(value_of(kernels, MapOp::kIsFinite, v), std::isfinite(v), v);
    CHECK_EQUAL(value_of(kernels, MapOp::kEqual, v, v), !std::isnan(v), v);
    CHECK_EQUAL(value_of(kernels, MapOp::kNotEqual, v, v), std::isnan(v), v);
    CHECK_EQUAL(value_of(kernels, MapOp::kLess, v, v), 0.0, v);
    CHECK_EQUAL(value_of(kernels, MapOp::kLogicalNot, v), v == 0.0f, v);
    CHECK_EQUAL(value_of(kernels, MapOp::kLogicalAnd, v, 1.0f), v != 0.0f, v);
  }
  CHECK_EQUAL(value_of(kernels, MapOp::kExpm1, kInf), kInf, "expm1");
  CHECK_EQUAL(value_of(kernels, MapOp::kExpm1, -kInf), -1.0, "expm1");
  CHECK_EQUAL(value_of(kernels, MapOp::kRsqrt, 0.0f), kInf, "rsqrt");
  CHECK_EQUAL(value_of(kernels, MapOp::kReciprocal, 0.0f), kInf, "reciprocal");
  CHECK_EQUAL(value_of(kernels, MapOp::kSign, -kInf), -1.0, "sign");
}

TEST(tensor_map_gradients_at_corners) {
  CHECK(gradients(kernels, MapOp::kMaximum, 2.0f, 2.0f) == Floats({0.5f, 0.5f}));
  CHECK(gradients(kernels, MapOp::kMinimum, 2.0f, 2.0f) == Floats({0.5f, 0.5f}));
  CHECK(gradients(kernels, MapOp::kMaximum, 3.0f, 2.0f) == Floats({1.0f, 0.0f}));
  CHECK(gradients(kernels, MapOp::kMinimum, 3.0f, 2.0f) == Floats({0.0f, 1.0f}));
  CHECK(gradients(kernels, MapOp::kMod, -7.0f, 2.0f) == Floats({1.0f, 4.0f}));
  CHECK(gradients(kernels, MapOp::kAbs, 0.0f, 0.0f) == Floats({0.0f, 0.0f}));
  CHECK(gradients(kernels, MapOp::kSqrt, 0.0f, 0.0f) == Floats({kInf, 0.0f}));
  // The branch that was not taken does not let its infinity in.
  const Case c(kernels, {op(MapOp::kWhere, 0, 1, 2)}, {plain({0.0f}), plain({kInf}), plain({1.0f})}, {1});
  const auto dx = c.backward({kInf});
  CHECK(dx[0][0] == 0.0f && dx[1][0] == 0.0f && dx[2][0] == kInf);
}

}  // namespace pycnn::testing
