#include "tests/check.h"

namespace pycnn::testing {
namespace {

// +1 where kept, -1 where dropped.
Floats mask(const KernelTable& kernels, int64_t n, float rate, uint64_t seed, int64_t first) {
  const Floats ones(n, 1.0f);
  Floats y(n);
  kernels.elementwise.dropout(y.data(), ones.data(), n, rate, seed, first);
  for (float& v : y) v = v != 0.0f ? 1.0f : -1.0f;
  return y;
}

// For two independent masks of rate 1/2: normal with variance 1.
double correlation(const Floats& a, const Floats& b, int64_t shift) {
  const int64_t n = static_cast<int64_t>(a.size()) - shift;
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i + shift];
  return sum / std::sqrt(static_cast<double>(n));
}

constexpr double kSigmas = 4.5;

}  // namespace

TEST(dropout_scales_what_it_keeps) {
  for (const int64_t n : kSizes) {
    const Floats x = random_floats(n, 1);
    Guarded y(n), in_place(x);
    kernels.elementwise.dropout(y.data(), x.data(), n, 0.3f, 5, 11);
    kernels.elementwise.dropout(in_place.data(), in_place.data(), n, 0.3f, 5, 11);
    CHECK(y.intact() && in_place.intact());
    for (int64_t i = 0; i < n; ++i) {
      CHECK_NEAR(y[i], y[i] == 0.0f ? 0.0 : x[i] / 0.7, 8.0 * kEps, n);
      CHECK_EQUAL(in_place[i], y[i], n);
    }
    kernels.elementwise.dropout(y.data(), x.data(), n, 0.0f, 5, 11);
    for (int64_t i = 0; i < n; ++i) CHECK_EQUAL(y[i], x[i], "rate 0");
  }
}

TEST(dropout_mask_depends_on_seed_and_position_alone) {
  const int64_t n = 300, boundary = int64_t{1} << 32;
  for (const int64_t first : {int64_t{0}, int64_t{7}, boundary - 100, 3 * boundary - 1}) {
    const Floats whole = mask(kernels, n, 0.5f, 42, first);
    for (const int64_t cut : {1, 16, 99, 100, 101, 299}) {
      Floats parts = mask(kernels, cut, 0.5f, 42, first);
      const Floats rest = mask(kernels, n - cut, 0.5f, 42, first + cut);
      parts.insert(parts.end(), rest.begin(), rest.end());
      CHECK(parts == whole);
    }
  }
}

TEST(dropout_keeps_the_rate) {
  const int64_t n = 1 << 18;
  for (const float rate : {0.01f, 0.1f, 0.5f, 0.9f, 0.999f}) {
    for (const uint64_t seed : {0ull, 1ull, 2ull, 12345ull, 1ull << 32, ~0ull}) {
      double kept = 0.0;
      for (const float v : mask(kernels, n, rate, seed, 0)) kept += v > 0.0f;
      CHECK_NEAR(kept / n, 1.0 - rate, kSigmas * std::sqrt(rate * (1.0 - rate) / n), rate, " ", seed);
    }
  }
}

TEST(dropout_masks_are_not_correlated) {
  const int64_t n = 1 << 16;
  const uint64_t one = 1;
  for (const uint64_t seed : {one, 7 * one, one << 40}) {
    const Floats here = mask(kernels, n, 0.5f, seed, 0);
    for (const int64_t shift : {1, 2, 3, 4, 8, 16, 26, 64, 256, 1024}) {
      CHECK_NEAR(correlation(here, here, shift), 0.0, kSigmas, "neighbours at ", shift);
    }
    for (const uint64_t other : {seed + 1, seed + 2, seed ^ one << 32, seed ^ one << 63, ~seed}) {
      const Floats there = mask(kernels, n, 0.5f, other, 0);
      for (const int64_t shift : {0, 1, 2, 16}) {
        CHECK_NEAR(correlation(here, there, shift), 0.0, kSigmas, "seed ", other);
      }
    }
    CHECK_NEAR(correlation(here, mask(kernels, n, 0.5f, seed, int64_t{1} << 32), 0), 0.0, kSigmas, "far positions");
  }
}

namespace {

Floats uniform_numbers(const KernelTable& kernels, int64_t n, uint64_t seed, int64_t first) {
  Guarded y(n);
  kernels.elementwise.uniform(y.data(), n, seed, first);
  CHECK(y.intact());
  Floats found(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) found[static_cast<size_t>(i)] = y[i];
  return found;
}

}  // namespace

TEST(uniform_numbers_depend_on_seed_and_position_alone) {
  const int64_t boundary = int64_t{1} << 32;
  for (const int64_t first : {int64_t{0}, int64_t{7}, boundary - 100, 3 * boundary - 1}) {
    const Floats whole = uniform_numbers(kernels, 300, 42, first);
    CHECK(whole != uniform_numbers(kernels, 300, 43, first));
    for (const int64_t cut : {1, 16, 99, 100, 101, 299}) {
      Floats parts = uniform_numbers(kernels, cut, 42, first);
      const Floats rest = uniform_numbers(kernels, 300 - cut, 42, first + cut);
      parts.insert(parts.end(), rest.begin(), rest.end());
      CHECK(parts == whole);
    }
  }
}

// Each of 64 intervals gets its share, and so do pairs of neighbours.
TEST(uniform_numbers_are_uniform) {
  const int64_t n = 1 << 16, intervals = 64;
  for (const uint64_t seed : {0ull, 1ull, 12345ull, 1ull << 32, ~0ull}) {
    const Floats x = uniform_numbers(kernels, n, seed, 0);
    std::vector<double> counts(intervals, 0.0), pairs(intervals, 0.0);
    for (int64_t i = 0; i < n; ++i) {
      CHECK(x[static_cast<size_t>(i)] >= 0.0f && x[static_cast<size_t>(i)] < 1.0f);
      counts[static_cast<size_t>(x[static_cast<size_t>(i)] * 64.0f)] += 1.0;
      const double next = x[static_cast<size_t>((i + 1) % n)];
      pairs[static_cast<size_t>(std::floor(8.0 * x[static_cast<size_t>(i)]) * 8.0 + std::floor(8.0 * next))] += 1.0;
    }
    const double share = static_cast<double>(n) / static_cast<double>(intervals);
    for (const double count : counts) CHECK_NEAR(count, share, 5.0 * std::sqrt(share), "seed ", seed);
    for (const double count : pairs) CHECK_NEAR(count, share, 5.0 * std::sqrt(share), "pairs, seed ", seed);
  }
}

}  // namespace pycnn::testing
