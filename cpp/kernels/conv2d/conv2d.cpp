// Direct convolution: register tiles over the pixels of an output row and a panel of output channels (gemm/tile.h).
// The backward pass by the input is the same on the gradient, with the kernel flipped and transposed, once for each
// phase of the stride; the one by the weights sums outer products over pixels (gemm/outer.h).
#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/depthwise.h"
#include "kernels/conv2d/first_layer.h"
#include "kernels/conv2d/geometry.h"
#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/sparse.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {

ActivationKernels activation_kernels();
ElementwiseKernels elementwise_kernels();

namespace {

constexpr int64_t kMaxRowBlocks = 8;

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

int64_t scratch_floats(const Conv2D& s) {
  if (is_depthwise(s)) return depthwise_scratch_floats(s);
  const Border b = gradient_border(s);
  const int64_t forward = padded_input_floats(s) + s.oh * round_up(s.ow * kPanel);
  const int64_t backward = round_up(b.h * b.w * s.k);
  const int64_t winograd = most(s.winograd_forward ? winograd_scratch_floats(s) : 0,
                                s.winograd_backward ? winograd_scratch_floats(winograd_transposed(s)) : 0);
  return most(winograd, segment_floats(s) + most(forward, backward));
}

void choose(Conv2D& s) {
  s.winograd_forward = winograd_pays(s);
  s.winograd_backward = winograd_pays(winograd_transposed(s));
}

int64_t packed_floats(const Conv2D& s) {
  if (is_depthwise(s)) return s.kh * s.kw * s.k;
  if (s.winograd_forward) return winograd_packed_floats(s);
  return s.groups * panels_of(group_outputs(s)) * s.kh * s.kw * group_inputs(s) * kPanel;
}

int64_t packed_transposed_floats(const Conv2D& s) {
  if (is_depthwise(s)) return s.kh * s.kw * s.k;
  if (s.winograd_backward) return winograd_packed_floats(winograd_transposed(s));
  return s.groups * panels_of(group_inputs(s)) * s.kh * s.kw * group_outputs(s) * kPanel;
}

int64_t weight_uses(const Conv2D& s) { return s.winograd_forward ? winograd_tiles(s) : s.oh * s.ow; }
int64_t transposed_weight_uses(const Conv2D& s) {
  return s.winograd_backward ? winograd_tiles(winograd_transposed(s)) : s.oh * s.ow;
}

int64_t pack_pieces(const Conv2D& s) { return s.winograd_forward ? panels_of(s.k) : 1; }
int64_t pack_transposed_pieces(const Conv2D& s) { return s.winograd_backward ? panels_of(s.c) : 1; }

void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  if (is_depthwise(s)) return copy(packed, w, s.kh * s.kw * s.k);
  if (s.winograd_forward) return winograd_pack(packed, w, s, begin, end);
  const int64_t depth = s.kh * s.kw * group_inputs(s), outputs = group_outputs(s);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t k = 0; k < outputs; k += kPanel, packed += depth * kPanel)
      pack_panel(packed, w + g * outputs + k, s.k, depth, least(kPanel, outputs - k));
}

void pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  if (is_depthwise(s)) return copy(packed, w, s.kh * s.kw * s.k);
  if (s.winograd_backward) return winograd_pack_transposed(packed, w, s, begin, end);
  const auto transpose = elementwise_kernels().transpose;
  const int64_t taps = s.kh * s.kw, inputs = group_inputs(s), outputs = group_outputs(s);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t c = 0; c < inputs; c += kPanel)
      for (int64_t tap = 0; tap < taps; ++tap, packed += outputs * kPanel) {
        const int64_t width = least(kPanel, inputs - c);
        if (width < kPanel) fill(packed, 0.0f, outputs * kPanel);
        transpose(packed, kPanel, w + (tap * inputs + c) * s.k + g * outputs, s.k, width, outputs);
      }
}

// Pieces are (panel, block of rows); `rows` counts what is cut: output rows, or pooled rows.
int64_t row_blocks(int64_t rows) { return least(rows, kMaxRowBlocks); }
int64_t pieces(const Conv2D& s) {
  if (is_depthwise(s)) return 1;
  if (s.winograd_forward) return panels_of(s.k);
  return s.groups * panels_of(group_outputs(s)) * row_blocks(s.oh);
}

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
  Conv2D s;
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

Direct prepare(const Conv2D& s, const float* x, const float* packed, const float* bias, float*& scratch,
               Activation activation) {
  Direct d;
  d.s = s;
  d.segments = reinterpret_cast<Segment*>(scratch);
  scratch += segment_floats(s);
  d.x = padded_input(x, scratch, s);
  scratch += padded_input_floats(s);
  d.packed = packed;
  d.bias = bias;
  d.segment_count = make_segments(d.segments, s, d.x);
  d.activation = activation;
  return d;
}

void activate_pixels(float* y, int64_t pixels, int64_t stride, int64_t columns, Activation activation) {
  const auto activate = activation_kernels().forward;
  if (columns == stride) return activate(y, y, pixels * stride, activation);
  for (int64_t i = 0; i < pixels; ++i) activate(y + i * stride, y + i * stride, columns, activation);
}

void direct_forward(float* y, const float* x, const float* packed, const float* bias, float* scratch, const Conv2D& s,
                    Activation activation, int64_t begin, int64_t end) {
  const Direct d = prepare(s, x, packed, bias, scratch, activation);
  const int64_t blocks = row_blocks(s.oh);
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t panel = piece / blocks, block = piece % blocks;
    for (int64_t oh = block * s.oh / blocks; oh < (block + 1) * s.oh / blocks; ++oh) {
      float* row = y + oh * s.ow * s.k + d.channel(panel);
      run_tiles(d.tile(row, s.k, panel, oh), s.ow);
      if (!is_clamp(activation)) activate_pixels(row, s.ow, s.k, d.columns(panel), activation);
    }
  }
}

void forward(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D& s,
             Activation activation, int64_t begin, int64_t end) {
  const int64_t pixels = s.oh * s.ow;
  if (s.winograd_forward) {
    winograd_forward(images.y, images.y_stride, nullptr, 0, images.x, images.x_stride, images.count, packed, bias,
                     lower_bound(activation), scratch, s, false, begin, end);
    if (is_clamp(activation)) return;
    const int64_t channel = begin * kPanel;
    for (int64_t i = 0; i < images.count; ++i)
      activate_pixels(images.y + i * images.y_stride + channel, pixels, s.k, least(s.k, end * kPanel) - channel,
                      activation);
    return;
  }
  for (int64_t i = 0; i < images.count; ++i) {
    float* y = images.y + i * images.y_stride;
    const float* x = images.x + i * images.x_stride;
    if (!is_depthwise(s)) {
      direct_forward(y, x, packed, bias, scratch, s, activation, begin, end);
      continue;
    }
    depthwise_forward(y, x, packed, bias, scratch, s);
    if (activation.kind != ActivationKind::kLinear) activate_pixels(y, pixels, s.k, s.k, activation);
  }
}

// One pooled row from ph convolution rows (ph, ow, kPanel). A NaN wins over every number.
void pool_row(float* y, uint8_t* argmax, int64_t y_stride, const float* rows, int64_t ow, int64_t columns,
              FusedPool pool) {
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
      if (argmax) store_bytes(argmax + j * y_stride + k, place, lanes);
    }
  }
}

void direct_forward_pool(float* y, uint8_t* argmax, const float* x, const float* packed, const float* bias,
                         float* scratch, const Conv2D& s, FusedPool pool, Activation activation, int64_t begin,
                         int64_t end) {
  const Direct d = prepare(s, x, packed, bias, scratch, activation);
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  const int64_t blocks = row_blocks(s.oh);
  const bool in_registers = pool.ph == 2 && pool.pw == 2 && is_clamp(activation);
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t panel = piece / blocks, block = piece % blocks, columns = d.columns(panel);
    for (int64_t i = block * oh / blocks; i < (block + 1) * oh / blocks; ++i) {
      const int64_t at = i * ow * s.k + d.channel(panel);
      if (in_registers) {
        run_pool_tiles(d.tile(y + at, s.k, panel, 2 * i), s.stride_h * d.x.w * s.c, argmax ? argmax + at : nullptr, ow);
        continue;
      }
      for (int64_t a = 0; a < pool.ph; ++a)
        run_tiles(d.tile(scratch + a * s.ow * kPanel, kPanel, panel, i * pool.ph + a), s.ow);
      if (!is_clamp(activation)) activation_kernels().forward(scratch, scratch, pool.ph * s.ow * kPanel, activation);
      pool_row(y + at, argmax ? argmax + at : nullptr, s.k, scratch, s.ow, columns, pool);
    }
  }
}

void forward_pool(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2D& s,
                  FusedPool pool, Activation activation, int64_t begin, int64_t end) {
  if (s.winograd_forward)
    return winograd_forward(images.y, images.y_stride, images.argmax, images.argmax_stride, images.x, images.x_stride,
                            images.count, packed, bias, lower_bound(activation), scratch, s, true, begin, end);
  for (int64_t i = 0; i < images.count; ++i)
    direct_forward_pool(images.y + i * images.y_stride,
                        images.argmax ? images.argmax + i * images.argmax_stride : nullptr,
                        images.x + i * images.x_stride, packed, bias, scratch, s, pool, activation, begin, end);
}

void direct_backward_input(float* dx, const float* dy, const float* packed_transposed, float* scratch,
                           const Conv2D& s) {
  auto* segments = reinterpret_cast<Segment*>(scratch);
  scratch += segment_floats(s);
  const Border b = gradient_border(s);
  place(scratch, b.h, b.w, dy, s.oh, s.ow, s.k, b.before_h, b.before_w, 0.0f);

  const int64_t inputs = group_inputs(s), outputs = group_outputs(s), panels = panels_of(inputs);
  for (int64_t phase = 0; phase < s.stride_h * s.stride_w; ++phase) {
    const int64_t phase_h = phase / s.stride_w, phase_w = phase % s.stride_w;
    const Phase rows = phase_of(phase_h, s.h, s.top, s.stride_h), columns = phase_of(phase_w, s.w, s.left, s.stride_w);
    if (rows.count == 0 || columns.count == 0) continue;
    int64_t count = 0;
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < s.kw; ++j) {
        if ((i * s.dilation_h - phase_h) % s.stride_h != 0 || (j * s.dilation_w - phase_w) % s.stride_w != 0) continue;
        const int64_t up = (i * s.dilation_h - phase_h) / s.stride_h, back = (j * s.dilation_w - phase_w) / s.stride_w;
        segments[count++] = {-(up * b.w + back) * s.k, (i * s.kw + j) * outputs * kPanel};
      }
    for (int64_t panel = 0; panel < s.groups * panels; ++panel) {
      const int64_t group = panel / panels, c = panel % panels * kPanel;
      for (int64_t i = 0; i < rows.count; ++i) {
        Tile t;
        t.y = dx + ((rows.first + i * s.stride_h) * s.w + columns.first) * s.c + group * inputs + c;
        t.y_stride = s.stride_w * s.c;
        t.columns = least(kPanel, inputs - c);
        t.x = scratch + ((rows.from + i + b.before_h) * b.w + columns.from + b.before_w) * s.k + group * outputs;
        t.x_stride = s.k;
        t.segments = segments;
        t.segment_count = count;
        t.length = outputs;
        t.b = packed_transposed + panel * s.kh * s.kw * outputs * kPanel;
        t.bias = nullptr;
        t.accumulate = false;
        t.lower = -__builtin_huge_valf();
        run_tiles(t, columns.count);
      }
    }
  }
}

void backward_input(const Images& images, const float* packed_transposed, float* scratch, const Conv2D& s) {
  if (s.winograd_backward) {
    const Conv2D t = winograd_transposed(s);
    return winograd_forward(images.y, images.y_stride, nullptr, 0, images.x, images.x_stride, images.count,
                            packed_transposed, nullptr, -__builtin_huge_valf(), scratch, t, false, 0, panels_of(t.k));
  }
  for (int64_t i = 0; i < images.count; ++i)
    (is_depthwise(s) ? depthwise_backward_input : direct_backward_input)(
        images.y + i * images.y_stride, images.x + i * images.x_stride, packed_transposed, scratch, s);
}

void backward_weight(float* dw, const float* x, const float* dy, float* scratch, const Conv2D& s, bool accumulate) {
  if (is_depthwise(s)) return depthwise_backward_weight(dw, x, dy, scratch, s, accumulate);
  const Image image = padded_input(x, scratch + segment_floats(s), s);
  const int64_t inputs = group_inputs(s), outputs = group_outputs(s);
  const int64_t runs = rows_are_segments(s) ? 1 : s.kw;
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < runs; ++j) {
        OuterTile t;
        t.dw = dw + (i * s.kw + j) * inputs * s.k + g * outputs;
        t.dw_stride = s.k;
        t.columns = 0;  // run_outers sets it
        t.x = image.data + (i * s.dilation_h * image.w + j * s.dilation_w) * s.c + g * inputs;
        t.x_row_stride = s.stride_h * image.w * s.c;
        t.x_pixel_stride = s.stride_w * s.c;
        t.dy = dy + g * outputs;
        t.dy_row_stride = s.ow * s.k;
        t.dy_pixel_stride = s.k;
        t.rows = s.oh;
        t.pixels = s.ow;
        t.accumulate = accumulate;
        run_outers(t, rows_are_segments(s) ? s.kw * inputs : inputs, outputs);
      }
}

void unpool(float* dy, const float* dy_pooled, const uint8_t* argmax, const Conv2D& s, FusedPool pool) {
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  if (oh * pool.ph < s.oh || ow * pool.pw < s.ow) fill(dy, 0.0f, s.oh * s.ow * s.k);
  for (int64_t i = 0; i < oh; ++i)
    for (int64_t j = 0; j < ow; ++j, dy_pooled += s.k, argmax += s.k)
      for (int64_t k = 0; k < s.k; k += kLanes) {
        const int64_t lanes = least(kLanes, s.k - k);
        const Vec g = load_n(dy_pooled + k, lanes);
        const IntVec winner = load_bytes(argmax + k, lanes);
        for (int64_t a = 0; a < pool.ph * pool.pw; ++a) {
          const IntVec here = winner == broadcast_int(static_cast<int32_t>(a));
          const int64_t row = i * pool.ph + a / pool.pw, column = j * pool.pw + a % pool.pw;
          store_n(dy + (row * s.ow + column) * s.k + k, select(here, g, Vec{}), lanes);
        }
      }
}

bool has_pooled_weight(const Conv2D& s, FusedPool pool) {
  return first_layer_supported(s, pool) || sparse_weight_supported(s, pool);
}

bool pooled_weight_transposed(const Conv2D& s, FusedPool pool) { return !first_layer_supported(s, pool); }

void backward_weight_pooled(float* dw, const float* x, const float* dy_pooled, const uint8_t* argmax, float* scratch,
                            const Conv2D& s, FusedPool pool, bool accumulate) {
  if (first_layer_supported(s, pool))
    return first_layer_backward_weight(dw, x, dy_pooled, argmax, scratch, s, accumulate);
  sparse_backward_weight(dw, x, dy_pooled, argmax, scratch, s, pool, accumulate);
}

}  // namespace

Conv2DKernels conv2d_kernels() {
  return {choose,
          scratch_floats,
          packed_floats,
          packed_transposed_floats,
          weight_uses,
          transposed_weight_uses,
          pack_pieces,
          pack_transposed_pieces,
          pack,
          pack_transposed,
          pieces,
          forward,
          forward_pool,
          backward_input,
          backward_weight,
          unpool,
          has_pooled_weight,
          sparse_input_supported,
          sparse_scratch_floats,
          pooled_weight_transposed,
          backward_weight_pooled,
          sparse_packed_floats,
          sparse_pack,
          sparse_backward_input};
}

}  // namespace pycnn::PYCNN_ISA
