// Products of small matrices, over the packed products of kernels/gemm.
#include "kernels/shared.h"
#include "kernels/tensor/parts.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Rows of a product that are added to y at a time.
constexpr int64_t kRows = 32;

}  // namespace

int64_t matmul_scratch(int64_t m, int64_t k, int64_t n) {
  return gemm_kernels().packed_floats(k, n) + min(m, kRows) * n + m * k;
}

void matmul(float* y, const float* a, const float* b, int64_t m, int64_t k, int64_t n, bool transpose_a,
            bool transpose_b, bool accumulate, float* scratch) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!accumulate) fill(y, 0.0f, m * n);
    return;
  }
  const GemmKernels gemm = gemm_kernels();
  const ElementwiseKernels elementwise = elementwise_kernels();
  // A row or a column is its own transpose.
  transpose_a = transpose_a && m > 1 && k > 1;
  transpose_b = transpose_b && n > 1 && k > 1;
  if (transpose_a && !transpose_b) return gemm.outer(y, a, m, b, n, k, n, 0, m, accumulate);

  float* packed = scratch;
  float* sums = packed + gemm.packed_floats(k, n);
  if (transpose_a) {
    float* turned = sums + min(m, kRows) * n;
    elementwise.transpose(turned, k, a, m, k, m);
    a = turned;
  }
  const int64_t panel = gemm.packed_floats(1, 1), panels = (n + panel - 1) / panel;
  if (transpose_b) gemm.pack_transposed(packed, b, k, k, n, 0, panels);
  else gemm.pack(packed, b, n, k, n, 0, panels);
  const float none = -__builtin_huge_valf();
  if (!accumulate) return gemm.multiply(y, n, a, k, packed, nullptr, m, k, n, 0, panels, none);
  for (int64_t i = 0; i < m; i += kRows) {
    const int64_t rows = min(kRows, m - i);
    gemm.multiply(sums, n, a + i * k, k, packed, nullptr, rows, k, n, 0, panels, none);
    elementwise.add(y + i * n, y + i * n, sums, rows * n);
  }
}

}  // namespace pycnn::PYCNN_ISA
