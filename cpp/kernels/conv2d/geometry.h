// Where a convolution's taps lie: padded images, segments and the phases of a strided backward pass.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/gemm/pack.h"

namespace pycnn::PYCNN_ISA {
namespace {

// An image in scratch or the caller's own: `data` is pixel (0, 0) of an (h, w, c) array.
struct Image {
  const float* data;
  int64_t h, w, c;
};

// Scratch is cut from the front in pieces that start on cache lines.
PYCNN_INLINE int64_t round_up(int64_t n) { return (n + 15) / 16 * 16; }

PYCNN_INLINE bool is_depthwise(const Conv2D& s) { return s.groups == s.c && s.groups > 1; }
PYCNN_INLINE int64_t group_inputs(const Conv2D& s) { return s.c / s.groups; }
PYCNN_INLINE int64_t group_outputs(const Conv2D& s) { return s.k / s.groups; }

// The part of the padded image that the output looks at.
PYCNN_INLINE int64_t seen_h(const Conv2D& s) { return (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1; }
PYCNN_INLINE int64_t seen_w(const Conv2D& s) { return (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1; }
PYCNN_INLINE bool needs_padding(const Conv2D& s) {
  return s.top > 0 || s.left > 0 || seen_h(s) > s.h || seen_w(s) > s.w;
}

PYCNN_INLINE void fill(float* y, float value, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store_n(y + i, broadcast(value), least(kLanes, n - i));
}

PYCNN_INLINE void copy(float* y, const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store_n(y + i, load_n(x + i, least(kLanes, n - i)), least(kLanes, n - i));
}

// y (h, w, c): x placed at (top, left), cropped to h x w, `value` elsewhere. top and left may not be negative.
PYCNN_INLINE void place(float* y, int64_t h, int64_t w, const float* x, int64_t xh, int64_t xw, int64_t c, int64_t top,
                        int64_t left, float value) {
  const int64_t width = most(0, least(xw, w - left));
  for (int64_t i = 0; i < h; ++i, y += w * c) {
    const int64_t from = i - top;
    if (from < 0 || from >= xh) {
      fill(y, value, w * c);
      continue;
    }
    const int64_t before = least(left, w);
    fill(y, value, before * c);
    copy(y + before * c, x + from * xw * c, width * c);
    fill(y + (before + width) * c, value, (w - before - width) * c);
  }
}

// The input as the kernels read it: no bounds to check. Uses h * w * c floats of scratch where it must pad.
PYCNN_INLINE Image padded_input(const float* x, float* scratch, const Conv2D& s) {
  if (!needs_padding(s)) return {x, s.h, s.w, s.c};
  place(scratch, seen_h(s), seen_w(s), x, s.h, s.w, s.c, s.top, s.left, s.pad_value);
  return {scratch, seen_h(s), seen_w(s), s.c};
}

PYCNN_INLINE int64_t padded_input_floats(const Conv2D& s) {
  return needs_padding(s) ? round_up(seen_h(s) * seen_w(s) * s.c) : 0;
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

PYCNN_INLINE Phase phase_of(int64_t phase, int64_t size, int64_t before, int64_t stride) {
  const int64_t first = ((phase - before) % stride + stride) % stride;
  return {first, first < size ? (size - first + stride - 1) / stride : 0, (first + before - phase) / stride};
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
