// Direct convolution: register tiles over the pixels of an output row and a panel of output channels (gemm/tile.h).
// The backward pass by the input is the same on the gradient, with the kernel flipped and transposed, once for each
// phase of the stride.
#pragma once

#include "kernels/conv2d/cost.h"
#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/pool_tile.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The same convolution over words instead of channels.
template <class Operand>
Conv2D in_words(const Conv2D& s) {
  Conv2D words = s;
  words.c = pixel_words<Operand>(s.c, s.groups);
  return words;
}

// The gradient with a border of zeros, as wide as backward_input reaches past its edges.
struct Border {
  int64_t before_h, before_w, h, w;
};

Border gradient_border(const Conv2D& s) {
  const int64_t before_h = (s.kh - 1) * s.dilation_h / s.stride_h;
  const int64_t before_w = (s.kw - 1) * s.dilation_w / s.stride_w;
  return {before_h, before_w, before_h + max(s.oh, (s.h - 1 + s.top) / s.stride_h + 1),
          before_w + max(s.ow, (s.w - 1 + s.left) / s.stride_w + 1)};
}

// Panels are packed in as many pieces as there may be threads.
PYCNN_INLINE int64_t direct_pack_pieces(int64_t panels) { return min(panels, 16); }

// body(packed, group, first column of the panel) of piece after piece of all panels, each of `floats`.
template <class Body>
PYCNN_INLINE void pack_pieces(float* packed, int64_t groups, int64_t columns, int64_t floats, int64_t begin,
                              int64_t end, const Body& body) {
  const int64_t panels = panels_of(columns), all = groups * panels, pieces = direct_pack_pieces(all);
  for (int64_t q = begin * all / pieces; q < end * all / pieces; ++q)
    body(packed + q * floats, q / panels, q % panels * kPanel);
}

template <class Operand>
void direct_pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  const int64_t taps = s.kh * s.kw, inputs = group_inputs(s), outputs = group_outputs(s);
  const int64_t floats = Operand::words(inputs) * kPanel;
  pack_pieces(packed, s.groups, outputs, taps * floats, begin, end, [&](float* panel, int64_t g, int64_t k) {
    for (int64_t tap = 0; tap < taps; ++tap, panel += floats)
      pack_panel<Operand>(panel, w + tap * inputs * s.k + g * outputs + k, s.k, inputs, min(kPanel, outputs - k));
  });
}

template <class Operand>
void direct_pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  const int64_t taps = s.kh * s.kw, inputs = group_inputs(s), outputs = group_outputs(s);
  const int64_t floats = Operand::words(outputs) * kPanel;
  pack_pieces(packed, s.groups, inputs, taps * floats, begin, end, [&](float* panel, int64_t g, int64_t c) {
    for (int64_t tap = 0; tap < taps; ++tap, panel += floats)
      pack_panel_transposed<Operand>(panel, w + (tap * inputs + c) * s.k + g * outputs, s.k, outputs,
                                     min(kPanel, inputs - c));
  });
}

// `s` and x in words.
int64_t make_segments(Segment* segments, const Conv2D& s, const Image& x) {
  const int64_t inputs = group_inputs(s);
  int64_t count = 0;
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t row = i * s.dilation_h * x.w * s.c;
    if (rows_are_segments(s)) {
      segments[count++] = {row, i * s.kw * inputs * kPanel};
      continue;
    }
    for (int64_t j = 0; j < s.kw; ++j)
      segments[count++] = {row + j * s.dilation_w * s.c, (i * s.kw + j) * inputs * kPanel};
  }
  return count;
}

// What both forward passes share: everything but where a row goes.
struct Direct {
  const Conv2DForward& f;
  Conv2D s;  // in words
  Image x;
  const float* packed;
  const float* bias;
  Segment* segments;
  int64_t segment_count;

  int64_t panels() const { return panels_of(group_outputs(s)); }
  int64_t channel(int64_t panel) const { return panel / panels() * group_outputs(s) + panel % panels() * kPanel; }
  int64_t columns(int64_t panel) const { return min(kPanel, group_outputs(s) - panel % panels() * kPanel); }

  // The tiles of output row oh of one panel, without any activation that is no clamp.
  Tile tile(float* y, int64_t y_stride, int64_t panel, int64_t oh) const {
    Tile t;
    t.y = y;
    t.y_stride = y_stride;
    t.columns = columns(panel);
    t.x = x.data + oh * s.stride_h * x.w * x.c + panel / panels() * group_inputs(s);
    t.x_stride = s.stride_w * x.c;
    t.segments = segments;
    t.segment_count = segment_count;
    t.length = rows_are_segments(s) ? s.kw * s.c : group_inputs(s);
    t.b = packed + panel * s.kh * s.kw * group_inputs(s) * kPanel;
    t.bias = bias ? bias + channel(panel) : nullptr;
    t.accumulate = false;
    t.lower = f.lower;
    t.upper = f.upper;
    return t;
  }
};

template <class Operand>
Direct prepare(const Conv2DForward& f, const float* x, const float* packed, const float* bias, float*& scratch) {
  Direct d{f, in_words<Operand>(f.shape), {}, packed, bias, reinterpret_cast<Segment*>(scratch), 0};
  scratch += segment_floats(f.shape);
  d.x = padded_input<Operand>(x, scratch, f.shape);
  scratch += padded_input_floats<Operand>(f.shape);
  d.segment_count = make_segments(d.segments, d.s, d.x);
  return d;
}

// What one pass of a pointwise convolution takes of a reduction, so that the rows of the panel stay in L2, and of the
// pixels, so that those words of them stay there, too, for all panels. Sums go on where the pass before has left them
// in y.
constexpr int64_t kReduction = 768, kPassFloats = 1 << 15;

// One image of a pointwise convolution whose output pixels see input pixels side by side.
template <class Operand>
void pointwise_image(float* y, int64_t y_pixel, const float* residual, const Direct& d, int64_t begin, int64_t end) {
  const Conv2DForward& f = d.f;
  const int64_t blocks = row_blocks(f.shape.oh), pixels = f.shape.oh * f.shape.ow, length = group_inputs(d.s);
  // What is added may lie where y does.
  const int64_t cuts = residual ? 1 : (length + kReduction - 1) / kReduction, words = (length + cuts - 1) / cuts;
  const int64_t group = max(kPassFloats / words / kMaxRows, 1) * kMaxRows, groups = (pixels + group - 1) / group;
  const auto pixel_of = [&](int64_t block) { return block * f.shape.oh / blocks * f.shape.ow; };
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t from = 0; from < length; from += words) {
      const bool last = from + words >= length;
      const Segment part = {from, from * kPanel};
      for (int64_t panel = begin / blocks; panel * blocks < end; ++panel) {
        const int64_t first = max(g * pixels / groups, pixel_of(max(begin - panel * blocks, 0)));
        const int64_t count = min((g + 1) * pixels / groups, pixel_of(min(end - panel * blocks, blocks))) - first;
        if (count <= 0) continue;
        const int64_t at = first * y_pixel + d.channel(panel);
        Tile t = d.tile(y + at, y_pixel, panel, 0);
        t.x += first * t.x_stride;
        t.segments = &part;
        t.length = min(words, length - from);
        t.accumulate = from > 0;
        if (!last) {
          t.lower = -__builtin_huge_valf();
          t.upper = __builtin_huge_valf();
        }
        if (residual) t.residual = residual + at;
        run_tiles<Operand>(t, count, length * kPanel);
        if (last && !f.clamps) activate_pixels(y + at, count, y_pixel, d.columns(panel), f.activation);
      }
    }
  }
}

// One image of forward, and of forward with a pool, which has in scratch the rows that its registers do not hold.
template <class Operand>
void direct_image(float* y, int64_t y_pixel, const float* x, const float* packed, const float* bias,
                  const float* residual, float* scratch, const Conv2DForward& f, int64_t begin, int64_t end) {
  const Conv2D& s = f.shape;
  const Direct d = prepare<Operand>(f, x, packed, bias, scratch);
  if (s.kh * s.kw == 1 && s.stride_h * s.stride_w == 1 && d.x.w == s.ow)
    return pointwise_image<Operand>(y, y_pixel, residual, d, begin, end);
  const int64_t blocks = row_blocks(s.oh);
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t panel = piece / blocks, block = piece % blocks;
    for (int64_t oh = block * s.oh / blocks; oh < (block + 1) * s.oh / blocks; ++oh) {
      const int64_t at = oh * s.ow * y_pixel + d.channel(panel);
      float* row = y + at;
      Tile t = d.tile(row, y_pixel, panel, oh);
      if (residual) t.residual = residual + at;
      run_tiles<Operand>(t, s.ow);
      if (!f.clamps) activate_pixels(row, s.ow, y_pixel, d.columns(panel), f.activation);
    }
  }
}

// One pooled row from ph convolution rows (ph, ow, kPanel), which are bounded from below. A NaN wins over every number.
void pool_row(float* y, uint8_t* argmax, int64_t y_stride, const float* rows, int64_t ow, int64_t columns,
              FusedPool pool, Vec lower) {
  for (int64_t j = 0; j < ow / pool.pw; ++j) {
    for (int64_t k = 0; k < columns; k += kLanes) {
      const int64_t lanes = min(kLanes, columns - k);
      const float* window = rows + j * pool.pw * kPanel + k;
      Vec best = load(window);
      IntVec winner = {};
      for (int64_t a = 0; a < pool.ph; ++a)
        for (int64_t b = 0; b < pool.pw; ++b) {
          const Vec v = load(window + (a * ow + b) * kPanel);
          const IntVec wins = (v > best) | (v != v);
          best = select(wins, v, best);
          winner = wins ? broadcast_int(static_cast<int32_t>(a * pool.pw + b)) : winner;
        }
      store_n(y + j * y_stride + k, best, lanes);
      if (argmax) store_bytes(argmax + j * y_stride + k, open_argmax(winner, best, lower), lanes);
    }
  }
}

template <class Operand>
void direct_image_pool(float* y, int64_t y_pixel, uint8_t* argmax, const float* x, const float* packed,
                       const float* bias, float* scratch, const Conv2DForward& f, int64_t begin, int64_t end) {
  const Conv2D& s = f.shape;
  const FusedPool pool = f.pool;
  const Direct d = prepare<Operand>(f, x, packed, bias, scratch);
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  const int64_t blocks = row_blocks(s.oh);
  const bool in_registers = is_square(pool) && f.clamps;
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t panel = piece / blocks, block = piece % blocks, columns = d.columns(panel);
    for (int64_t i = block * oh / blocks; i < (block + 1) * oh / blocks; ++i) {
      const int64_t at = i * ow * y_pixel + d.channel(panel);
      if (in_registers) {
        const Tile t = d.tile(y + at, y_pixel, panel, 2 * i);
        const int64_t x_row = s.stride_h * d.x.w * d.x.c;
        if (argmax) run_pool_tiles<Operand, true>(t, x_row, argmax + at, ow);
        else run_pool_tiles<Operand, false>(t, x_row, nullptr, ow);
        continue;
      }
      for (int64_t a = 0; a < pool.ph; ++a)
        run_tiles<Operand>(d.tile(scratch + a * s.ow * kPanel, kPanel, panel, i * pool.ph + a), s.ow);
      if (!f.clamps) activation_kernels().forward(scratch, scratch, pool.ph * s.ow * kPanel, f.activation);
      pool_row(y + at, argmax ? argmax + at : nullptr, y_pixel, scratch, s.ow, columns, pool, broadcast(f.lower));
    }
  }
}

template <class Operand>
void direct_forward(const Images& images, const float* packed, const float* bias, float* scratch,
                    const Conv2DForward& f, int64_t begin, int64_t end) {
  const int64_t pixel = y_pixel(images, f.shape);
  for (int64_t i = 0; i < images.count; ++i) {
    float* y = images.y + i * images.y_stride;
    const float* x = images.x + i * images.x_stride;
    const float* residual = images.residual ? images.residual + i * images.residual_stride : nullptr;
    uint8_t* argmax = images.argmax ? images.argmax + i * images.argmax_stride : nullptr;
    if (f.pool.ph > 0) direct_image_pool<Operand>(y, pixel, argmax, x, packed, bias, scratch, f, begin, end);
    else direct_image<Operand>(y, pixel, x, packed, bias, residual, scratch, f, begin, end);
  }
}

// Panels [begin, end) of the input channels of all groups.
template <class Operand>
void direct_image_backward(float* dx, const float* dy, const float* packed, float* scratch, const Conv2D& s,
                           int64_t begin, int64_t end) {
  auto* segments = reinterpret_cast<Segment*>(scratch);
  scratch += segment_floats(s);
  const Border b = gradient_border(s);
  if (Operand::kRounds || b.h != s.oh || b.w != s.ow) {
    pad_image<Operand>(scratch, b.h, b.w, dy, s.oh, s.ow, s.k, s.groups, b.before_h, b.before_w, 0.0f);
    dy = scratch;
  }
  const int64_t pixel = pixel_words<Operand>(s.k, s.groups);

  const int64_t inputs = group_inputs(s), outputs = pixel / s.groups, panels = panels_of(inputs);
  const int64_t phases_h = phase_count(s.h, s.stride_h), phases_w = phase_count(s.w, s.stride_w);
  for (int64_t phase = 0; phase < phases_h * phases_w; ++phase) {
    const int64_t phase_h = (phase / phases_w + s.top) % s.stride_h, phase_w = (phase % phases_w + s.left) % s.stride_w;
    const Phase rows = phase_of(phase_h, s.h, s.top, s.stride_h), columns = phase_of(phase_w, s.w, s.left, s.stride_w);
    int64_t count = 0;
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < s.kw; ++j) {
        if ((i * s.dilation_h - phase_h) % s.stride_h != 0 || (j * s.dilation_w - phase_w) % s.stride_w != 0) continue;
        const int64_t up = (i * s.dilation_h - phase_h) / s.stride_h, back = (j * s.dilation_w - phase_w) / s.stride_w;
        segments[count++] = {-(up * b.w + back) * pixel, (i * s.kw + j) * outputs * kPanel};
      }
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t group = panel / panels, c = panel % panels * kPanel;
      for (int64_t i = 0; i < rows.count; ++i) {
        float* row = dx + ((rows.first + i * s.stride_h) * s.w + columns.first) * s.c + group * inputs + c;
        for (int64_t j = 0; count == 0 && j < columns.count; ++j)  // no tap sees these
          fill(row + j * s.stride_w * s.c, 0.0f, min(kPanel, inputs - c));
        if (count == 0) continue;
        Tile t;
        t.y = row;
        t.y_stride = s.stride_w * s.c;
        t.columns = min(kPanel, inputs - c);
        t.x = dy + ((rows.from + i + b.before_h) * b.w + columns.from + b.before_w) * pixel + group * outputs;
        t.x_stride = pixel;
        t.segments = segments;
        t.segment_count = count;
        t.length = outputs;
        t.b = packed + panel * s.kh * s.kw * outputs * kPanel;
        t.bias = nullptr;
        t.accumulate = false;
        t.lower = -__builtin_huge_valf();
        run_tiles<Operand>(t, columns.count);
      }
    }
  }
}

// The gradient by the input of a pointwise convolution is one of the gradients, by the transposed weights.
PYCNN_INLINE bool is_pointwise(const Conv2D& s) {
  return s.kh * s.kw * s.stride_h * s.stride_w == 1 && s.top == 0 && s.left == 0 && s.h == s.oh && s.w == s.ow;
}

template <class Operand>
void direct_backward_input(const InputGradients& images, const float* packed, float* scratch,
                           const Conv2DBackwardInput& f, int64_t begin, int64_t end) {
  if (is_pointwise(f.shape)) {
    Conv2DForward forward{};
    forward.shape = transposed(f.shape);
    forward.clamps = true;
    forward.lower = -__builtin_huge_valf();
    forward.upper = __builtin_huge_valf();
    return direct_forward<Operand>({images.dx, images.dx_stride, images.dy, images.dy_stride, images.count}, packed,
                                   nullptr, scratch, forward, begin, end);
  }
  for (int64_t i = 0; i < images.count; ++i)
    direct_image_backward<Operand>(images.dx + i * images.dx_stride, images.dy + i * images.dy_stride, packed, scratch,
                                   f.shape, begin, end);
}

PYCNN_INLINE const char* direct_name(const Conv2D& s) { return s.kh * s.kw == 1 ? "direct 1x1" : "direct"; }

template <class Operand>
void direct_form(Conv2DForward& f) {
  const Conv2D &s = f.shape, words = in_words<Operand>(s);
  f.name = direct_name(s);
  f.scratch_floats = segment_floats(s) + padded_input_floats<Operand>(s) + s.oh * round_up(s.ow * kPanel);
  f.weight_reuse = s.oh * s.ow;
  const int64_t panels = s.groups * panels_of(group_outputs(s));
  f.packed_floats = panels * words.kh * words.kw * group_inputs(words) * kPanel;
  f.pack_pieces = direct_pack_pieces(panels);
  f.pack = direct_pack<Operand>;
  f.pieces = s.groups * panels_of(group_outputs(s)) * row_blocks(s.oh);
  f.run = direct_forward<Operand>;
}

template <class Operand>
void direct_form(Conv2DBackwardInput& f) {
  const Conv2D& s = f.shape;
  const Border b = gradient_border(s);
  f.name = direct_name(s);
  f.scratch_floats = segment_floats(s) + round_up(b.h * b.w * pixel_words<Operand>(s.k, s.groups));
  f.weight_reuse = s.oh * s.ow;
  const int64_t panels = s.groups * panels_of(group_inputs(s));
  f.packed_floats = panels * s.kh * s.kw * Operand::words(group_outputs(s)) * kPanel;
  f.pack_pieces = direct_pack_pieces(panels);
  f.pieces = is_pointwise(s) ? panels * row_blocks(s.h) : panels;
  f.pack = direct_pack_transposed<Operand>;
  f.run = direct_backward_input<Operand>;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
