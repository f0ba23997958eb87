#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

std::vector<Pool2D> all_shapes() {
  std::vector<Pool2D> shapes;
  for (const int64_t c : {1, 3, 4, 15, 16, 17, 33, 64, 67}) {
    shapes.push_back({6, 8, c, 3, 4, 2, 2, 2, 2, 0, 0, false});  // 2x2 side by side
    shapes.push_back({7, 5, c, 3, 2, 3, 3, 2, 2, 0, 0, false});  // 3x3 overlapping
    shapes.push_back({5, 4, c, 5, 4, 3, 3, 1, 1, 1, 1, false});  // "same", padding left out
    shapes.push_back({5, 4, c, 5, 4, 3, 3, 1, 1, 1, 1, true});   // "same", padding counted
    shapes.push_back({5, 6, c, 1, 1, 5, 6, 5, 6, 0, 0, false});  // global
    shapes.push_back({4, 9, c, 2, 3, 3, 2, 2, 3, 1, 0, true});   // uneven
    shapes.push_back({2, 2, c, 4, 4, 2, 2, 2, 2, 3, 3, false});  // windows that hold padding only
    shapes.push_back({2, 2, c, 4, 4, 2, 2, 2, 2, 3, 3, true});
  }
  return shapes;
}

// Calls visit(index of x) for every real pixel of a window, row-major.
template <typename Visit>
void for_window(const Pool2D& p, int64_t oy, int64_t ox, int64_t c, Visit visit) {
  for (int64_t i = 0; i < p.kh; ++i) {
    for (int64_t j = 0; j < p.kw; ++j) {
      const int64_t y = oy * p.stride_h - p.top + i, x = ox * p.stride_w - p.left + j;
      if (y >= 0 && y < p.h && x >= 0 && x < p.w) visit((y * p.w + x) * p.c + c);
    }
  }
}

int64_t first_maximum(const Pool2D& p, const Floats& x, int64_t oy, int64_t ox, int64_t c) {
  int64_t best = -1;
  for_window(p, oy, ox, c, [&](int64_t i) {
    if (best < 0 || (!std::isnan(x[best]) && (x[i] > x[best] || std::isnan(x[i])))) best = i;
  });
  return best;
}

double average_weight(const Pool2D& p, int64_t oy, int64_t ox) {
  int64_t real = 0;
  for_window(p, oy, ox, 0, [&](int64_t) { ++real; });
  if (p.count_padding) return 1.0 / (p.kh * p.kw);
  return real > 0 ? 1.0 / real : 0.0;
}

template <typename Visit>
void for_outputs(const Pool2D& p, Visit visit) {
  for (int64_t oy = 0; oy < p.oh; ++oy) {
    for (int64_t ox = 0; ox < p.ow; ++ox) {
      for (int64_t c = 0; c < p.c; ++c) visit(oy, ox, c, (oy * p.ow + ox) * p.c + c);
    }
  }
}

// Few distinct values, so that windows hold their maximum several times.
Floats with_ties(int64_t n) {
  Floats x = random_floats(n, 5, -2.0f, 2.0f);
  for (float& v : x) v = std::round(v);
  return x;
}

}  // namespace

TEST(pool2d_forward) {
  for (const Pool2D& p : all_shapes()) {
    const Floats x = random_floats(p.h * p.w * p.c, 1);
    Guarded max_y(p.oh * p.ow * p.c), average_y(p.oh * p.ow * p.c);
    for (int64_t row = 0; row < p.oh; ++row) {  // any split into rows gives the whole
      kernels.pool2d.max_forward(max_y.data(), x.data(), p, row, row + 1);
    }
    kernels.pool2d.average_forward(average_y.data(), x.data(), p, 0, p.oh / 2);
    kernels.pool2d.average_forward(average_y.data(), x.data(), p, p.oh / 2, p.oh);
    CHECK(max_y.intact() && average_y.intact());
    for_outputs(p, [&](int64_t oy, int64_t ox, int64_t c, int64_t i) {
      const int64_t best = first_maximum(p, x, oy, ox, c);
      CHECK_EQUAL(max_y[i], best < 0 ? -kInf : x[best], p.kh, " ", p.c);
      double sum = 0.0;
      for_window(p, oy, ox, c, [&](int64_t k) { sum += x[k]; });
      CHECK_NEAR(average_y[i], sum * average_weight(p, oy, ox), 8.0 * kEps, p.kh, " ", p.c);
    });
  }
}

TEST(pool2d_backward) {
  for (const Pool2D& p : all_shapes()) {
    const Floats x = with_ties(p.h * p.w * p.c), dy = random_floats(p.oh * p.ow * p.c, 2);
    Guarded max_dx(p.h * p.w * p.c), average_dx(p.h * p.w * p.c);
    kernels.pool2d.max_backward(max_dx.data(), x.data(), dy.data(), p);
    kernels.pool2d.average_backward(average_dx.data(), dy.data(), p);
    CHECK(max_dx.intact() && average_dx.intact());
    std::vector<double> want_max(x.size()), want_average(x.size());
    for_outputs(p, [&](int64_t oy, int64_t ox, int64_t c, int64_t i) {
      const int64_t best = first_maximum(p, x, oy, ox, c);
      if (best >= 0) want_max[best] += dy[i];
      for_window(p, oy, ox, c, [&](int64_t k) { want_average[k] += dy[i] * average_weight(p, oy, ox); });
    });
    for (size_t i = 0; i < x.size(); ++i) {
      CHECK_NEAR(max_dx[i], want_max[i], 32.0 * kEps, p.kh, " ", p.c);
      CHECK_NEAR(average_dx[i], want_average[i], 32.0 * kEps, p.kh, " ", p.c);
    }
  }
}

TEST(pool2d_nan_wins) {
  const Pool2D p{2, 4, 17, 1, 2, 2, 2, 2, 2, 0, 0, false};
  for (int64_t place = 0; place < 4; ++place) {
    Floats x = random_floats(p.h * p.w * p.c, 1);
    const int64_t at = (place / 2 * p.w + place % 2) * p.c + 16;
    x[at] = kNan;
    Floats y(2 * p.c), dx(x.size());
    const Floats dy(2 * p.c, 1.0f);
    kernels.pool2d.max_forward(y.data(), x.data(), p, 0, 1);
    kernels.pool2d.max_backward(dx.data(), x.data(), dy.data(), p);
    for (int64_t c = 0; c < 2 * p.c; ++c) CHECK(std::isnan(y[c]) == (c == 16));
    CHECK_EQUAL(dx[at], 1.0, place);
  }
}

TEST(pool2d_of_equal_infinities) {
  const Pool2D p{2, 2, 5, 1, 1, 2, 2, 2, 2, 0, 0, false};
  const Floats x(4 * p.c, -kInf), dy(p.c, 1.0f);
  Floats dx(4 * p.c);
  kernels.pool2d.max_backward(dx.data(), x.data(), dy.data(), p);
  for (int64_t i = 0; i < 4 * p.c; ++i) CHECK_EQUAL(dx[i], i < p.c ? 1.0 : 0.0, i);
}

}  // namespace pycnn::testing
