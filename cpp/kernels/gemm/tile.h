// The register tile under every matrix product and direct convolution: P rows of x times one packed panel.
//
// A row's reduction is a list of segments: `length` neighbouring words (simd/operands.h; of float32 operands, floats)
// of x at row + x_offset, against `length` packed rows at panel + b_offset. A plain product has one segment; a
// convolution one for each kernel row, since in NHWC the taps of a row and their channels are neighbours. Nothing is
// gathered (no im2col).
#pragma once

#include "simd/operands.h"
#include "simd/unroll.h"

namespace pycnn::PYCNN_ISA {

constexpr int kPanelVectors = 2;
constexpr int kPanel = kPanelVectors * kLanes;

// Accumulators are P x kPanelVectors vectors: as many rows as leave registers for a panel row and one broadcast.
#if defined(__AVX512F__)
constexpr int kMaxRows = 14;
#elif defined(__aarch64__)
constexpr int kMaxRows = 12;
#else
constexpr int kMaxRows = 6;
#endif

// Large panels come from beyond L2.
constexpr int kRowsAhead = 24, kLine = 16;

struct Segment {
  int64_t x_offset;
  int64_t b_offset;
};

struct Tile {
  float* y;
  int64_t y_stride;
  int64_t columns;  // valid columns of the panel, 1..kPanel
  const float* x;
  int64_t x_stride;
  const Segment* segments;
  int64_t segment_count;
  int64_t length;
  const float* b;
  int64_t b_stride = kPanel;  // from row to row of the panel
  const float* bias;          // null: none; else kPanel floats are not needed, `columns` are
  bool accumulate;            // start from y instead of from the bias
  float lower;
  float upper = __builtin_huge_valf();
  int64_t ahead = kRowsAhead * kPanel;  // how far from the panel's row what is fetched meanwhile lies
  const float* residual = nullptr;      // added to the sums before they are bounded; laid out like y
};

// Of a plain product, whose one segment is `whole`.
PYCNN_INLINE Tile product_tile(const Segment& whole, int64_t y_stride, int64_t x_stride, int64_t b_stride = kPanel) {
  Tile t;
  t.y_stride = y_stride;
  t.x_stride = x_stride;
  t.segments = &whole;
  t.segment_count = 1;
  t.b_stride = b_stride;
  return t;
}

// One tile of at most kMaxRows rows. No template: every product of an ISA shares the code of gemm/tile.cpp.
void run_tile(Float32, const Tile& t, int64_t rows);
#if defined(__AVX512BF16__)
void run_tile(Bfloat16, const Tile& t, int64_t rows);
#endif

namespace {

// Valid floats of the panel's vector v: less than kLanes only in the last one.
PYCNN_INLINE int64_t lanes_of(int64_t columns, int v) { return min(columns - v * kLanes, kLanes); }

// `rows` rows in tiles of nearly equal height: a lone last row would waste its chains. During the last one
// the panel that comes next is fetched, `next` floats after this one; 0: none.
template <class Operand>
PYCNN_INLINE void run_tiles(Tile t, int64_t rows, int64_t next = 0) {
  int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
  while (rows > 0) {
    if (tiles == 1 && next > 0) t.ahead = next;
    const int64_t height = (rows + tiles - 1) / tiles;
    run_tile(Operand{}, t, height);
    t.y += height * t.y_stride;
    if (t.residual) t.residual += height * t.y_stride;
    t.x += height * t.x_stride;
    rows -= height;
    --tiles;
  }
}

// y (rows, kLanes) = x (rows, kLanes words) times b, kLanes rows of a panel, which stay in registers; rows beyond a
// multiple of kSquareRows are left to the caller. Returns how many are done.
constexpr int kSquareRows = 8;
template <class Operand>
PYCNN_INLINE int64_t run_square(float* y, int64_t y_stride, const float* x, const float* b, int64_t rows) {
  Vec row[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) row[i] = load(b + i * kPanel);
  int64_t done = 0;
  for (; done + kSquareRows <= rows; done += kSquareRows, y += kSquareRows * y_stride, x += kSquareRows * kLanes) {
    Vec sum[kSquareRows] = {};
    unrolled<kLanes, kSquareRows>(
        [&](int i, int p) { sum[p] = Operand::add_product(sum[p], Operand::broadcast(x + p * kLanes + i), row[i]); });
#pragma GCC unroll 8
    for (int p = 0; p < kSquareRows; ++p) store(y + p * y_stride, sum[p]);
  }
  return done;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
