#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

struct Case {
  int64_t h, w, c, kh, kw, sh, sw, before, after;
};

std::vector<int64_t> positions(int64_t n, int64_t before, int64_t after) {
  std::vector<int64_t> all(static_cast<size_t>(before + n + after), -1);
  std::iota(all.begin() + before, all.begin() + before + n, 0);
  // Also what no padding has: a pixel again, before and after.
  if (before > 1) all[1] = n - 1;
  if (after > 1) all[all.size() - 2] = 0;
  return all;
}

template <class T>
void check_filter(const KernelTable& kernels, const Case& s, const std::vector<T>& x, bool bytes, bool separable) {
  const Floats first = random_floats(separable ? s.kh : s.kh * s.kw, 1), second = random_floats(s.kw, 2);
  Floats weights = first;
  if (separable) weights.insert(weights.end(), second.begin(), second.end());
  const std::vector<int64_t> rows = positions(s.h, s.before, s.after), columns = positions(s.w, s.before, s.after);
  FilterPlan plan{};
  plan.w = s.w, plan.c = s.c, plan.kh = s.kh, plan.kw = s.kw, plan.sh = s.sh, plan.sw = s.sw;
  plan.oh = (static_cast<int64_t>(rows.size()) - s.kh) / s.sh + 1;
  plan.ow = (static_cast<int64_t>(columns.size()) - s.kw) / s.sw + 1;
  plan.type = sizeof(T) == 1 ? SourceType::kUint8 : SourceType::kFloat32;
  plan.bytes = bytes, plan.separable = separable, plan.fill = 7.25f;
  plan.weights = weights.data(), plan.rows = rows.data(), plan.columns = columns.data();

  const int64_t n = plan.oh * plan.ow * plan.c;
  Guarded scratch(kernels.filter.scratch(plan)), y(n);
  Bytes y_bytes(static_cast<size_t>(n) + 1, 99);
  void* to = bytes ? static_cast<void*>(y_bytes.data()) : y.data();
  for (int64_t i = kernels.filter.pieces(plan) - 1; i >= 0; --i)
    kernels.filter.apply(to, scratch.data(), x.data(), plan, i);
  CHECK(scratch.intact() && y.intact() && y_bytes.back() == 99);

  for (int64_t k = 0; k < n; ++k) {
    const int64_t i = k / plan.c / plan.ow, j = k / plan.c % plan.ow;
    double want = 0, sizes = 0;
    for (int64_t a = 0; a < s.kh; ++a) {
      for (int64_t b = 0; b < s.kw; ++b) {
        const int64_t row = rows[static_cast<size_t>(i * s.sh + a)],
                      column = columns[static_cast<size_t>(j * s.sw + b)];
        const double value =
            row < 0 || column < 0 ? 7.25 : x[static_cast<size_t>((row * s.w + column) * s.c + k % s.c)];
        const double weight = separable ? static_cast<double>(first[a]) * second[b] : first[a * s.kw + b];
        want += weight * value;
        sizes += std::abs(weight * value);
      }
    }
    if (bytes)
      CHECK_NEAR(y_bytes[static_cast<size_t>(k)], std::clamp(want, 0.0, 255.0), 0.5 + 1e-6 * sizes, k, s.kh, s.kw);
    else CHECK_NEAR(y[k], want, 1e-6 * sizes, k, s.kh, s.kw, s.sw);
  }
}

}  // namespace

TEST(filter) {
  for (const Case& s : std::vector<Case>{{9, 11, 1, 3, 3, 1, 1, 1, 1},
                                         {1, 1, 3, 1, 1, 1, 1, 0, 0},
                                         {7, 300, 3, 3, 5, 1, 1, 2, 3},
                                         {70, 23, 2, 5, 4, 2, 3, 0, 2},
                                         {12, 9, 4, 2, 3, 5, 4, 3, 0},
                                         {3, 2, 1, 11, 9, 1, 1, 6, 5},
                                         {5, 700, 1, 3, 17, 1, 2, 4, 4},
                                         {140, 5, 1, 67, 1, 1, 1, 9, 9}}) {
    const int64_t n = s.h * s.w * s.c;
    const Floats floats = random_floats(n, 3, 0.0f, 255.0f);
    Bytes bytes(static_cast<size_t>(n));
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(floats[static_cast<int64_t>(i)]);
    for (const bool to_bytes : {false, true}) {
      for (const bool separable : {false, true}) {
        check_filter(kernels, s, bytes, to_bytes, separable);
        check_filter(kernels, s, std::vector<float>(floats.begin(), floats.end()), to_bytes, separable);
      }
    }
  }
}

// Not a number is 0 among bytes; halves go to the even one, as everywhere in NumPy.
TEST(filter_to_bytes) {
  const std::vector<float> x = {NAN, -3.0f, 0.5f, 1.5f, 2.5f, 254.5f, 254.51f, 300.0f, INFINITY, -INFINITY};
  const std::vector<int64_t> row = {0}, columns = positions(10, 0, 0);
  const float one = 1.0f;
  FilterPlan plan{};
  plan.w = plan.ow = 10, plan.c = plan.oh = plan.kh = plan.kw = plan.sh = plan.sw = 1;
  plan.type = SourceType::kFloat32, plan.bytes = true;
  plan.weights = &one, plan.rows = row.data(), plan.columns = columns.data();
  Guarded scratch(kernels.filter.scratch(plan));
  Bytes y(10);
  kernels.filter.apply(y.data(), scratch.data(), x.data(), plan, 0);
  CHECK(y == Bytes({0, 0, 0, 2, 2, 254, 255, 255, 255, 0}));
}

}  // namespace pycnn::testing
