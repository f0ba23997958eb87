// Matrix products of bfloat16 operands. The left-hand side comes as floats and is rounded a block at a time; the packed
// one has half the size where the ISA multiplies pairs.
#include "kernels/gemm/few_rows.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/pack.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Words of the depth taken at once: a panel's rows and the rounded left-hand side of one tile stay in L1.
constexpr int64_t kDepthBlock = 256;

void round_rows(float* words, const float* x, int64_t x_stride, int64_t rows, int64_t depth) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < depth; i += kLanes) {
      const int64_t lanes = least(kLanes, depth - i);
      Bfloat16::store(words + r * kDepthBlock, i, load_n(x + r * x_stride + i, lanes), lanes);
    }
}

void multiply(float* y, int64_t y_stride, const float* x, int64_t x_stride, const float* packed, const float* bias,
              int64_t rows, int64_t depth, int64_t columns, int64_t panel_begin, int64_t panel_end, float lower) {
  constexpr int64_t kTerms = kDepthBlock * Bfloat16::kTerms;
  alignas(64) float words[kMaxRows * kDepthBlock];
  const Segment whole = {0, 0};
  const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows, panel_stride = Bfloat16::words(depth) * kPanel;
  Tile t;
  t.y_stride = y_stride;
  t.x = words;
  t.x_stride = kDepthBlock;
  t.segments = &whole;
  t.segment_count = 1;
  int64_t d = 0;
  do {
    const int64_t length = least(kTerms, depth - d);
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
        t.columns = least(at_once * kPanel, columns - column);
        t.b = packed + q * panel_stride + Bfloat16::words(d) * kPanel;
        t.bias = bias ? bias + column : nullptr;
        if (height <= kFewRows) run_few_rows<Bfloat16>(t, height, at_once, panel_stride);
        else run_tiles<Bfloat16>(t, height);
      }
    }
    d += length;
  } while (d < depth);
}

}  // namespace

GemmKernels gemm_bf16_kernels() {
  GemmKernels kernels = gemm_kernels();
  kernels.packed_floats = gemm_packed_floats<Bfloat16>;
  kernels.pack = gemm_pack<Bfloat16>;
  kernels.pack_transposed = gemm_pack_transposed<Bfloat16>;
  kernels.multiply = multiply;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
