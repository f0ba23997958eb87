#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

struct Extents {
  int64_t outer, n, inner;
};

std::vector<Extents> all_extents() {
  std::vector<Extents> all = {{0, 3, 2}, {2, 3, 0}, {3, 5000, 1}, {1, 3000, 3}, {2, 131, 70}};
  for (const int64_t outer : {1, 3})
    for (const int64_t n : {1, 2, 7, 15, 16, 17, 33, 65, 257})
      for (const int64_t inner : {1, 2, 7, 16, 17, 33}) all.push_back({outer, n, inner});
  return all;
}

// Reduces by hand: exact(values of one reduction).
template <typename Exact>
void for_reductions(const Extents& e, const Floats& x, Exact exact) {
  for (int64_t o = 0; o < e.outer; ++o) {
    for (int64_t j = 0; j < e.inner; ++j) {
      std::vector<double> values(e.n);
      for (int64_t i = 0; i < e.n; ++i) values[i] = x[(o * e.n + i) * e.inner + j];
      exact(o * e.inner + j, values);
    }
  }
}

Guarded reduced(const KernelTable& kernels, ReduceKind kind, const Extents& e, const Floats& x) {
  Guarded y(e.outer * e.inner);
  kernels.tensor.reduce(y.data(), x.data(), kind, e.outer, e.n, e.inner);
  CHECK(y.intact());
  return y;
}

Guarded gradient(const KernelTable& kernels, ReduceKind kind, const Extents& e, const Floats& x, const Floats& y,
                 const Floats& dy) {
  Guarded dx(e.outer * e.n * e.inner);
  kernels.tensor.reduce_backward(dx.data(), x.data(), y.data(), dy.data(), kind, e.outer, e.n, e.inner);
  CHECK(dx.intact());
  return dx;
}

Floats rounded(Floats x) {
  for (float& v : x) v = std::round(v);
  return x;
}

}  // namespace

TEST(tensor_reduce_sum_and_mean) {
  for (const Extents& e : all_extents()) {
    const Floats x = random_floats(e.outer * e.n * e.inner, 1), dy = random_floats(e.outer * e.inner, 2);
    const Guarded sum = reduced(kernels, ReduceKind::kSum, e, x), mean = reduced(kernels, ReduceKind::kMean, e, x);
    const Guarded dsum = gradient(kernels, ReduceKind::kSum, e, x, sum.values(), dy);
    const Guarded dmean = gradient(kernels, ReduceKind::kMean, e, x, mean.values(), dy);
    for_reductions(e, x, [&](int64_t j, const std::vector<double>& values) {
      double want = 0.0;
      for (const double v : values) want += v;
      const double tolerance = 3.0 * kEps * (std::sqrt(std::min<int64_t>(e.n, 64)) * 8.0 + std::sqrt(e.n));
      CHECK_NEAR(sum[j], want, tolerance, e.n, " ", e.inner);
      CHECK_NEAR(mean[j], want / e.n, tolerance / e.n + kEps * std::abs(want / e.n), e.n, " ", e.inner);
      for (int64_t i = 0; i < e.n; ++i) {
        const int64_t at = (j / e.inner * e.n + i) * e.inner + j % e.inner;
        CHECK_EQUAL(dsum[at], dy[j], e.n, " ", e.inner);
        CHECK_NEAR(dmean[at], dy[j] / double(e.n), 2.0 * kEps * std::abs(dy[j]) / e.n, e.n, " ", e.inner);
      }
    });
  }
}

TEST(tensor_reduce_extrema) {
  for (const Extents& e : all_extents()) {
    const Floats x = rounded(random_floats(e.outer * e.n * e.inner, 1, -4.0f, 4.0f));  // ties
    const Floats dy = random_floats(e.outer * e.inner, 2);
    const Guarded top = reduced(kernels, ReduceKind::kMax, e, x), low = reduced(kernels, ReduceKind::kMin, e, x);
    const Guarded first = reduced(kernels, ReduceKind::kArgmax, e, x),
                  least = reduced(kernels, ReduceKind::kArgmin, e, x);
    const Guarded dtop = gradient(kernels, ReduceKind::kMax, e, x, top.values(), dy);
    const Guarded dlow = gradient(kernels, ReduceKind::kMin, e, x, low.values(), dy);
    for_reductions(e, x, [&](int64_t j, const std::vector<double>& values) {
      const auto maximum = std::max_element(values.begin(), values.end());
      const auto minimum = std::min_element(values.begin(), values.end());
      CHECK_EQUAL(top[j], *maximum, e.n, " ", e.inner);
      CHECK_EQUAL(low[j], *minimum, e.n, " ", e.inner);
      CHECK_EQUAL(first[j], maximum - values.begin(), e.n, " ", e.inner);
      CHECK_EQUAL(least[j], minimum - values.begin(), e.n, " ", e.inner);
      const float tops = static_cast<float>(std::count(values.begin(), values.end(), *maximum));
      const float lows = static_cast<float>(std::count(values.begin(), values.end(), *minimum));
      for (int64_t i = 0; i < e.n; ++i) {
        const int64_t at = (j / e.inner * e.n + i) * e.inner + j % e.inner;
        CHECK_EQUAL(dtop[at], values[i] == *maximum ? dy[j] / tops : 0.0f, e.n, " ", e.inner);
        CHECK_EQUAL(dlow[at], values[i] == *minimum ? dy[j] / lows : 0.0f, e.n, " ", e.inner);
      }
    });
  }
}

TEST(tensor_reduce_not_a_number_wins) {
  for (const Extents& e : all_extents()) {
    if (e.n < 2 || e.outer * e.inner == 0) continue;
    Floats x = random_floats(e.outer * e.n * e.inner, 1);
    const int64_t at = e.n / 2;
    for (int64_t i = at; i < e.n; i += 2) x[i * e.inner] = kNan;
    x[0] = kInf;
    for (const ReduceKind kind : {ReduceKind::kMax, ReduceKind::kMin}) {
      const Guarded y = reduced(kernels, kind, e, x);
      CHECK(std::isnan(y[0]));
      for (int64_t j = 1; j < y.size(); ++j) CHECK(!std::isnan(y[j]));
    }
    CHECK_EQUAL(reduced(kernels, ReduceKind::kArgmax, e, x)[0], at, e.n, " ", e.inner);
    CHECK_EQUAL(reduced(kernels, ReduceKind::kArgmin, e, x)[0], at, e.n, " ", e.inner);
    CHECK(std::isnan(reduced(kernels, ReduceKind::kSum, e, x)[0]));
  }
}

TEST(tensor_reduce_infinities) {
  for (const Extents& e : all_extents()) {
    for (const float value : {kInf, -kInf}) {
      const Floats x(e.outer * e.n * e.inner, value);
      for (const ReduceKind kind : {ReduceKind::kMax, ReduceKind::kMin, ReduceKind::kSum}) {
        const Guarded y = reduced(kernels, kind, e, x);
        for (int64_t j = 0; j < y.size(); ++j) CHECK_EQUAL(y[j], value, e.n, " ", e.inner);
      }
      for (const ReduceKind kind : {ReduceKind::kArgmax, ReduceKind::kArgmin}) {
        const Guarded y = reduced(kernels, kind, e, x);
        for (int64_t j = 0; j < y.size(); ++j) CHECK_EQUAL(y[j], 0.0, e.n, " ", e.inner);
      }
    }
  }
}

TEST(tensor_reduce_product) {
  for (const Extents& e : all_extents()) {
    if (e.n > 300) continue;
    Floats x = random_floats(e.outer * e.n * e.inner, 1, 0.9f, 1.1f);
    // One zero in some reductions, two in others.
    for (size_t i = 0; i < x.size(); i += 5 * e.inner + 1) x[i] = 0.0f;
    const Floats dy = random_floats(e.outer * e.inner, 2);
    const Guarded y = reduced(kernels, ReduceKind::kProd, e, x);
    const Guarded dx = gradient(kernels, ReduceKind::kProd, e, x, y.values(), dy);
    for_reductions(e, x, [&](int64_t j, const std::vector<double>& values) {
      double want = 1.0;
      for (const double v : values) want *= v;
      CHECK_NEAR(y[j], want, kEps * e.n * want, e.n, " ", e.inner);
      for (int64_t i = 0; i < e.n; ++i) {
        double others = dy[j];
        for (int64_t k = 0; k < e.n; ++k) others *= k == i ? 1.0 : values[k];
        const int64_t at = (j / e.inner * e.n + i) * e.inner + j % e.inner;
        CHECK_NEAR(dx[at], others, kEps * (e.n + 1) * std::abs(others), e.n, " ", e.inner);
      }
    });
  }
}

TEST(tensor_reduce_any_and_all) {
  for (const Extents& e : all_extents()) {
    for (const float rare : {0.0f, 1.0f}) {
      Floats x(e.outer * e.n * e.inner, 1.0f - rare);
      for (size_t i = 0; i < x.size(); i += 3 * e.n + 1) x[i] = rare == 0.0f ? 0.0f : kNan;
      const Guarded any = reduced(kernels, ReduceKind::kAny, e, x), all = reduced(kernels, ReduceKind::kAll, e, x);
      for_reductions(e, x, [&](int64_t j, const std::vector<double>& values) {
        const auto set = std::count_if(values.begin(), values.end(), [](double v) { return v != 0.0; });
        CHECK_EQUAL(any[j], set > 0, e.n, " ", e.inner);
        CHECK_EQUAL(all[j], set == e.n, e.n, " ", e.inner);
      });
    }
  }
}

TEST(tensor_reduce_of_nothing) {
  const Extents e = {2, 0, 3};
  const auto check = [&](ReduceKind kind, double want) {
    const Guarded y = reduced(kernels, kind, e, {});
    for (int64_t j = 0; j < y.size(); ++j) CHECK_EQUAL(y[j], want, "empty");
  };
  check(ReduceKind::kSum, 0.0);
  check(ReduceKind::kMean, kNan);
  check(ReduceKind::kMax, -kInf);
  check(ReduceKind::kMin, kInf);
  check(ReduceKind::kProd, 1.0);
  check(ReduceKind::kAny, 0.0);
  check(ReduceKind::kAll, 1.0);
}

}  // namespace pycnn::testing
