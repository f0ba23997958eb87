// Depthwise convolution: every input channel has its own `multiplier` kernels. Vectorised over output channels; where
// the multiplier is above one the input's channels are first repeated, so that one loop serves all. The weights are
// read as Keras has them, (kh, kw, c, multiplier).
#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/forms.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int kPixels = 8;

// The image with all of its padding, so that backward_input can use the same shape.
int64_t full_h(const Conv2D& s) { return max(seen_h(s), s.top + s.h); }
int64_t full_w(const Conv2D& s) { return max(seen_w(s), s.left + s.w); }

// The input padded and with each channel repeated `multiplier` times: (full_h, full_w, k).
Image expanded_input(const float* x, float* scratch, const Conv2D& s) {
  const int64_t multiplier = s.k / s.c, h = full_h(s), w = full_w(s);
  if (multiplier == 1) {
    if (!needs_padding(s)) return {x, s.h, s.w, s.c};
    pad_image<Float32>(scratch, h, w, x, s.h, s.w, s.c, 1, s.top, s.left, s.pad_value);
    return {scratch, h, w, s.c};
  }
  fill(scratch, s.pad_value, h * w * s.k);
  for (int64_t i = 0; i < s.h; ++i) {
    float* row = scratch + ((i + s.top) * w + s.left) * s.k;
    for (int64_t j = 0; j < s.w * s.c; ++j)
      for (int64_t m = 0; m < multiplier; ++m) row[j * multiplier + m] = x[i * s.w * s.c + j];
  }
  return {scratch, h, w, s.k};
}

// P pixels of an output row and one vector of channels.
template <int P>
void run_pixels(float* y, const float* x, const float* w, Vec bias, const Conv2D& s, int64_t x_row, int64_t lanes) {
  Vec sum[P];
  for (int p = 0; p < P; ++p) sum[p] = bias;
  for (int64_t i = 0; i < s.kh; ++i)
    for (int64_t j = 0; j < s.kw; ++j) {
      const Vec tap = load_n(w + (i * s.kw + j) * s.k, lanes);
      const float* from = x + i * s.dilation_h * x_row + j * s.dilation_w * s.k;
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] += load_n(from + p * s.stride_w * s.k, lanes) * tap;
    }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) store_n(y + p * s.k, sum[p], lanes);
}

void image_forward(float* y, const float* x, const float* w, const float* bias, float* scratch, const Conv2D& s) {
  const Image image = expanded_input(x, scratch, s);
  const int64_t x_row = image.w * s.k;
  for (int64_t oh = 0; oh < s.oh; ++oh)
    for (int64_t k = 0; k < s.k; k += kLanes) {
      const int64_t lanes = min(kLanes, s.k - k);
      const Vec start = bias ? load_n(bias + k, lanes) : Vec{};
      const float* row = image.data + oh * s.stride_h * x_row + k;
      float* out = y + oh * s.ow * s.k + k;
      int64_t ow = 0;
      for (; ow + kPixels <= s.ow; ow += kPixels)
        run_pixels<kPixels>(out + ow * s.k, row + ow * s.stride_w * s.k, w + k, start, s, x_row, lanes);
      for (; ow < s.ow; ++ow) run_pixels<1>(out + ow * s.k, row + ow * s.stride_w * s.k, w + k, start, s, x_row, lanes);
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
          for (int64_t k = 0; k < s.k; k += kLanes) {
            const int64_t lanes = min(kLanes, s.k - k);
            store_n(to + k, load_n(to + k, lanes) + load_n(from + k, lanes) * load_n(tap + k, lanes), lanes);
          }
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
  const Image image = expanded_input(x, scratch, s);
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
             int64_t, int64_t) {
  const Conv2D& s = f.shape;
  for (int64_t i = 0; i < images.count; ++i) {
    float* y = images.y + i * images.y_stride;
    image_forward(y, images.x + i * images.x_stride, packed, bias, scratch, s);
    if (f.activation.kind != ActivationKind::kLinear) activate_pixels(y, s.oh * s.ow, s.k, s.k, f.activation);
  }
}

void backward_input(const InputGradients& images, const float* packed, float* scratch, const Conv2DBackwardInput& f) {
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
void describe(Form& f, Run run) {
  f.name = "depthwise";
  f.scratch_floats = round_up(full_h(f.shape) * full_w(f.shape) * f.shape.k);
  f.run = run;
}

}  // namespace

void depthwise_form(Conv2DForward& f) {
  describe(f, forward);
  describe_plain_weights(f);
  f.pieces = 1;
}

void depthwise_form(Conv2DBackwardInput& f) {
  describe(f, backward_input);
  describe_plain_weights(f);
}

void depthwise_form(Conv2DBackwardWeight& f) { describe(f, backward_weight); }

}  // namespace pycnn::PYCNN_ISA
