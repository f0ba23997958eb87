// The weight gradient of a convolution as matrix products, tap by tap: dw (c, k) = x^T (c, pixels) dy (pixels, k).
//
// It goes block by block of output rows, of which x and dy are packed into panels: of as many channels as a register
// tile has rows, and of as many outputs as it has columns. Whatever the tiles read then lies in a row and in the cache.
// Where they are, pixels are often a power of two apart, and only few of them fit into a cache at once.
#pragma once

#include "kernels/conv2d/epilogue.h"
#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kBlockPixels = 256;   // whose panel of dy stays in L1 or near it
constexpr int64_t kPartChannels = 256;  // whose panels of a block stay in L2

// A block: some rows of outputs of one image, or all of several images; and what it sees of the padded x. Where the
// kernel has one row, or one column, what no tap sees is left out.
struct WeightBlock {
  const Conv2D& s;
  int64_t images, rows;           // at most
  int64_t row_step, column_step;  // in x, from one that is kept to the next
  int64_t columns;                // that are kept

  explicit WeightBlock(const Conv2D& shape) : s(shape) {
    const int64_t all = max(kBlockPixels / s.ow, 1), blocks = (s.oh + all - 1) / all;
    images = max(all / s.oh, 1);
    rows = (s.oh + blocks - 1) / blocks;
    row_step = s.kh == 1 ? s.stride_h : 1;
    column_step = s.kw == 1 ? s.stride_w : 1;
    columns = (seen_w(s) - 1) / column_step + 1;
  }
  int64_t seen_rows(int64_t outputs) const {
    return ((outputs - 1) * s.stride_h + (s.kh - 1) * s.dilation_h) / row_step + 1;
  }
  int64_t seen_pixels() const { return images * seen_rows(rows) * columns; }
  int64_t pixels() const { return images * rows * s.ow; }
};

// Of the pieces that threads share, as many as leave work for 16.
PYCNN_INLINE int64_t piece_inputs(const Conv2D& s) {
  return channel_parts(s, 2 * kPieceInputs) >= 16 ? 2 * kPieceInputs : kPieceInputs;
}

// Channels of a panel: tiles of nearly equal height.
PYCNN_INLINE int64_t panel_height(int64_t inputs) {
  const int64_t tiles = (inputs + kMaxRows - 1) / kMaxRows;
  return (inputs + tiles - 1) / tiles;
}
// Pixels are stored as whole vectors: what the last one has too much lies between the panels.
PYCNN_INLINE int64_t panel_floats(int64_t pixels, int64_t height) { return round_up(pixels * height + kLanes); }

// y (panels, height): a pixel's channels; `alone`: nothing may be read after them.
PYCNN_INLINE void pack_pixel(float* y, int64_t y_panel, const float* x, int64_t channels, int64_t height, bool alone) {
  for (int64_t c = 0; c < channels; c += height, y += y_panel)
    for (int64_t j = 0; j < min(height, channels - c); j += kLanes)
      store(y + j, alone ? load_n(x + c + j, min(kLanes, channels - c - j)) : load(x + c + j));
}

// y (panels, pixels, height), panels `y_panel` floats apart: of pixels (channels) `x_stride` apart. Pixels lie too far
// from each other for the processor to fetch them ahead by itself.
void pack_pixels(float* y, int64_t y_panel, const float* x, int64_t x_stride, int64_t pixels, int64_t channels,
                 int64_t height) {
  constexpr int64_t kPixelsAhead = 3;
  const int64_t followed = pixels - (kLanes + x_stride - 1) / x_stride;  // by as much as a vector takes in
  for (int64_t i = 0; i < pixels; ++i, x += x_stride, y += height) {
    for (int64_t c = 0; c < channels; c += kLine) __builtin_prefetch(x + kPixelsAhead * x_stride + c);
    if (i < followed) pack_pixel(y, y_panel, x, channels, height, false);
    else pack_pixel(y, y_panel, x, channels, height, true);
  }
}

// What `rows` rows of outputs from `row` on see of an image's channels; what lies outside is pad_value. In order: a
// pixel is stored over the beginning of the next one.
void pack_seen(float* y, int64_t y_panel, const float* x, const WeightBlock& block, int64_t row, int64_t rows,
               int64_t channels, int64_t height) {
  const Conv2D& s = block.s;
  const int64_t begin = min(block.columns, (s.left + block.column_step - 1) / block.column_step);
  const int64_t end = max(begin, min(block.columns, (s.w + s.left - 1) / block.column_step + 1));
  for (int64_t i = 0; i < block.seen_rows(rows); ++i, y += block.columns * height) {
    const int64_t from = row * s.stride_h - s.top + i * block.row_step;
    const bool inside = from >= 0 && from < s.h;
    const auto pad = [&](int64_t first, int64_t last) {
      for (int64_t c = 0; c * height < channels; ++c)
        fill(y + c * y_panel + first * height, s.pad_value, (last - first) * height);
    };
    pad(0, inside ? begin : block.columns);
    if (!inside) continue;
    pack_pixels(y + begin * height, y_panel, x + (from * s.w + begin * block.column_step - s.left) * s.c,
                block.column_step * s.c, end - begin, channels, height);
    pad(end, block.columns);
  }
}

// dw of group g and these channels, = or += the sum over the images.
void weight_products(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, int64_t g,
                     const ChannelPart& part, bool accumulate) {
  const WeightBlock block(s);
  const int64_t height = panel_height(part.inputs), x_panel = panel_floats(block.seen_pixels(), height);
  const int64_t dy_panel = block.pixels() * kPanel, inputs = group_inputs(s);
  float* const x = scratch;
  float* const dy = x + (part.inputs + height - 1) / height * x_panel;
  const int64_t input = g * inputs + part.input, output = g * group_outputs(s) + part.output;
  OuterTile t;
  t.dw_stride = s.k;
  t.x_pixel_stride = s.stride_w / block.column_step * height;
  t.dy_pixel_stride = kPanel;
  for (int64_t i = 0; i < images.count; i += block.images)
    for (int64_t row = 0; row < s.oh; row += block.rows) {
      const int64_t count = min(block.images, images.count - i), rows = min(block.rows, s.oh - row);
      const int64_t pixels = rows * s.ow, seen = block.seen_rows(rows) * block.columns;
      for (int64_t j = 0; j < count; ++j) {
        pack_seen(x + j * seen * height, x_panel, images.x + (i + j) * images.x_stride + input, block, row, rows,
                  part.inputs, height);
        pack_pixels(dy + j * pixels * kPanel, dy_panel,
                    images.dy + (i + j) * images.dy_stride + row * s.ow * s.k + output, s.k, pixels, part.outputs,
                    kPanel);
      }
      // Rows, and images, whose pixels are neighbours in both are one.
      const bool joins_rows = s.kw == 1 && block.row_step == s.stride_h, joins_images = joins_rows && s.kh == 1;
      t.x_row_stride = s.stride_h / block.row_step * block.columns * height;
      t.dy_row_stride = s.ow * kPanel;
      t.rows = joins_rows ? 1 : rows;
      t.pixels = joins_images ? count * pixels : joins_rows ? pixels : s.ow;
      for (int64_t k = 0; k < part.outputs; k += kPanel)
        for (int64_t tap = 0; tap < s.kh * s.kw; ++tap)
          for (int64_t c = 0; c < part.inputs; c += height)
            for (int64_t j = 0; j < (joins_images ? 1 : count); ++j) {
              t.dw = dw + (tap * inputs + part.input + c) * s.k + output + k;
              t.columns = min(kPanel, part.outputs - k);
              t.x =
                  x + c / height * x_panel +
                  (j * seen + tap / s.kw * s.dilation_h / block.row_step * block.columns + tap % s.kw * s.dilation_w) *
                      height;
              t.dy = dy + k / kPanel * dy_panel + j * pixels * kPanel;
              t.accumulate = accumulate || i + row + j > 0;
              run_outer(Float32{}, t, min(height, part.inputs - c));
            }
    }
}

void panels_backward_weight(float* dw, float* db, const ImagePairs& images, float* scratch,
                            const Conv2DBackwardWeight& f, bool accumulate) {
  const Conv2D& s = f.shape;
  bias_gradient(db, images, s, accumulate);
  const int64_t inputs = group_inputs(s), outputs = group_outputs(s);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t k = 0; k < outputs; k += kPartChannels)
      for (int64_t c = 0; c < inputs; c += kPartChannels)
        weight_products(dw, images, scratch, s, g,
                        {c, min(kPartChannels, inputs - c), k, min(kPartChannels, outputs - k)}, accumulate);
}

void panels_piece(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                  bool accumulate, int64_t piece) {
  const ChannelPart part = channel_part(f.shape, piece, piece_inputs(f.shape));
  bias_gradient(db, images, f.shape, part, accumulate);
  weight_products(dw, images, scratch, f.shape, 0, part, accumulate);
}

// Of kernels with inputs enough for the rows of register tiles.
bool panels_form(Conv2DBackwardWeight& f) {
  const Conv2D& s = f.shape;
  const WeightBlock block(s);
  // Nor where a row alone, or the rows between far taps, would make blocks that no cache holds.
  if (group_inputs(s) < 8 || block.seen_pixels() + block.pixels() > 16 * kBlockPixels) return false;
  const int64_t inputs = min(group_inputs(s), kPartChannels), outputs = min(group_outputs(s), kPartChannels);
  // Parts of fewer inputs have lower panels: more of them, and what lies between.
  f.scratch_floats = (inputs + kMaxRows) * block.seen_pixels() + 2 * (inputs / kMaxRows + 2) * (kLanes + 16) +
                     panels_of(outputs) * kPanel * block.pixels();
  f.run = panels_backward_weight;
  f.pieces = channel_parts(s, piece_inputs(s));
  f.piece_scratch_floats = f.scratch_floats;
  f.run_piece = panels_piece;
  return true;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
