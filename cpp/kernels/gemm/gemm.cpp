#include "kernels/gemm/gemm.h"

#include "kernels/gemm/few_rows.h"
#include "kernels/gemm/outer.h"
#include "kernels/gemm/pack.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

namespace {

// Panel rows that stay in L1 while all rows of x pass by.
constexpr int64_t kDepthBlock = 512;

// The right-hand side of a product: panels are `panel_stride` floats apart, their rows row_stride.
struct Panels {
  const float* data;
  int64_t panel_stride, row_stride;
};

void multiply_panels(float* y, int64_t y_stride, const float* x, int64_t x_stride, const Panels& b, const float* bias,
                     int64_t rows, int64_t depth, int64_t columns, int64_t panel_begin, int64_t panel_end,
                     float lower) {
  const Segment whole = {0, 0};
  Tile t = product_tile(whole, y_stride, x_stride, b.row_stride);
  if (rows <= kFewRows) {  // each weight is used at once or never again
    const int64_t column = panel_begin * kPanel;
    t.y = y + column;
    t.columns = min(panel_end * kPanel, columns) - column;
    t.x = x;
    t.length = depth;
    t.b = b.data + panel_begin * b.panel_stride;
    t.bias = bias ? bias + column : nullptr;
    t.accumulate = false;
    t.lower = lower;
    return run_few_rows<Float32>(t, rows, panel_end - panel_begin, b.panel_stride);
  }
  for (int64_t q = panel_begin; q < panel_end; ++q) {
    const int64_t column = q * kPanel;
    t.columns = min(kPanel, columns - column);
    t.bias = bias ? bias + column : nullptr;
    int64_t d = 0;
    do {
      const int64_t length = min(kDepthBlock, depth - d);
      t.y = y + column;
      t.x = x + d;
      t.length = length;
      t.b = b.data + q * b.panel_stride + d * b.row_stride;
      t.accumulate = d > 0;
      t.lower = d + length == depth ? lower : -__builtin_huge_valf();
      run_tiles<Float32>(t, rows);
      d += length;
    } while (d < depth);
  }
}

void multiply(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* packed, const float* bias,
              int64_t rows, int64_t depth, int64_t columns, int64_t panel_begin, int64_t panel_end, float lower) {
  multiply_panels(y, y_stride, x, x_stride, {packed, depth * kPanel, kPanel}, bias, rows, depth, columns, panel_begin,
                  panel_end, lower);
}

// b is read once, a block of rows after the other, while all columns of the next block are fetched: the columns of one
// panel alone are no sequence that the processor foresees.
void multiply_plain(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* b, int64_t ldb,
                    int64_t rows, int64_t depth, int64_t columns) {
  constexpr int64_t kBlockFloats = 1 << 16;  // and the next one stay in L2
  if (rows <= kFewRows || depth * columns <= kBlockFloats)
    return multiply_panels(y, y_stride, x, x_stride, {b, kPanel, ldb}, nullptr, rows, depth, columns, 0,
                           columns / kPanel, -__builtin_huge_valf());
  const int64_t block = max(kBlockFloats / columns, 8);
  const Segment whole = {0, 0};
  Tile t = product_tile(whole, y_stride, x_stride, ldb);
  t.columns = kPanel;
  t.bias = nullptr;
  t.lower = -__builtin_huge_valf();
  for (int64_t d = 0; d < depth; d += block) {
    t.x = x + d;
    t.length = min(block, depth - d);
    t.accumulate = d > 0;
    t.ahead = d + 2 * block <= depth ? block * ldb : 0;
    for (int64_t column = 0; column < columns; column += kPanel) {
      t.y = y + column;
      t.b = b + d * ldb + column;
      run_tiles<Float32>(t, rows);
    }
  }
}

// y (columns) += the products of `R` rows of b.
template <int R>
PYCNN_INLINE void add_rows(float* y, const float* x, const float* b, int64_t ldb, int64_t columns) {
  Vec a[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) a[r] = broadcast(x[r]);
  for_vectors(columns, [&](int64_t j, auto lanes) {
    Vec sum = load(y + j, lanes);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum = Float32::add_product(sum, a[r], load(b + r * ldb + j, lanes));
    store(y + j, sum, lanes);
  });
}

void multiply_one(float* y, const float* x, const float* b, int64_t ldb, const float* bias, int64_t depth,
                  int64_t columns, float lower) {
  constexpr int64_t kColumns = 2048;  // whose sums stay in L1
  constexpr int kRows = 4;
  for (int64_t c = 0; c < columns; c += kColumns) {
    const int64_t count = min(kColumns, columns - c);
    if (bias) copy(y + c, bias + c, count);
    else fill(y + c, 0.0f, count);
    int64_t d = 0;
    for (; d + kRows <= depth; d += kRows) add_rows<kRows>(y + c, x + d, b + d * ldb + c, ldb, count);
    for (; d < depth; ++d) add_rows<1>(y + c, x + d, b + d * ldb + c, ldb, count);
    for_vectors(count, [&](int64_t j, auto lanes) {
      store(y + c + j, maximum(broadcast(lower), load(y + c + j, lanes)), lanes);
    });
  }
}

void outer(float* dw, const float* x, int64_t x_stride, const float* dy, int64_t dy_stride, int64_t rows,
           int64_t outputs, int64_t input_begin, int64_t input_end, bool accumulate) {
  OuterTile t;
  t.dw = dw + input_begin * outputs;
  t.dw_stride = outputs;
  t.columns = 0;
  t.x = x + input_begin;
  t.x_row_stride = t.dy_row_stride = 0;
  t.x_pixel_stride = x_stride;
  t.dy = dy;
  t.dy_pixel_stride = dy_stride;
  t.rows = 1;
  t.pixels = rows;
  t.accumulate = accumulate;
  run_outers<Float32>(t, input_end - input_begin, outputs);
}

}  // namespace

GemmKernels gemm_kernels() {
  GemmKernels kernels{};
  kernels.packed_floats = gemm_packed_floats<Float32>;
  kernels.pack = gemm_pack<Float32>;
  kernels.pack_transposed = gemm_pack_transposed<Float32>;
  kernels.multiply = multiply;
  kernels.multiply_plain = multiply_plain;
  kernels.multiply_one = multiply_one;
  kernels.outer = outer;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
