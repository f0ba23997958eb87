#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::vector<double> Doubles;

const std::vector<int64_t> kColumns = {1, 2, 3, 10, 15, 16, 17, 33, 100, 1000};
constexpr int64_t kRows = 5;

Doubles log_softmax(const float* x, int64_t n) {
  const double top = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - top);
  Doubles y(n);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] - top - std::log(sum);
  return y;
}

}  // namespace

TEST(softmax_forward) {
  for (const int64_t columns : kColumns) {
    const Floats x = random_floats(kRows * columns, 1, -20.0f, 20.0f);
    Guarded y(kRows * columns), log_y(kRows * columns), in_place(x), log_in_place(x);
    kernels.softmax.forward(y.data(), x.data(), kRows, columns);
    kernels.softmax.forward(in_place.data(), in_place.data(), kRows, columns);
    kernels.softmax.log_forward(log_y.data(), x.data(), kRows, columns);
    kernels.softmax.log_forward(log_in_place.data(), log_in_place.data(), kRows, columns);
    CHECK(y.intact() && log_y.intact() && in_place.intact() && log_in_place.intact());
    for (int64_t r = 0; r < kRows; ++r) {
      const Doubles want = log_softmax(x.data() + r * columns, columns);
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t i = r * columns + c;
        // x - max x is rounded at a size of up to 40 before it is an exponent.
        CHECK_NEAR(y[i], std::exp(want[c]), 24.0 * kEps * std::exp(want[c]), columns);
        CHECK_NEAR(log_y[i], want[c], 2.0 * kEps * (1.0 + std::abs(want[c])), columns);
        CHECK_EQUAL(in_place[i], y[i], columns);
        CHECK_EQUAL(log_in_place[i], log_y[i], columns);
      }
    }
  }
}

TEST(softmax_of_extreme_rows) {
  for (const int64_t columns : kColumns) {
    for (const int64_t at : {int64_t{0}, columns / 2, columns - 1}) {
      Floats x(3 * columns, -1e30f);
      x[at] = 1e30f;
      for (int64_t c = 0; c < columns; ++c) x[columns + c] = 1.0f;
      x[columns + at] = kNan;
      Floats y(x.size());
      kernels.softmax.forward(y.data(), x.data(), 3, columns);
      for (int64_t c = 0; c < columns; ++c) {
        CHECK_EQUAL(y[c], c == at ? 1.0 : 0.0, columns);
        CHECK_EQUAL(y[columns + c], kNan, columns);
        CHECK_NEAR(y[2 * columns + c], 1.0 / columns, kEps / columns, columns);
      }
      kernels.softmax.log_forward(y.data(), x.data(), 3, columns);
      for (int64_t c = 0; c < columns; ++c) CHECK_EQUAL(y[columns + c], kNan, columns);
    }
  }
}

TEST(softmax_backward) {
  for (const int64_t columns : kColumns) {
    const Floats x = random_floats(kRows * columns, 1), dy = random_floats(kRows * columns, 2);
    Floats y(x.size()), log_y(x.size());
    kernels.softmax.forward(y.data(), x.data(), kRows, columns);
    kernels.softmax.log_forward(log_y.data(), x.data(), kRows, columns);
    Guarded dx(kRows * columns), log_dx(kRows * columns), in_place(dy), log_in_place(dy);
    kernels.softmax.backward(dx.data(), y.data(), dy.data(), kRows, columns);
    kernels.softmax.backward(in_place.data(), y.data(), in_place.data(), kRows, columns);
    kernels.softmax.log_backward(log_dx.data(), log_y.data(), dy.data(), kRows, columns);
    kernels.softmax.log_backward(log_in_place.data(), log_y.data(), log_in_place.data(), kRows, columns);
    CHECK(dx.intact() && log_dx.intact() && in_place.intact() && log_in_place.intact());
    for (int64_t r = 0; r < kRows; ++r) {
      const Doubles log_p = log_softmax(x.data() + r * columns, columns);
      const float* gradient = dy.data() + r * columns;
      double dot = 0.0, sum = 0.0;
      for (int64_t c = 0; c < columns; ++c) dot += std::exp(log_p[c]) * gradient[c], sum += gradient[c];
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t i = r * columns + c;
        const double p = std::exp(log_p[c]);
        CHECK_NEAR(dx[i], p * (gradient[c] - dot), 32.0 * kEps * p, columns);
        CHECK_NEAR(log_dx[i], gradient[c] - p * sum, 8.0 * kEps * (1.0 + p * columns), columns);
        CHECK_EQUAL(in_place[i], dx[i], columns);
        CHECK_EQUAL(log_in_place[i], log_dx[i], columns);
      }
    }
  }
}

}  // namespace pycnn::testing
