// Matrix products of bfloat16 operands. The left-hand side comes as floats and is rounded a block at a time; the packed
// one has half the size where the ISA multiplies pairs.
#include "kernels/gemm/few_rows.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/outer.h"
#include "kernels/gemm/pack.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Words of the depth taken at once: a panel's rows and the rounded left-hand side of one tile stay in L1.
constexpr int64_t kDepthBlock = 256;

void round_rows(float* words, const float* x, int64_t x_stride, int64_t rows, int64_t depth) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < depth; i += kLanes) {
      const int64_t lanes = min(kLanes, depth - i);
      Bfloat16::store(words + r * kDepthBlock, i, load_n(x + r * x_stride + i, lanes), lanes);
    }
}

void multiply(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* packed, const float* bias,
              int64_t rows, int64_t depth, int64_t columns, int64_t panel_begin, int64_t panel_end, float lower) {
  constexpr int64_t kTerms = kDepthBlock * Bfloat16::kTerms;
  alignas(64) float words[kMaxRows * kDepthBlock];
  const Segment whole = {0, 0};
  const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows, panel_stride = Bfloat16::words(depth) * kPanel;
  Tile t = product_tile(whole, y_stride, kDepthBlock);
  t.x = words;
  int64_t d = 0;
  do {
    const int64_t length = min(kTerms, depth - d);
    t.length = Bfloat16::words(length);
    t.accumulate = d > 0;
    t.lower = d + length == depth ? lower : -__builtin_huge_valf();
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t first = tile * rows / tiles, height = (tile + 1) * rows / tiles - first;
      round_rows(words, x + first * x_stride + d, x_stride, height, length);
      const int64_t at_once = height <= kFewRows ? panel_end - panel_begin : 1;
      for (int64_t q = panel_begin; q < panel_end; q += at_once) {
        const int64_t column = q * kPanel;
        t.y = y + first * y_stride + column;
        t.columns = min(at_once * kPanel, columns - column);
        t.b = packed + q * panel_stride + Bfloat16::words(d) * kPanel;
        t.bias = bias ? bias + column : nullptr;
        if (height <= kFewRows) run_few_rows<Bfloat16>(t, height, at_once, panel_stride);
        else run_tiles<Bfloat16>(t, height);
      }
    }
    d += length;
  } while (d < depth);
}

// words (rows / kTerms, columns), `stride` floats apart: each of one column, its rows paired as they are summed.
void pair_rows(float* words, int64_t stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r += Bfloat16::kTerms, words += stride)
    for (int64_t i = 0; i < columns; i += kLanes) {
      const int64_t lanes = min(kLanes, columns - i);
      Vec terms[Bfloat16::kTerms];
      for (int64_t t = 0; t < Bfloat16::kTerms; ++t)
        terms[t] = r + t < rows ? load_n(x + (r + t) * x_stride + i, lanes) : Vec{};
      store_n(words + i, Bfloat16::word(terms), lanes);
    }
}

// Inputs and rows that are taken at once, so that their words stay in L1.
constexpr int64_t kInputBlock = 64, kRowBlock = 64 * Bfloat16::kTerms;

void outer(float* dw, const float* x, int64_t x_stride, const float* dy, int64_t dy_stride, int64_t rows,
           int64_t outputs, int64_t input_begin, int64_t input_end, bool accumulate) {
  alignas(64) float inputs[64 * kInputBlock], gradients[64 * kPanel];
  for (int64_t first = input_begin; first < input_end; first += kInputBlock)
    for (int64_t row = 0; row < rows; row += kRowBlock) {
      const int64_t count = min(kInputBlock, input_end - first), height = min(kRowBlock, rows - row);
      pair_rows(inputs, kInputBlock, x + row * x_stride + first, x_stride, height, count);
      for (int64_t k = 0; k < outputs; k += kPanel) {
        const int64_t columns = min(kPanel, outputs - k);
        pair_rows(gradients, kPanel, dy + row * dy_stride + k, dy_stride, height, columns);
        OuterTile t;
        t.dw = dw + first * outputs + k;
        t.dw_stride = outputs;
        t.columns = 0;  // run_outers sets it
        t.x = inputs;
        t.x_row_stride = t.dy_row_stride = 0;
        t.x_pixel_stride = kInputBlock;
        t.dy = gradients;
        t.dy_pixel_stride = kPanel;
        t.rows = 1;
        t.pixels = Bfloat16::words(height);
        t.accumulate = accumulate || row > 0;
        run_outers<Bfloat16>(t, count, columns);
      }
    }
}

}  // namespace

GemmKernels gemm_bf16_kernels() {
  GemmKernels kernels = gemm_kernels();
  kernels.packed_floats = gemm_packed_floats<Bfloat16>;
  kernels.pack = gemm_pack<Bfloat16>;
  kernels.pack_transposed = gemm_pack_transposed<Bfloat16>;
  kernels.multiply = multiply;
  kernels.outer = outer;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
