#include "tests/check.h"

namespace pycnn::testing {
namespace {

// Small integers: every sum is exact.
Floats integers(int64_t n, uint32_t seed) {
  Floats values = random_floats(n, seed, -3.5f, 3.5f);
  for (float& v : values) v = std::round(v);
  return values;
}

}  // namespace

TEST(tensor_matmul) {
  const std::vector<std::vector<int64_t>> shapes = {
      {1, 1, 1},   {1, 7, 5},    {5, 7, 1},   {3, 1, 4},   {2, 3, 4}, {7, 16, 15}, {16, 17, 33}, {33, 5, 64},
      {64, 64, 9}, {40, 600, 3}, {1, 40, 70}, {70, 40, 1}, {0, 3, 2}, {2, 3, 0},   {2, 0, 3},    {67, 31, 45}};
  for (const std::vector<int64_t>& shape : shapes) {
    const int64_t m = shape[0], k = shape[1], n = shape[2];
    const Floats a = integers(m * k, 1), b = integers(k * n, 2), before = integers(m * n, 3);
    for (int variant = 0; variant < 8; ++variant) {
      const bool transpose_a = variant & 1, transpose_b = variant & 2, accumulate = variant & 4;
      Guarded y(before), scratch(kernels.tensor.matmul_scratch(m, k, n), kNan);
      kernels.tensor.matmul(y.data(), a.data(), b.data(), m, k, n, transpose_a, transpose_b, accumulate,
                            scratch.data());
      CHECK(y.intact() && scratch.intact());
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double want = accumulate ? before[i * n + j] : 0.0;
          for (int64_t t = 0; t < k; ++t) {
            want += double(transpose_a ? a[t * m + i] : a[i * k + t]) * (transpose_b ? b[j * k + t] : b[t * n + j]);
          }
          CHECK_EQUAL(y[i * n + j], want, m, " ", k, " ", n, " variant ", variant);
        }
      }
    }
  }
}

TEST(tensor_matmul_not_a_number) {
  for (const bool transpose_a : {false, true}) {
    const Floats a = {1.0f, kNan, 2.0f, 3.0f}, b = {1.0f, 0.0f, 0.0f, 1.0f};
    Guarded y(4), scratch(kernels.tensor.matmul_scratch(2, 2, 2));
    kernels.tensor.matmul(y.data(), a.data(), b.data(), 2, 2, 2, transpose_a, false, false, scratch.data());
    const Floats want = transpose_a ? Floats{1.0f, 2.0f, kNan, kNan} : Floats{kNan, kNan, 2.0f, 3.0f};
    for (int64_t i = 0; i < 4; ++i) CHECK_EQUAL(y[i], want[i], transpose_a, " at ", i);
  }
}

}  // namespace pycnn::testing
