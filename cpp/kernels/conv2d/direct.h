// Direct convolution: register tiles over the pixels of an output row and a panel of output channels (gemm/tile.h).
// The backward pass by the input is the same on the gradient, with the kernel flipped and transposed, once for each
// phase of the stride.
#pragma once

#include "kernels/conv2d/geometry.h"
#include "kernels/conv2d/pool_tile.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kMaxRowBlocks = 8;

// One channel would leave half of a word empty. Three taps in a row are then two words, (0, 1) and (1, 2), and tap 1
// has no weight in the second: what lies outside the window is never multiplied.
template <class Operand>
bool pairs_taps(const Conv2D& s) {
  return Operand::kTerms == 2 && s.c == 1 && s.kw == 3 && s.dilation_w == 1;
}

// The same convolution over words in place of channels.
template <class Operand>
Conv2D in_words(const Conv2D& s) {
  Conv2D words = s;
  words.c = pixel_words<Operand>(s.c, s.groups);
  if (pairs_taps<Operand>(s)) words.kw = 2;
  return words;
}

// words (n) of single terms: each gets the term of the next one as its second.
PYCNN_INLINE void pair_neighbours(float* words, int64_t n) {
  for (int64_t i = 0; i < n - 1; i += kLanes) {
    const int64_t lanes = least(kLanes, n - 1 - i);
    const IntVec next = as_int(load_n(words + i + 1, lanes)) << 16;
    store_n(words + i, as_float(as_int(load_n(words + i, lanes)) | next), lanes);
  }
}

// The gradient with a border of zeros, as wide as backward_input reaches past its edges.
struct Border {
  int64_t before_h, before_w, h, w;
};

Border gradient_border(const Conv2D& s) {
  const int64_t before_h = (s.kh - 1) * s.dilation_h / s.stride_h;
  const int64_t before_w = (s.kw - 1) * s.dilation_w / s.stride_w;
  return {before_h, before_w, before_h + most(s.oh, (s.h - 1 + s.top) / s.stride_h + 1),
          before_w + most(s.ow, (s.w - 1 + s.left) / s.stride_w + 1)};
}

template <class Operand>
int64_t direct_scratch_floats(const Conv2D& s) {
  const Border b = gradient_border(s);
  const int64_t forward = padded_input_floats<Operand>(s) + s.oh * round_up(s.ow * kPanel);
  const int64_t backward = round_up(b.h * b.w * pixel_words<Operand>(s.k, s.groups));
  return segment_floats(s) + most(forward, backward);
}

template <class Operand>
int64_t direct_packed_floats(const Conv2D& s) {
  const Conv2D t = in_words<Operand>(s);
  return s.groups * panels_of(group_outputs(s)) * t.kh * t.kw * group_inputs(t) * kPanel;
}

template <class Operand>
int64_t direct_packed_transposed_floats(const Conv2D& s) {
  return s.groups * panels_of(group_inputs(s)) * s.kh * s.kw * Operand::words(group_outputs(s)) * kPanel;
}

template <class Operand>
void pack_tap_pairs(float* packed, const float* w, const Conv2D& s) {
  for (int64_t k = 0; k < s.k; k += kPanel)
    for (int64_t i = 0; i < s.kh; ++i, packed += 2 * kPanel) {
      const float* taps = w + i * 3 * s.k + k;
      const int64_t columns = least(kPanel, s.k - k);
      float last[2 * kPanel] = {};  // (0, tap 2)
      copy(last + kPanel, taps + 2 * s.k, columns);
      pack_panel<Operand>(packed, taps, s.k, 2, columns);
      pack_panel<Operand>(packed + kPanel, last, kPanel, 2, columns);
    }
}

template <class Operand>
void direct_pack(float* packed, const float* w, const Conv2D& s) {
  if (pairs_taps<Operand>(s)) return pack_tap_pairs<Operand>(packed, w, s);
  const int64_t taps = s.kh * s.kw, inputs = group_inputs(s), outputs = group_outputs(s);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t k = 0; k < outputs; k += kPanel)
      for (int64_t tap = 0; tap < taps; ++tap, packed += Operand::words(inputs) * kPanel)
        pack_panel<Operand>(packed, w + tap * inputs * s.k + g * outputs + k, s.k, inputs, least(kPanel, outputs - k));
}

template <class Operand>
void direct_pack_transposed(float* packed, const float* w, const Conv2D& s) {
  const int64_t taps = s.kh * s.kw, inputs = group_inputs(s), outputs = group_outputs(s);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t c = 0; c < inputs; c += kPanel)
      for (int64_t tap = 0; tap < taps; ++tap, packed += Operand::words(outputs) * kPanel)
        pack_panel_transposed<Operand>(packed, w + (tap * inputs + c) * s.k + g * outputs, s.k, outputs,
                                       least(kPanel, inputs - c));
}

// Pieces are (panel, block of rows); `rows` counts what is cut: output rows, or pooled rows.
int64_t row_blocks(int64_t rows) { return least(rows, kMaxRowBlocks); }
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

bool is_clamp(const Activation& f) {
  return f.kind == ActivationKind::kLinear ||
         (f.kind == ActivationKind::kRelu && f.alpha == 0 && f.threshold == 0 && f.max_value == __builtin_huge_valf());
}

float lower_bound(const Activation& f) {
  return f.kind == ActivationKind::kRelu && is_clamp(f) ? 0.0f : -__builtin_huge_valf();
}

// What forward and forward_pool share: everything but where a row goes.
struct Direct {
  Conv2D s;  // in words
  Image x;
  const float* packed;
  const float* bias;
  Segment* segments;
  int64_t segment_count;
  Activation activation;

  int64_t panels() const { return panels_of(group_outputs(s)); }
  int64_t channel(int64_t panel) const { return panel / panels() * group_outputs(s) + panel % panels() * kPanel; }
  int64_t columns(int64_t panel) const { return least(kPanel, group_outputs(s) - panel % panels() * kPanel); }

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
    t.lower = lower_bound(activation);
    return t;
  }
};

template <class Operand>
Direct prepare(const Conv2D& s, const float* x, const float* packed, const float* bias, float*& scratch,
               Activation activation) {
  Direct d;
  d.s = in_words<Operand>(s);
  d.segments = reinterpret_cast<Segment*>(scratch);
  scratch += segment_floats(s);
  d.x = padded_input<Operand>(x, scratch, s);
  if (pairs_taps<Operand>(s)) pair_neighbours(scratch, d.x.h * d.x.w);
  scratch += padded_input_floats<Operand>(s);
  d.packed = packed;
  d.bias = bias;
  d.segment_count = make_segments(d.segments, d.s, d.x);
  d.activation = activation;
  return d;
}

void activate_pixels(float* y, int64_t pixels, int64_t stride, int64_t columns, Activation activation) {
  const auto activate = activation_kernels().forward;
  if (columns == stride) return activate(y, y, pixels * stride, activation);
  for (int64_t i = 0; i < pixels; ++i) activate(y + i * stride, y + i * stride, columns, activation);
}

template <class Operand>
void direct_forward(float* y, int64_t y_pixel, const float* x, const float* packed, const float* bias,
                    const float* residual, float* scratch, const Conv2D& s, Activation activation, int64_t begin,
                    int64_t end) {
  const Direct d = prepare<Operand>(s, x, packed, bias, scratch, activation);
  const int64_t blocks = row_blocks(s.oh);
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t panel = piece / blocks, block = piece % blocks;
    for (int64_t oh = block * s.oh / blocks; oh < (block + 1) * s.oh / blocks; ++oh) {
      const int64_t at = oh * s.ow * y_pixel + d.channel(panel);
      float* row = y + at;
      Tile t = d.tile(row, y_pixel, panel, oh);
      if (residual) t.residual = residual + at;
      run_tiles<Operand>(t, s.ow);
      if (!is_clamp(activation)) activate_pixels(row, s.ow, y_pixel, d.columns(panel), activation);
    }
  }
}

// One pooled row from ph convolution rows (ph, ow, kPanel), which are bounded from below. A NaN wins over every number.
void pool_row(float* y, uint8_t* argmax, int64_t y_stride, const float* rows, int64_t ow, int64_t columns,
              FusedPool pool, Vec lower) {
  for (int64_t j = 0; j < ow / pool.pw; ++j) {
    for (int64_t k = 0; k < columns; k += kLanes) {
      const int64_t lanes = least(kLanes, columns - k);
      const float* window = rows + j * pool.pw * kPanel + k;
      Vec best = load(window);
      IntVec place = {};
      for (int64_t a = 0; a < pool.ph; ++a)
        for (int64_t b = 0; b < pool.pw; ++b) {
          const Vec v = load(window + (a * ow + b) * kPanel);
          const IntVec wins = (v > best) | (v != v);
          best = select(wins, v, best);
          place = wins ? broadcast_int(static_cast<int32_t>(a * pool.pw + b)) : place;
        }
      store_n(y + j * y_stride + k, best, lanes);
      if (argmax) store_bytes(argmax + j * y_stride + k, open_place(place, best, lower), lanes);
    }
  }
}

template <class Operand>
void direct_forward_pool(float* y, int64_t y_pixel, uint8_t* argmax, const float* x, const float* packed,
                         const float* bias, float* scratch, const Conv2D& s, FusedPool pool, Activation activation,
                         int64_t begin, int64_t end) {
  const Direct d = prepare<Operand>(s, x, packed, bias, scratch, activation);
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  const int64_t blocks = row_blocks(s.oh);
  const bool in_registers = pool.ph == 2 && pool.pw == 2 && is_clamp(activation);
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
      if (!is_clamp(activation)) activation_kernels().forward(scratch, scratch, pool.ph * s.ow * kPanel, activation);
      pool_row(y + at, argmax ? argmax + at : nullptr, y_pixel, scratch, s.ow, columns, pool,
               broadcast(lower_bound(activation)));
    }
  }
}

template <class Operand>
void direct_backward_input(float* dx, const float* dy, const float* packed_transposed, float* scratch,
                           const Conv2D& s) {
  auto* segments = reinterpret_cast<Segment*>(scratch);
  scratch += segment_floats(s);
  const Border b = gradient_border(s);
  place<Operand>(scratch, b.h, b.w, dy, s.oh, s.ow, s.k, s.groups, b.before_h, b.before_w, 0.0f);
  const int64_t pixel = pixel_words<Operand>(s.k, s.groups);

  const int64_t inputs = group_inputs(s), outputs = pixel / s.groups, panels = panels_of(inputs);
  for (int64_t phase = 0; phase < s.stride_h * s.stride_w; ++phase) {
    const int64_t phase_h = phase / s.stride_w, phase_w = phase % s.stride_w;
    const Phase rows = phase_of(phase_h, s.h, s.top, s.stride_h), columns = phase_of(phase_w, s.w, s.left, s.stride_w);
    if (rows.count == 0 || columns.count == 0) continue;
    int64_t count = 0;
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < s.kw; ++j) {
        if ((i * s.dilation_h - phase_h) % s.stride_h != 0 || (j * s.dilation_w - phase_w) % s.stride_w != 0) continue;
        const int64_t up = (i * s.dilation_h - phase_h) / s.stride_h, back = (j * s.dilation_w - phase_w) / s.stride_w;
        segments[count++] = {-(up * b.w + back) * pixel, (i * s.kw + j) * outputs * kPanel};
      }
    for (int64_t panel = 0; panel < s.groups * panels; ++panel) {
      const int64_t group = panel / panels, c = panel % panels * kPanel;
      for (int64_t i = 0; i < rows.count; ++i) {
        Tile t;
        t.y = dx + ((rows.first + i * s.stride_h) * s.w + columns.first) * s.c + group * inputs + c;
        t.y_stride = s.stride_w * s.c;
        t.columns = least(kPanel, inputs - c);
        t.x = scratch + ((rows.from + i + b.before_h) * b.w + columns.from + b.before_w) * pixel + group * outputs;
        t.x_stride = pixel;
        t.segments = segments;
        t.segment_count = count;
        t.length = outputs;
        t.b = packed_transposed + panel * s.kh * s.kw * outputs * kPanel;
        t.bias = nullptr;
        t.accumulate = false;
        t.lower = -__builtin_huge_valf();
        run_tiles<Operand>(t, columns.count);
      }
    }
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
