// The weight gradient of a convolution: outer products summed over pixels (gemm/outer.h), tap by tap. In bfloat16 a
// word holds an input, or a gradient, at pixels that are neighbours in the sum.
#pragma once

#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/weight_panels.h"
#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {
namespace {

// y (h, ceil(w / step), c) words: that of pixel p = 0, step, 2 step, ... holds pixels p, p + apart, ... of its row,
// where there are such.
template <class Operand>
void pair_pixels(float* y, const float* x, int64_t h, int64_t w, int64_t c, int64_t step, int64_t apart) {
  for (int64_t row = 0; row < h; ++row, x += w * c)
    for (int64_t p = 0; p < w; p += step, y += c)
      for (int64_t k = 0; k < c; k += kLanes) {
        const int64_t lanes = min(kLanes, c - k);
        Vec terms[Operand::kTerms];
        for (int64_t t = 0; t < Operand::kTerms; ++t)
          terms[t] = p + t * apart < w ? load_n(x + (p + t * apart) * c + k, lanes) : Vec{};
        store_n(y + k, Operand::word(terms), lanes);
      }
}

int64_t image_floats(const Conv2D& s) { return round_up((needs_padding(s) ? seen_h(s) * seen_w(s) : s.h * s.w) * s.c); }
int64_t words_of_row(const Conv2D& s, int terms) { return (s.ow + terms - 1) / terms; }

template <class Operand>
void direct_image_weight(float* dw, const float* x, const float* dy, float* scratch, const Conv2D& s,
                         const ChannelPart& part, bool accumulate) {
  Image image = padded_input(x, scratch, s);
  const int64_t words = words_of_row(s, Operand::kTerms);
  if constexpr (Operand::kRounds) {
    float* inputs = scratch + padded_input_floats(s);
    float* gradients = inputs + image_floats(s);
    pair_pixels<Operand>(inputs, image.data, image.h, image.w, s.c, 1, s.stride_w);
    pair_pixels<Operand>(gradients, dy, s.oh, s.ow, s.k, Operand::kTerms, 1);
    image.data = inputs;
    dy = gradients;
  }
  const int64_t inputs = group_inputs(s), outputs = group_outputs(s);
  const bool segments = rows_are_segments(s) && part.inputs == inputs;
  const int64_t runs = segments ? 1 : s.kw;
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < runs; ++j) {
        OuterTile t;
        t.dw = dw + ((i * s.kw + j) * inputs + part.input) * s.k + g * outputs + part.output;
        t.dw_stride = s.k;
        t.columns = 0;  // run_outers sets it
        t.x = image.data + (i * s.dilation_h * image.w + j * s.dilation_w) * s.c + g * inputs + part.input;
        t.x_row_stride = s.stride_h * image.w * s.c;
        t.x_pixel_stride = Operand::kTerms * s.stride_w * s.c;
        t.dy = dy + g * outputs + part.output;
        t.dy_row_stride = words * s.k;
        t.dy_pixel_stride = s.k;
        t.rows = s.oh;
        t.pixels = words;
        t.accumulate = accumulate;
        run_outers<Operand>(t, segments ? s.kw * inputs : part.inputs, part.outputs);
      }
}

template <class Operand>
void direct_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, const ChannelPart& part,
                   bool accumulate) {
  for (int64_t i = 0; i < images.count; ++i)
    direct_image_weight<Operand>(dw, images.x + i * images.x_stride, images.dy + i * images.dy_stride, scratch, s, part,
                                 accumulate || i > 0);
}

template <class Operand>
void direct_backward_weight(float* dw, float* db, const ImagePairs& images, float* scratch,
                            const Conv2DBackwardWeight& f, bool accumulate) {
  bias_gradient(db, images, f.shape, accumulate);
  direct_weight<Operand>(dw, images, scratch, f.shape, all_channels(f.shape), accumulate);
}

template <class Operand>
void direct_piece(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                  bool accumulate, int64_t piece) {
  const ChannelPart part = channel_part(f.shape, piece, kPieceInputs);
  bias_gradient(db, images, f.shape, part, accumulate);
  direct_weight<Operand>(dw, images, scratch, f.shape, part, accumulate);
}

template <class Operand>
void direct_form(Conv2DBackwardWeight& f) {
  const Conv2D& s = f.shape;
  f.name = s.kh * s.kw == 1 ? "direct 1x1" : "direct";
  if (!Operand::kRounds && panels_form(f)) return;
  f.scratch_floats = padded_input_floats(s);
  if (Operand::kRounds) f.scratch_floats += image_floats(s) + s.oh * words_of_row(s, Operand::kTerms) * s.k;
  f.run = direct_backward_weight<Operand>;
  f.pieces = channel_parts(s, kPieceInputs);
  f.piece_scratch_floats = f.scratch_floats;
  f.run_piece = direct_piece<Operand>;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
