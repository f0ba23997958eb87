// The functions of winograd.h: transforms, and n^2 products between them.
#pragma once

#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/conv2d/winograd_forms.h"
#include "kernels/conv2d/winograd_plane.h"
#include "kernels/conv2d/winograd_tiles.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The outputs of one tile and one vector of channels, from m[product] (products `m_stride` apart): row(i, outputs)
// gets one row after another.
template <class Tile, class Row>
PYCNN_INLINE void output_tile(const float* m, int64_t m_stride, Vec bias, const Row& row) {
  const auto product = [&](int i, int j) __attribute__((always_inline)) {
    return load(m + (i * Tile::kColumns + j) * m_stride);
  };
  const auto along = [](auto& y, const auto& products) __attribute__((always_inline)) { moments(y, products); };
  transform_tile<Tile::kRows, Tile::kOutRows, Tile::kColumns, Tile::kOutColumns>(
      product, along, [&](int i, Vec(&y)[Tile::kOutColumns]) __attribute__((always_inline)) {
#pragma GCC unroll 6
        for (int j = 0; j < Tile::kOutColumns; ++j) y[j] += bias;
        row(i, y);
      });
}

// The 2x2 max-pool of outputs (oh, ow, kLanes) of a whole image.
PYCNN_INLINE void pool_image(float* y, int64_t y_pixel, uint8_t* argmax, const float* image, Vec lower, const Conv2D& s,
                             int64_t lanes) {
  for (int64_t i = 0; i < s.oh / 2; ++i)
    for (int64_t j = 0; j < s.ow / 2; ++j) {
      const float *upper = image + (2 * i * s.ow + 2 * j) * kLanes, *below = upper + s.ow * kLanes;
      const int64_t at = (i * (s.ow / 2) + j) * y_pixel;
      store_window(y + at, argmax ? argmax + at : nullptr, load(upper), load(upper + kLanes), load(below),
                   load(below + kLanes), lower, lanes);
    }
}

// m[product] (count, columns <= kPanel) = v[product] (count, words) times one panel of packed[product], of so many
// products. One function for all forms: the compiler then sees what is constant in the tiles.
template <class Operand>
void multiply(float* m, int64_t m_stride, const float* v, int64_t v_stride, const float* packed, int64_t packed_stride,
              int64_t products, int64_t count, int64_t words, int64_t columns) {
  const Segment whole = {0, 0};
  for (int64_t product = 0; product < products; ++product) {
    Tile t;
    t.y = m + product * m_stride;
    t.y_stride = kPanel;
    t.columns = columns;
    t.x = v + product * v_stride;
    t.x_stride = words;
    t.segments = &whole;
    t.segment_count = 1;
    t.length = words;
    t.b = packed + product * packed_stride;
    t.bias = nullptr;
    t.accumulate = false;
    t.lower = -__builtin_huge_valf();
    int64_t done = 0;
    if (kLanes == 16 && words == kLanes && columns <= kLanes) done = run_square<Operand>(t.y, kPanel, t.x, t.b, count);
    t.y += done * kPanel;
    t.x += done * words;
    run_tiles<Operand>(t, count - done);
  }
}

template <class Operand, class Tile>
struct Form {
  static constexpr int kOutRows = Tile::kOutRows, kOutColumns = Tile::kOutColumns, kProducts = Tile::kProducts;
  static constexpr int kTaps = Tile::kTaps, kTapColumns = Tile::kTapColumns;
  static constexpr bool kIsSquare = kOutRows == kOutColumns;
  // Where pooling windows lie across tiles, whole images are worked on, whose outputs lie in scratch.
  static constexpr bool kWholeImages = kIsSquare && kOutRows % 2 == 1;

  // Between the products of a panel of packed weights.
  static int64_t packed_stride(int64_t inputs) { return product_stride(Operand::words(inputs) * kPanel); }
  // What lies between the products of a panel is zero.
  static void clear_gaps(float* panel, int64_t inputs) {
    const int64_t floats = Operand::words(inputs) * kPanel, stride = packed_stride(inputs);
    for (int product = 0; product < kProducts; ++product)
      fill(panel + product * stride + floats, 0.0f, stride - floats);
  }
  // packed (panels, products, words of c, kPanel) = G g G^T. Panels [begin, end).
  static int64_t packed_floats(const Conv2D& s) { return panels_of(s.k) * kProducts * packed_stride(s.c); }

  static int64_t group_of(const Conv2D& s) {
    const int64_t group = winograd_group(kProducts, s.c);
    if (!kWholeImages) return group;
    const int64_t each = tiles_of<Tile>(s).each();
    return max(1, group / each) * each;
  }

  static void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
    const int64_t stride = packed_stride(s.c);
    for (int64_t panel = begin; panel < end; ++panel) {
      clear_gaps(packed + panel * kProducts * stride, s.c);
      for (int64_t c = 0; c < s.c; c += Operand::kTerms)
        for (int v = 0; v < kPanelVectors; ++v) {
          const int64_t k = panel * kPanel + v * kLanes, lanes = min(kLanes, s.k - k);
          float* to = packed + panel * kProducts * stride + c / Operand::kTerms * kPanel + v * kLanes;
          kernel_tile<Operand, Tile>(to, stride, [&](int term, int i, int j) {
            const bool exists = lanes > 0 && c + term < s.c;
            return exists ? load_n(w + ((i * kTapColumns + j) * s.c + c + term) * s.k + k, lanes) : Vec{};
          });
        }
    }
  }

  // The same for the kernel flipped and with inputs and outputs exchanged; s is the convolution's own shape.
  static void pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
    const auto transpose = elementwise_kernels().transpose;
    const int64_t stride = packed_stride(s.k);
    for (int64_t panel = begin; panel < end; ++panel) {
      clear_gaps(packed + panel * kProducts * stride, s.k);
      for (int v = 0; v < kPanelVectors; ++v) {
        const int64_t c = panel * kPanel + v * kLanes, lanes = min(kLanes, s.c - c);
        float* to = packed + panel * kProducts * stride + v * kLanes;
        for (int64_t k = 0; k < s.k; k += kLanes) {
          float taps[kTaps][kLanes * kLanes] = {};  // flipped, (k, c)
          const int64_t outputs = min(kLanes, s.k - k);
          for (int64_t tap = 0; tap < kTaps && lanes > 0; ++tap)
            transpose(taps[kTaps - 1 - tap], kLanes, w + (tap * s.c + c) * s.k + k, s.k, lanes, outputs);
          for (int64_t i = 0; i < outputs; i += Operand::kTerms)
            kernel_tile<Operand, Tile>(to + (k + i) / Operand::kTerms * kPanel, stride, [&](int term, int row, int j) {
              return load(taps[row * kTapColumns + j] + (i + term) * kLanes);
            });
        }
      }
    }
  }

  static int64_t scratch_floats(const Conv2D& s) {
    const int64_t group = group_of(s);
    return round_up(s.w * s.c) +
           kProducts * (product_stride(group * Operand::words(s.c)) + product_stride(group * kPanel)) +
           (kWholeImages ? s.oh * s.ow * kLanes : 0);
  }

  // A part of the outputs of `images`, or with `pool` of the 2x2 max-pool of them, bounded from below.
  static void forward(const Images& images, const float* packed, const float* bias, float lower, float* scratch,
                      const Conv2D& s, bool pool, const WinogradPart& part) {
    Tiles tiles = tiles_of<Tile>(s);
    tiles.rows = part.row_end - part.row_begin;
    tiles.first_row = part.row_begin;
    const int64_t words = Operand::words(s.c), unit = kWholeImages ? tiles.each() : 1;
    const int64_t group = group_of(s) / unit * unit, units = images.count * tiles.each() / unit;
    float* outside = scratch;  // a row of padding
    fill(outside, s.pad_value, s.w * s.c);
    float* v = scratch + round_up(s.w * s.c);
    float* m = v + kProducts * product_stride(group * words);
    float* image = m + kProducts * product_stride(group * kPanel);
    // Groups of nearly equal size: a small last one would read all weights for little.
    const int64_t groups = (units * unit + group - 1) / group;
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t first = g * units / groups * unit, count = (g + 1) * units / groups * unit - first;
      const int64_t v_stride = product_stride(count * words), m_stride = product_stride(count * kPanel);
      input_tiles<Operand, Tile>(v, v_stride, images.x, images.x_stride, outside, s, tiles, first, count, 0, s.c);
      for (int64_t panel = part.panel_begin; panel < part.panel_end; ++panel) {
        const int64_t columns = s.k - panel * kPanel > kLanes ? kPanel : kLanes;  // whole vectors
        multiply<Operand>(m, m_stride, v, v_stride, packed + panel * kProducts * packed_stride(s.c), packed_stride(s.c),
                          kProducts, count, words, columns);
        for (int64_t k = panel * kPanel; k < min(s.k, (panel + 1) * kPanel); k += kLanes)
          outputs(images, m + k % kPanel, m_stride, bias, lower, image, s, tiles, pool, k, first, count);
      }
    }
  }

 private:
  // One vector of channels of the tiles [first, first + count).
  static void outputs(const Images& images, const float* m, int64_t m_stride, const float* bias, float lower,
                      float* image, const Conv2D& s, const Tiles& tiles, bool pool, int64_t k, int64_t first,
                      int64_t count) {
    const int64_t lanes = min(kLanes, s.k - k), pixel = y_pixel(images, s);
    const Vec start = bias ? load_n(bias + k, lanes) : Vec{}, bound = broadcast(lower);
    for (int64_t i = 0; i < count; ++i, m += kPanel) {
      const TileOrigin at = tile_origin(tiles, first + i);
      float* y = images.y + at.sample * images.y_stride + k;
      uint8_t* argmax = images.argmax ? images.argmax + at.sample * images.argmax_stride + k : nullptr;
      const int64_t rows = min(kOutRows, s.oh - at.row), columns = min(kOutColumns, s.ow - at.column);
      const int64_t corner = at.row * s.ow + at.column;
      if (!pool) {
        const float* residual = images.residual;
        if (residual) residual += at.sample * images.residual_stride + k + corner * pixel;
        store_tile(y + corner * pixel, m, m_stride, start, bound, pixel, s.ow * pixel, rows, columns, lanes, residual);
      } else if constexpr (kWholeImages) {
        store_tile(image + corner * kLanes, m, m_stride, start, broadcast(-__builtin_huge_valf()), kLanes,
                   s.ow * kLanes, rows, columns, kLanes, nullptr);
        if ((i + 1) % tiles.each() == 0) pool_image(y, pixel, argmax, image, bound, s, lanes);
      } else if constexpr (kIsSquare) {
        const int64_t from = (at.row / 2 * (s.ow / 2) + at.column / 2) * pixel;
        store_pooled(y + from, argmax ? argmax + from : nullptr, m, m_stride, start, bound, pixel, s.ow / 2 * pixel,
                     rows, columns, lanes);
      }
    }
  }

  // residual, laid out like y, may be null.
  static void store_tile(float* y, const float* m, int64_t m_stride, Vec bias, Vec lower, int64_t pixel,
                         int64_t row_stride, int64_t rows, int64_t columns, int64_t lanes, const float* residual) {
    output_tile<Tile>(
        m, m_stride, bias, [&](int i, const Vec(&row)[kOutColumns]) __attribute__((always_inline)) {
          if (i >= rows) return;
          int64_t at = i * row_stride;
#pragma GCC unroll 6
          for (int j = 0; j < kOutColumns; ++j, at += pixel) {
            if (j >= columns) continue;
            const Vec out = residual ? row[j] + load_n(residual + at, lanes) : row[j];
            store_n(y + at, maximum(lower, out), lanes);
          }
        });
  }

  static void store_pooled(float* y, uint8_t* argmax, const float* m, int64_t m_stride, Vec bias, Vec lower,
                           int64_t pixel, int64_t row_stride, int64_t rows, int64_t columns, int64_t lanes) {
    Vec upper[kOutColumns] = {};
    output_tile<Tile>(
        m, m_stride, bias, [&](int i, const Vec(&row)[kOutColumns]) __attribute__((always_inline)) {
          if (i % 2 == 0) {
            for (int j = 0; j < kOutColumns; ++j) upper[j] = row[j];
            return;
          }
          for (int j = 0; j < kOutColumns / 2 && i < rows && 2 * j + 1 < columns; ++j) {
            const int64_t at = i / 2 * row_stride + j * pixel;
            store_window(y + at, argmax ? argmax + at : nullptr, upper[2 * j], upper[2 * j + 1], row[2 * j],
                         row[2 * j + 1], lower, lanes);
          }
        });
  }
};

template <class Form>
void run_forward(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2DForward& f,
                 int64_t begin, int64_t end) {
  const Conv2D& s = f.shape;
  for_winograd_parts(s, f.tile, begin, end, [&](const WinogradPart& part) {
    Form::forward(images, packed, bias, f.lower, scratch, s, f.pool.ph > 0, part);
    if (f.clamps && f.upper == __builtin_huge_valf()) return;
    const int64_t first = part.row_begin * Form::kOutRows, channel = part.panel_begin * kPanel,
                  pixel = y_pixel(images, s);
    const int64_t pixels = (min(s.oh, part.row_end * Form::kOutRows) - first) * s.ow;
    for (int64_t i = 0; i < images.count; ++i)
      activate_pixels(images.y + i * images.y_stride + first * s.ow * pixel + channel, pixels, pixel,
                      min(s.k, part.panel_end * kPanel) - channel, f.activation);
  });
}

template <class Form>
void run_backward_input(const InputGradients& g, const float* packed, float* scratch, const Conv2DBackwardInput& f,
                        int64_t begin, int64_t end) {
  const Conv2D s = transposed(f.shape);
  for_winograd_parts(s, f.tile, begin, end, [&](const WinogradPart& part) {
    Form::forward({g.dx, g.dx_stride, g.dy, g.dy_stride, g.count}, packed, nullptr, -__builtin_huge_valf(), scratch, s,
                  false, part);
  });
}

// body(tile) of the form that f has; kernels of one row or column are not rounded.
template <class Operand, class Body>
PYCNN_INLINE void with_form(const Conv2DForm& f, const Body& body) {
  if constexpr (Operand::kRounds) with_rounding_form(f.tile, f.shape, body);
  else with_winograd_form(f.tile, f.shape, body);
}

// What forward on shape s has of its form.
template <class Form>
void describe_sizes(Conv2DForm& f, const Conv2D& s, const char* name) {
  f.name = name;
  f.scratch_floats = Form::scratch_floats(s);
  f.weight_reuse = winograd_tiles(s, f.tile);
  f.packed_floats = Form::packed_floats(s);
  f.pack_pieces = panels_of(s.k);
}

}  // namespace

template <class Operand>
void Winograd<Operand>::describe(Conv2DForward& f) {
  const auto take = [&](auto form, const char* name) {
    using Taken = decltype(form);
    describe_sizes<Taken>(f, f.shape, name);
    f.pieces = winograd_pieces(f.shape, f.tile);
    f.pack = Taken::pack;
    f.run = run_forward<Taken>;
  };
  if constexpr (!Operand::kRounds)
    if (is_plane(f.shape)) return take(PlaneForm{}, "Winograd F(2x2,3x3)");
  with_form<Operand>(f, [&](auto tile) { take(Form<Operand, decltype(tile)>{}, tile.name); });
}

template <class Operand>
void Winograd<Operand>::describe(Conv2DBackwardInput& f) {
  with_form<Operand>(f, [&](auto tile) {
    using Taken = Form<Operand, decltype(tile)>;
    describe_sizes<Taken>(f, transposed(f.shape), tile.name);
    f.pieces = winograd_pieces(transposed(f.shape), f.tile);
    f.pack = Taken::pack_transposed;
    f.run = run_backward_input<Taken>;
  });
}

}  // namespace pycnn::PYCNN_ISA
