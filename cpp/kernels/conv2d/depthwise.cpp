// Depthwise convolution: every input channel has its own `multiplier` kernels. Vectorised over output channels; where
// the multiplier is above one the input's channels are first repeated, so that one loop serves all. The weights are
// read as Keras has them, (kh, kw, c, multiplier).
#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/forms.h"
#include "simd/unroll.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int kPixels = 8;

// The image with all of its padding, so that backward_input can use the same shape.
int64_t full_h(const Conv2D& s) { return max(seen_h(s), s.top + s.h); }
int64_t full_w(const Conv2D& s) { return max(seen_w(s), s.left + s.w); }

// Rows [first, first + rows) of the padded input with each channel repeated `multiplier` times: (rows, width, k).
Image expanded_input(const float* x, float* scratch, const Conv2D& s, int64_t first, int64_t rows) {
  const int64_t multiplier = s.k / s.c, w = full_w(s);
  if (multiplier == 1) {
    if (!needs_padding(s)) return {x + first * s.w * s.c, rows, s.w, s.c};
    pad_image<Float32>(scratch, rows, w, x, s.h, s.w, s.c, 1, s.top - first, s.left, s.pad_value);
    return {scratch, rows, w, s.c};
  }
  fill(scratch, s.pad_value, rows * w * s.k);
  for (int64_t i = max(0, first - s.top); i < min(s.h, first - s.top + rows); ++i) {
    float* row = scratch + ((i + s.top - first) * w + s.left) * s.k;
    for (int64_t j = 0; j < s.w * s.c; ++j)
      for (int64_t m = 0; m < multiplier; ++m) row[j * multiplier + m] = x[i * s.w * s.c + j];
  }
  return {scratch, rows, w, s.k};
}

// Taps [begin, end) of one axis whose input lies inside.
struct Taps {
  int64_t begin, end;
};

// `at` is where the first of `taps` taps lies, which may be outside.
PYCNN_INLINE Taps taps_inside(int64_t at, int64_t dilation, int64_t taps, int64_t size) {
  const auto first_from = [&](int64_t place) { return min(max((place - at + dilation - 1) / dilation, 0), taps); };
  return {first_from(0), first_from(size)};
}

// What a row of output is made of: bounds, and its taps of a column of the input.
struct DepthwiseRow {
  const Conv2D& s;
  Vec lower, upper;
  Taps taps;
  int64_t x_row;  // floats of a row of input
};

// P pixels of an output row, all channels. x is where tap (0, 0) of the first one lies.
template <int P>
PYCNN_INLINE void run_pixels(float* y, const float* x, const float* w, const float* bias, const DepthwiseRow& row,
                             Taps columns) {
  const Conv2D& s = row.s;
  const int64_t step = s.stride_w * s.k;
  for_vectors(s.k, [&](int64_t k, auto lanes) {
    Vec sum[P];
    const Vec start = bias ? load(bias + k, lanes) : Vec{};
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) sum[p] = start;
    for (int64_t i = row.taps.begin; i < row.taps.end; ++i)
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        const Vec tap = load(w + (i * s.kw + j) * s.k + k, lanes);
        const float* from = x + i * s.dilation_h * row.x_row + j * s.dilation_w * s.k + k;
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) sum[p] += load(from + p * step, lanes) * tap;
      }
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) store(y + p * s.k + k, minimum(row.upper, maximum(row.lower, sum[p])), lanes);
  });
}

// Input rows that so many output rows depend on.
int64_t input_rows(const Conv2D& s, int64_t rows) { return (rows - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1; }

// Whether the input is read where it lies: what its padding would add is nothing.
bool reads_in_place(const Conv2D& s) { return s.c == s.k && (s.pad_value == 0.0f || !needs_padding(s)); }

// Output rows [begin, end) within bounds.
void rows_forward(float* y, const float* x, const float* w, const float* bias, float* scratch, const Conv2DForward& f,
                  int64_t begin, int64_t end) {
  const Conv2D& s = f.shape;
  const bool in_place = reads_in_place(s);
  const Image image = in_place ? Image{x, s.h, s.w, s.k}
                               : expanded_input(x, scratch, s, begin * s.stride_h, input_rows(s, end - begin));
  const int64_t top = in_place ? s.top : begin * s.stride_h, left = in_place ? s.left : 0;
  // Columns all of whose taps lie inside.
  const int64_t reach = (s.kw - 1) * s.dilation_w, space = image.w - 1 - reach + left;
  const int64_t first = min((max(left, 0) + s.stride_w - 1) / s.stride_w, s.ow);
  const int64_t last = space < 0 ? first : max(first, min(space / s.stride_w + 1, s.ow));
  for (int64_t oh = begin; oh < end; ++oh) {
    const int64_t row = oh * s.stride_h - top;
    const DepthwiseRow r = {s, broadcast(f.lower), broadcast(f.upper), taps_inside(row, s.dilation_h, s.kh, image.h),
                            image.w * s.k};
    const auto run = [&](auto pixels, int64_t ow) __attribute__((always_inline)) {
      const int64_t column = ow * s.stride_w - left;
      run_pixels<pixels>(y + (oh * s.ow + ow) * s.k, image.data + row * r.x_row + column * s.k, w, bias, r,
                         taps_inside(column, s.dilation_w, s.kw, image.w));
    };
    int64_t ow = 0;
    for (; ow < first; ++ow) run(Constant<1>{}, ow);
    for (int64_t blocks = (last - first + kPixels - 1) / kPixels; blocks > 0; --blocks) {
      const int64_t pixels = (last - ow + blocks - 1) / blocks;
      dispatch<1, kPixels>(
          pixels, [&](auto p) __attribute__((always_inline)) { run(p, ow); });
      ow += pixels;
    }
    for (; ow < s.ow; ++ow) run(Constant<1>{}, ow);
  }
}

void image_backward_input(float* dx, const float* dy, const float* w, float* scratch, const Conv2D& s) {
  const int64_t multiplier = s.k / s.c, width = full_w(s);
  fill(scratch, 0.0f, full_h(s) * width * s.k);
  for (int64_t oh = 0; oh < s.oh; ++oh)
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < s.kw; ++j) {
        float* row = scratch + ((oh * s.stride_h + i * s.dilation_h) * width + j * s.dilation_w) * s.k;
        const float* tap = w + (i * s.kw + j) * s.k;
        for (int64_t ow = 0; ow < s.ow; ++ow) {
          float* to = row + ow * s.stride_w * s.k;
          const float* from = dy + (oh * s.ow + ow) * s.k;
          for_vectors(s.k, [&](int64_t k, auto lanes) {
            store(to + k, load(to + k, lanes) + load(from + k, lanes) * load(tap + k, lanes), lanes);
          });
        }
      }
  for (int64_t i = 0; i < s.h; ++i) {
    const float* row = scratch + ((i + s.top) * width + s.left) * s.k;
    float* out = dx + i * s.w * s.c;
    if (multiplier == 1) {
      copy(out, row, s.w * s.c);
      continue;
    }
    for (int64_t j = 0; j < s.w * s.c; ++j) {
      float sum = 0.0f;
      for (int64_t m = 0; m < multiplier; ++m) sum += row[j * multiplier + m];
      out[j] = sum;
    }
  }
}

void image_backward_weight(float* dw, const float* x, const float* dy, float* scratch, const Conv2D& s,
                           bool accumulate) {
  const Image image = expanded_input(x, scratch, s, 0, seen_h(s));
  for (int64_t i = 0; i < s.kh; ++i)
    for (int64_t j = 0; j < s.kw; ++j)
      for (int64_t k = 0; k < s.k; k += kLanes) {
        const int64_t lanes = min(kLanes, s.k - k);
        Vec sum[4] = {};
        for (int64_t oh = 0; oh < s.oh; ++oh) {
          const float* row = image.data + ((oh * s.stride_h + i * s.dilation_h) * image.w + j * s.dilation_w) * s.k + k;
          const float* gradient = dy + oh * s.ow * s.k + k;
          int64_t ow = 0;
          for (; ow + 4 <= s.ow; ow += 4)
#pragma GCC unroll 4
            for (int p = 0; p < 4; ++p)
              sum[p] += load_n(row + (ow + p) * s.stride_w * s.k, lanes) * load_n(gradient + (ow + p) * s.k, lanes);
          for (; ow < s.ow; ++ow)
            sum[0] += load_n(row + ow * s.stride_w * s.k, lanes) * load_n(gradient + ow * s.k, lanes);
        }
        float* out = dw + (i * s.kw + j) * s.k + k;
        const Vec total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        store_n(out, accumulate ? load_n(out, lanes) + total : total, lanes);
      }
}

void forward(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2DForward& f,
             int64_t first, int64_t last) {
  const Conv2D& s = f.shape;
  for (int64_t i = 0; i < images.count; ++i)
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t begin = piece * s.oh / f.pieces, end = (piece + 1) * s.oh / f.pieces;
      float* y = images.y + i * images.y_stride;
      rows_forward(y, images.x + i * images.x_stride, packed, bias, scratch, f, begin, end);
      if (!f.clamps) activate_pixels(y + begin * s.ow * s.k, (end - begin) * s.ow, s.k, s.k, f.activation);
    }
}

void backward_input(const InputGradients& images, const float* packed, float* scratch, const Conv2DBackwardInput& f,
                    int64_t, int64_t) {
  for (int64_t i = 0; i < images.count; ++i)
    image_backward_input(images.dx + i * images.dx_stride, images.dy + i * images.dy_stride, packed, scratch, f.shape);
}

void backward_weight(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                     bool accumulate) {
  bias_gradient(db, images, f.shape, accumulate);
  for (int64_t i = 0; i < images.count; ++i)
    image_backward_weight(dw, images.x + i * images.x_stride, images.dy + i * images.dy_stride, scratch, f.shape,
                          accumulate || i > 0);
}

template <class Form, class Run>
void describe(Form& f, Run run, int64_t rows) {
  f.name = "depthwise";
  f.scratch_floats = round_up(rows * full_w(f.shape) * f.shape.k);
  f.run = run;
}

}  // namespace

void depthwise_form(Conv2DForward& f) {
  const Conv2D& s = f.shape;
  f.pieces = row_blocks(s.oh);
  describe(f, forward, reads_in_place(s) ? 0 : input_rows(s, (s.oh + f.pieces - 1) / f.pieces));
  describe_plain_weights(f);
}

void depthwise_form(Conv2DBackwardInput& f) {
  describe(f, backward_input, full_h(f.shape));
  describe_plain_weights(f);
}

void depthwise_form(Conv2DBackwardWeight& f) { describe(f, backward_weight, seen_h(f.shape)); }

}  // namespace pycnn::PYCNN_ISA
