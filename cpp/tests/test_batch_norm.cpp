#include <algorithm>

#include "runtime/memory.h"
#include "tests/check.h"

namespace pycnn::testing {
namespace {

struct Shape {
  int64_t rows, c;
};
const std::vector<Shape> kShapes = {{1, 1},   {2, 3},    {5, 7},    {17, 15},    {63, 16},  {64, 17},
                                    {65, 64}, {129, 67}, {33, 100}, {1000, 133}, {3001, 5}, {0, 4}};

// Memory on a cache line for a copy of n values, and whether it is one and nothing behind it has changed.
struct Away {
  explicit Away(int64_t n) : n(n), memory(n + 16) { std::fill(data(), data() + n + 16, -7.0f); }
  float* data() { return memory.data(); }
  bool holds(const Floats& values) {
    return std::equal(values.begin(), values.end(), data()) &&
           std::all_of(data() + n, data() + n + 16, [](float v) { return v == -7.0f; });
  }
  int64_t n;
  AlignedFloats memory;
};

}  // namespace

TEST(batch_norm_moments) {
  for (const Shape& s : kShapes) {
    const Floats x = random_floats(s.rows * s.c, 1, -1.0f, 3.0f);
    Guarded mean(s.c), m2(s.c), mean_too(s.c), m2_too(s.c);
    Away away(s.rows * s.c);
    kernels.batch_norm.moments(mean.data(), m2.data(), x.data(), nullptr, s.rows, s.c);
    kernels.batch_norm.moments(mean_too.data(), m2_too.data(), x.data(), away.data(), s.rows, s.c);
    CHECK(mean.intact() && m2.intact());
    CHECK(away.holds(x));
    for (int64_t c = 0; c < s.c; ++c) {
      CHECK_EQUAL(mean_too[c], mean[c], s.rows, " ", s.c);
      CHECK_EQUAL(m2_too[c], m2[c], s.rows, " ", s.c);
      double want_mean = 0.0, want_m2 = 0.0;
      for (int64_t r = 0; r < s.rows; ++r) want_mean += x[r * s.c + c] / static_cast<double>(s.rows);
      for (int64_t r = 0; r < s.rows; ++r) want_m2 += std::pow(x[r * s.c + c] - want_mean, 2);
      CHECK_NEAR(mean[c], want_mean, 2.0 * kEps, s.rows, " ", s.c);
      CHECK_NEAR(m2[c], want_m2, 4.0 * kEps * (1.0 + want_m2), s.rows, " ", s.c);
    }
  }
}

TEST(batch_norm_moments_of_many_rows_and_of_a_large_mean) {
  const int64_t rows = 300000, c = 3;
  for (const float offset : {0.0f, 1.0f, 1e4f, -1e6f}) {
    Floats x = random_floats(rows * c, 1, -1.0f, 1.0f);
    for (float& v : x) v += offset;
    Floats mean(c), m2(c);
    kernels.batch_norm.moments(mean.data(), m2.data(), x.data(), nullptr, rows, c);
    for (int64_t j = 0; j < c; ++j) {
      double want_mean = 0.0, want_m2 = 0.0;
      for (int64_t r = 0; r < rows; ++r) want_mean += x[r * c + j];
      want_mean /= rows;
      for (int64_t r = 0; r < rows; ++r) want_m2 += std::pow(x[r * c + j] - want_mean, 2);
      CHECK_NEAR(mean[j], want_mean, kEps * (0.1 + std::abs(want_mean)), offset);
      CHECK_NEAR(m2[j], want_m2, 1e-6 * want_m2, offset);
    }
  }
}

TEST(batch_norm_apply) {
  for (const Shape& s : kShapes) {
    const Floats x = random_floats(s.rows * s.c, 1), scale = random_floats(s.c, 2), shift = random_floats(s.c, 3);
    Guarded y(s.rows * s.c), in_place(x);
    kernels.batch_norm.apply(y.data(), x.data(), {scale.data(), shift.data(), -kInf}, s.rows, s.c);
    kernels.batch_norm.apply(in_place.data(), in_place.data(), {scale.data(), shift.data(), -kInf}, s.rows, s.c);
    CHECK(y.intact() && in_place.intact());
    for (int64_t i = 0; i < s.rows * s.c; ++i) {
      CHECK_NEAR(y[i], double(x[i]) * scale[i % s.c] + shift[i % s.c], 12.0 * kEps, s.rows, " ", s.c);
      CHECK_EQUAL(in_place[i], y[i], s.rows, " ", s.c);
    }
  }
}

// With a ReLU behind it, whose way back lets through what is above 0.
TEST(batch_norm_backward) {
  for (const Shape& s : kShapes)
    for (const float lower : {-kInf, 0.0f}) {
      const Floats x = random_floats(s.rows * s.c, 1), dy = random_floats(s.rows * s.c, 2);
      const Floats mean = random_floats(s.c, 3), inv_std = random_floats(s.c, 4, 0.5f, 2.0f);
      const Floats gamma = random_floats(s.c, 5), mean_dy = random_floats(s.c, 6), mean_dy_x = random_floats(s.c, 7);
      const Floats scale = random_floats(s.c, 8), shift = random_floats(s.c, 9);
      const ScaleShift f{scale.data(), shift.data(), lower};
      Guarded y(s.rows * s.c), sum_dy(s.c), sum_dy_x(s.c), dx(s.rows * s.c), in_place(dy), plain(s.rows * s.c);
      const BatchNormKernels& k = kernels.batch_norm;
      const auto gradient_of = [&](const float* gamma) -> BatchNormGradient {
        return {mean.data(), inv_std.data(), gamma, mean_dy.data(), mean_dy_x.data(), f};
      };
      k.apply(y.data(), x.data(), f, s.rows, s.c);
      const auto sums = [&](Guarded& by_dy, Guarded& by_dy_x, float* away) {
        k.backward_sums(by_dy.data(), by_dy_x.data(), x.data(), dy.data(), away, gradient_of(nullptr), s.rows, s.c);
      };
      Guarded sum_dy_too(s.c), sum_dy_x_too(s.c);
      Away away(s.rows * s.c);
      sums(sum_dy, sum_dy_x, nullptr);
      sums(sum_dy_too, sum_dy_x_too, away.data());
      CHECK(away.holds(dy));
      const auto apply = [&](Guarded& to, const float* from, const float* g) {
        k.backward_apply(to.data(), x.data(), from, gradient_of(g), s.rows, s.c);
      };
      apply(dx, dy.data(), gamma.data());
      apply(in_place, in_place.data(), gamma.data());
      apply(plain, dy.data(), nullptr);
      CHECK(sum_dy.intact() && sum_dy_x.intact() && dx.intact() && in_place.intact() && plain.intact());
      for (int64_t c = 0; c < s.c; ++c) {
        double want_sum = 0.0, want_sum_x = 0.0;
        for (int64_t r = 0; r < s.rows; ++r) {
          const int64_t i = r * s.c + c;
          const double normalized = (double(x[i]) - mean[c]) * inv_std[c];
          const double gradient = y[i] > lower ? dy[i] : 0.0f;
          want_sum += gradient;
          want_sum_x += gradient * normalized;
          const double want = inv_std[c] * (gradient - mean_dy[c] - normalized * mean_dy_x[c]);
          CHECK_NEAR(plain[i], want, 100.0 * kEps, s.rows, " ", s.c);
          CHECK_NEAR(dx[i], want * gamma[c], 300.0 * kEps, s.rows, " ", s.c);
          CHECK_EQUAL(in_place[i], dx[i], s.rows, " ", s.c);
        }
        CHECK_EQUAL(sum_dy_too[c], sum_dy[c], s.rows, " ", s.c);
        CHECK_EQUAL(sum_dy_x_too[c], sum_dy_x[c], s.rows, " ", s.c);
        CHECK_NEAR(sum_dy[c], want_sum, 8.0 * kEps * (1.0 + s.rows), s.rows, " ", s.c);
        CHECK_NEAR(sum_dy_x[c], want_sum_x, 32.0 * kEps * (1.0 + s.rows), s.rows, " ", s.c);
      }
    }
}

TEST(batch_norm_apply_add) {
  for (const Shape& s : kShapes)
    for (const float lower : {-kInf, 0.0f}) {
      const Floats x = random_floats(s.rows * s.c, 1), other = random_floats(s.rows * s.c, 2);
      const Floats scale = random_floats(s.c, 3), shift = random_floats(s.c, 4);
      Guarded y(s.rows * s.c), in_place(other);
      const ScaleShift f{scale.data(), shift.data(), lower};
      kernels.batch_norm.apply_add(y.data(), x.data(), other.data(), f, s.rows, s.c);
      kernels.batch_norm.apply_add(in_place.data(), x.data(), in_place.data(), f, s.rows, s.c);
      CHECK(y.intact() && in_place.intact());
      for (int64_t i = 0; i < s.rows * s.c; ++i) {
        const double want = double(x[i]) * scale[i % s.c] + shift[i % s.c] + other[i];
        CHECK_NEAR(y[i], std::max<double>(lower, want), 16.0 * kEps, s.rows, " ", s.c);
        CHECK_EQUAL(in_place[i], y[i], s.rows, " ", s.c);
      }
    }
}

namespace {

const std::vector<PooledMap> kMaps = {{2, 2, 1, 2, 2},  {4, 4, 16, 2, 2}, {5, 7, 17, 2, 2},
                                      {6, 9, 33, 2, 3}, {1, 1, 5, 1, 1},  {7, 7, 3, 3, 3},
                                      {3, 8, 40, 1, 2}, {2, 5, 18, 2, 2}, {16, 2, 2, 15, 1}};

}  // namespace

// What is pooled is what `apply` gives, to the bit, with ties: windows that a ReLU has closed, and equal values.
TEST(batch_norm_under_a_max_pool) {
  for (const PooledMap& m : kMaps)
    for (const float lower : {-kInf, 0.0f}) {
      const int64_t n = m.h * m.w * m.c, oh = m.h / m.ph, ow = m.w / m.pw, pooled = oh * ow * m.c;
      Floats x = random_floats(n, 1);
      for (int64_t i = 0; i < n; i += 3) x[i] = 0.25f;
      const Floats scale = random_floats(m.c, 2, -1.0f, 1.0f), shift = random_floats(m.c, 3, -1.0f, 1.0f);
      const ScaleShift f{scale.data(), shift.data(), lower};
      Floats full(n);
      Guarded y(pooled), picked(pooled), again(pooled);
      std::vector<uint8_t> places(static_cast<size_t>(pooled) + 16, 0xee);
      const BatchNormKernels& k = kernels.batch_norm;
      k.apply(full.data(), x.data(), f, m.h * m.w, m.c);
      k.apply_pool(y.data(), picked.data(), places.data(), x.data(), f, m);
      k.apply(again.data(), picked.data(), f, oh * ow, m.c);
      CHECK(y.intact() && picked.intact());
      for (int64_t i = pooled; i < pooled + 16; ++i)
        CHECK_EQUAL(int(places[static_cast<size_t>(i)]), 0xee, "behind the end");
      for (int64_t i = 0; i < pooled; ++i) {
        const int64_t c = i % m.c, column = i / m.c % ow, row = i / m.c / ow;
        const auto at = [&](int64_t place) {
          return ((row * m.ph + place / m.pw) * m.w + column * m.pw + place % m.pw) * m.c + c;
        };
        int64_t want = 0;
        for (int64_t place = 1; place < m.ph * m.pw; ++place)
          if (full[at(place)] > full[at(want)]) want = place;
        const int64_t place = places[static_cast<size_t>(i)];
        CHECK_EQUAL(place, full[at(want)] <= lower ? 255 : want, m.h, " ", m.w, " ", m.c);
        CHECK_EQUAL(y[i], full[at(want)], m.h, " ", m.w, " ", m.c);
        CHECK_EQUAL(picked[i], x[at(want)], m.h, " ", m.w, " ", m.c);
        CHECK_EQUAL(again[i], y[i], m.h, " ", m.w, " ", m.c);
      }
    }
}

// The same as unpooling the gradient first; what no window covers has a gradient too, by the means.
TEST(batch_norm_backward_under_a_max_pool) {
  for (const PooledMap& m : kMaps) {
    const int64_t n = m.h * m.w * m.c, oh = m.h / m.ph, ow = m.w / m.pw, pooled = oh * ow * m.c;
    const Floats x = random_floats(n, 1), dy = random_floats(pooled, 2), mean = random_floats(m.c, 3);
    const Floats inv_std = random_floats(m.c, 4, 0.5f, 2.0f), gamma = random_floats(m.c, 5);
    const Floats mean_dy = random_floats(m.c, 6), mean_dy_x = random_floats(m.c, 7);
    const BatchNormGradient g{mean.data(),    inv_std.data(),   gamma.data(),
                              mean_dy.data(), mean_dy_x.data(), {nullptr, nullptr, -kInf}};
    std::vector<uint8_t> places(static_cast<size_t>(pooled));
    Floats full(n);
    for (int64_t i = 0; i < pooled; ++i) {
      const int64_t place = (i * 7 + i / 5) % (m.ph * m.pw), column = i / m.c % ow, row = i / m.c / ow;
      const bool closed = i % 4 == 3;
      places[static_cast<size_t>(i)] = static_cast<uint8_t>(closed ? 255 : place);
      if (!closed) full[((row * m.ph + place / m.pw) * m.w + column * m.pw + place % m.pw) * m.c + i % m.c] = dy[i];
    }
    Guarded dx(n), want(n);
    kernels.batch_norm.backward_apply(want.data(), x.data(), full.data(), g, m.h * m.w, m.c);
    kernels.batch_norm.backward_apply_pool(dx.data(), x.data(), dy.data(), places.data(), g, m);
    CHECK(dx.intact());
    for (int64_t i = 0; i < n; ++i)
      CHECK_NEAR(dx[i], double(want[i]), 8.0 * kEps * (1.0 + std::abs(want[i])), m.h, " ", m.w, " ", m.c, " at ", i);
  }
}

}  // namespace pycnn::testing
