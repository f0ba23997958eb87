// Where a convolution's taps lie: padded images, segments and the phases of a strided backward pass.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/gemm/pack.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// An image in scratch or the caller's own: `data` is pixel (0, 0) of an (h, w, c) array, c words a pixel.
struct Image {
  const float* data;
  int64_t h, w, c;
};

// Scratch is cut from the front in pieces that start on cache lines.
PYCNN_INLINE int64_t round_up(int64_t n) { return (n + 15) / 16 * 16; }

PYCNN_INLINE bool is_depthwise(const Conv2D& s) { return s.groups == s.c && s.groups > 1; }
PYCNN_INLINE int64_t group_inputs(const Conv2D& s) { return s.c / s.groups; }
PYCNN_INLINE int64_t group_outputs(const Conv2D& s) { return s.k / s.groups; }
PYCNN_INLINE bool is_plain(const Conv2D& s) {  // no strides, dilation or groups
  return s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1;
}
PYCNN_INLINE bool is_square(FusedPool pool) { return pool.ph == 2 && pool.pw == 2; }
PYCNN_INLINE int64_t y_pixel(const Images& images, const Conv2D& s) { return images.y_pixel ? images.y_pixel : s.k; }

// Pieces are (panel, block of rows); `rows` counts what is cut: output rows, or pooled rows.
PYCNN_INLINE int64_t row_blocks(int64_t rows) { return min(rows, 8); }

// The part of the padded image that the output depends on.
PYCNN_INLINE int64_t seen_h(const Conv2D& s) { return (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1; }
PYCNN_INLINE int64_t seen_w(const Conv2D& s) { return (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1; }
PYCNN_INLINE bool needs_padding(const Conv2D& s) {
  return s.top > 0 || s.left > 0 || seen_h(s) > s.h || seen_w(s) > s.w;
}

// Words of a pixel of c channels in groups: a word never holds channels of two groups.
template <class Operand>
PYCNN_INLINE int64_t pixel_words(int64_t c, int64_t groups) {
  return groups * Operand::words(c / groups);
}

// `pixels` pixels as words; source(i, count) gives the channels from i on, counted over all pixels.
template <class Operand, class Source>
PYCNN_INLINE void store_pixels(float* y, int64_t pixels, int64_t c, int64_t groups, const Source& source) {
  const int64_t all = pixels * c, run = c / groups % Operand::kTerms == 0 ? all : c / groups;
  for (int64_t i = 0; i < all; i += run, y += Operand::words(run))
    for_vectors(
        run, [&](int64_t k, auto lanes) { Operand::store(y, k, source(i + k, lane_count(lanes)), lane_count(lanes)); });
}

// y (h, w, c): x at (top, left), cropped to h x w, `value` elsewhere. top and left may not be negative.
template <class Operand>
PYCNN_INLINE void pad_image(float* y, int64_t h, int64_t w, const float* x, int64_t xh, int64_t xw, int64_t c,
                            int64_t groups, int64_t top, int64_t left, float value) {
  const auto outside = [&](int64_t, int64_t) { return broadcast(value); };
  const int64_t width = max(0, min(xw, w - left)), words = pixel_words<Operand>(c, groups);
  for (int64_t i = 0; i < h; ++i, y += w * words) {
    const int64_t from = i - top;
    if (from < 0 || from >= xh) {
      store_pixels<Operand>(y, w, c, groups, outside);
      continue;
    }
    const int64_t before = min(left, w);
    const float* row = x + from * xw * c;
    const auto inside = [&](int64_t at, int64_t lanes) { return load_n(row + at, lanes); };
    store_pixels<Operand>(y, before, c, groups, outside);
    store_pixels<Operand>(y + before * words, width, c, groups, inside);
    store_pixels<Operand>(y + (before + width) * words, w - before - width, c, groups, outside);
  }
}

// The input as the kernels read it: no bounds to check. In scratch where it is padded or rounded.
template <class Operand = Float32>
PYCNN_INLINE Image padded_input(const float* x, float* scratch, const Conv2D& s) {
  if (!Operand::kRounds && !needs_padding(s)) return {x, s.h, s.w, s.c};
  pad_image<Operand>(scratch, seen_h(s), seen_w(s), x, s.h, s.w, s.c, s.groups, s.top, s.left, s.pad_value);
  return {scratch, seen_h(s), seen_w(s), pixel_words<Operand>(s.c, s.groups)};
}

template <class Operand = Float32>
PYCNN_INLINE int64_t padded_input_floats(const Conv2D& s) {
  if (!Operand::kRounds && !needs_padding(s)) return 0;
  return round_up(seen_h(s) * seen_w(s) * pixel_words<Operand>(s.c, s.groups));
}

// dx (s.h, s.w, s.c) from the gradient of the padded image (h, w, s.c), whose padding is cropped; where dx reaches
// further it is 0.
PYCNN_INLINE void crop(float* dx, const float* padded, int64_t h, int64_t w, const Conv2D& s) {
  for (int64_t i = 0; i < s.h; ++i) {
    const bool seen = i + s.top < h;
    const int64_t width = seen ? max(0, min(s.w, w - s.left)) : 0;
    if (seen) copy(dx + i * s.w * s.c, padded + ((i + s.top) * w + s.left) * s.c, width * s.c);
    fill(dx + (i * s.w + width) * s.c, 0.0f, (s.w - width) * s.c);
  }
}

// body(padded, height, width) makes the gradient of the padded image; without padding that is dx itself, else it lies
// in scratch.
template <class Body>
PYCNN_INLINE void through_padding(float* dx, float* scratch, const Conv2D& s, const Body& body) {
  const bool direct = !needs_padding(s);
  const int64_t h = direct ? s.h : seen_h(s), w = direct ? s.w : seen_w(s);
  float* padded = direct ? dx : scratch;
  body(padded, h, w);
  if (!direct) crop(dx, padded, h, w, s);
}

// Whether a kernel row's taps and their channels are neighbours in x.
PYCNN_INLINE bool rows_are_segments(const Conv2D& s) { return s.groups == 1 && s.dilation_w == 1; }
PYCNN_INLINE int64_t segment_floats(const Conv2D& s) {
  return round_up(s.kh * s.kw * static_cast<int64_t>(sizeof(Segment) / sizeof(float)));
}

// The phase of input rows (or columns) i with (i + before) % stride == phase, one axis of backward_input.
struct Phase {
  int64_t first;  // the first such i
  int64_t count;  // how many
  int64_t from;   // the output position that tap 0's shift is counted from, at `first`
};

// A stride beyond the image leaves most phases without an input row: these begin at the first rows, i + before.
PYCNN_INLINE int64_t phase_count(int64_t size, int64_t stride) { return min(size, stride); }

PYCNN_INLINE Phase phase_of(int64_t phase, int64_t size, int64_t before, int64_t stride) {
  const int64_t first = ((phase - before) % stride + stride) % stride;
  return {first, (size - first + stride - 1) / stride, (first + before - phase) / stride};
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
