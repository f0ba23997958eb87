// The functions of winograd.h: transforms, and 36 products between them.
#pragma once

#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/conv2d/winograd_transforms.h"
#include "kernels/shared.h"

namespace pycnn::PYCNN_ISA {
namespace {

// r = G g: the kernel's polynomial at the points, divided by the products of the points' differences.
PYCNN_INLINE void transform_kernel(Vec (&r)[kPoints], Vec g0, Vec g1, Vec g2) {
  r[0] = g0;
  r[1] = (g0 + g1 + g2) * (1.0f / 3.0f);
  r[2] = (g1 - g0 - g2) * (1.0f / 3.0f);
  r[3] = (g0 + 0.5f * g1 + 0.25f * g2) * (-16.0f / 15.0f);
  r[4] = (g0 - 2.0f * g1 + 4.0f * g2) * (1.0f / 15.0f);
  r[5] = g2;
}

// y = A^T m: powers of the points.
PYCNN_INLINE void transform_output(Vec (&y)[kOut], const Vec (&m)[kPoints]) {
  const Vec sum = m[1] + m[2], difference = m[1] - m[2];
  y[0] = (m[0] + sum) + (m[3] + m[4]);
  y[1] = difference + 0.5f * m[3] - 2.0f * m[4];
  y[2] = sum + 0.25f * m[3] + 4.0f * m[4];
  y[3] = difference + 0.125f * m[3] - 8.0f * m[4] + m[5];
}

// The 4x4 outputs of one tile and one vector of channels, from m[product] (products `m_stride` apart).
PYCNN_INLINE void output_tile(Vec (&y)[kOut][kOut], const float* m, int64_t m_stride, Vec bias) {
  Vec half[kOut][kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < kPoints; ++j) {
    Vec column[kPoints], r[kOut];
#pragma GCC unroll 6
    for (int i = 0; i < kPoints; ++i) column[i] = load(m + (i * kPoints + j) * m_stride);
    transform_output(r, column);
#pragma GCC unroll 4
    for (int i = 0; i < kOut; ++i) half[i][j] = r[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kOut; ++i) {
    transform_output(y[i], half[i]);
#pragma GCC unroll 4
    for (int j = 0; j < kOut; ++j) y[i][j] += bias;
  }
}

void store_tile(float* y, const Vec (&tile)[kOut][kOut], Vec lower, const Conv2D& s, int64_t row, int64_t column,
                int64_t lanes) {
  const int64_t rows = least(kOut, s.oh - row), columns = least(kOut, s.ow - column);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      store_n(y + ((row + i) * s.ow + column + j) * s.k, maximum(lower, tile[i][j]), lanes);
}

void store_pooled(float* y, uint8_t* argmax, const Vec (&tile)[kOut][kOut], Vec lower, const Conv2D& s, int64_t row,
                  int64_t column, int64_t lanes) {
  const int64_t ow = s.ow / 2;
  for (int64_t i = 0; i < least(kOut, s.oh - row) / 2; ++i)
    for (int64_t j = 0; j < least(kOut, s.ow - column) / 2; ++j) {
      Vec best = tile[2 * i][2 * j];
      IntVec place = {};
#pragma GCC unroll 4
      for (int k = 1; k < 4; ++k) {
        const Vec other = tile[2 * i + k / 2][2 * j + k % 2];
        const IntVec wins = (other > best) | (other != other);
        best = select(wins, other, best);
        place = wins ? broadcast_int(k) : place;
      }
      const int64_t at = ((row / 2 + i) * ow + column / 2 + j) * s.k;
      store_n(y + at, maximum(lower, best), lanes);
      if (argmax) store_bytes(argmax + at, place, lanes);
    }
}

// G g G^T of one word of input channels and one vector of output channels; tap(term, i, j) gives the taps.
template <class Operand, class Tap>
PYCNN_INLINE void kernel_tile(float* packed, int64_t stride, const Tap& tap) {
  constexpr int kTerms = Operand::kTerms;
  Vec half[kTerms][kPoints][3];
  for (int t = 0; t < kTerms; ++t)
    for (int j = 0; j < 3; ++j) {
      Vec r[kPoints];
      transform_kernel(r, tap(t, 0, j), tap(t, 1, j), tap(t, 2, j));
      for (int i = 0; i < kPoints; ++i) half[t][i][j] = r[i];
    }
  for (int i = 0; i < kPoints; ++i) {
    Vec r[kTerms][kPoints];
    for (int t = 0; t < kTerms; ++t) transform_kernel(r[t], half[t][i][0], half[t][i][1], half[t][i][2]);
    for (int j = 0; j < kPoints; ++j) {
      Vec terms[kTerms];
      for (int t = 0; t < kTerms; ++t) terms[t] = r[t][j];
      store(packed + (i * kPoints + j) * stride, Operand::word(terms));
    }
  }
}

}  // namespace

template <class Operand>
Conv2D Winograd<Operand>::transposed(const Conv2D& s) {
  Conv2D t = s;
  t.h = s.oh;
  t.w = s.ow;
  t.c = s.k;
  t.oh = s.h;
  t.ow = s.w;
  t.k = s.c;
  t.top = 2 - s.top;
  t.left = 2 - s.left;
  t.pad_value = 0.0f;
  return t;
}

template <class Operand>
bool Winograd<Operand>::pays(const Conv2D& s) {
  if (!has_winograd_form(s)) return false;
  // Vector operations; a product's is worth half as much in bfloat16, on every ISA, so that all of them choose the
  // same. A transform's worth about 170 of them a tile and channel, weighted by what was measured.
  const Tiles tiles = tiles_of(s);
  const double product = Operand::kRounds ? 0.5 : 1.0;
  const double channels = product * static_cast<double>(s.c) * static_cast<double>(s.k);
  const double direct = 9.0 * static_cast<double>(s.oh * s.ow) * channels;
  const double products = kProducts * static_cast<double>(tiles.each()) * channels;
  const double transforms = 300.0 * static_cast<double>(tiles.each() * (s.c + s.k));
  return products + transforms < 0.9 * direct;
}

template <class Operand>
int64_t Winograd<Operand>::tiles(const Conv2D& s) {
  return tiles_of(s).each();
}

// What lies between the products of a panel of packed weights, each `floats` long, is zero.
PYCNN_INLINE void clear_gaps(float* panel, int64_t floats) {
  const int64_t stride = product_stride(floats);
  for (int64_t product = 0; product < kProducts; ++product)
    fill(panel + product * stride + floats, 0.0f, stride - floats);
}

template <class Operand>
int64_t Winograd<Operand>::packed_floats(const Conv2D& s) {
  return panels_of(s.k) * kProducts * product_stride(Operand::words(s.c) * kPanel);
}

template <class Operand>
void Winograd<Operand>::pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  const int64_t stride = product_stride(Operand::words(s.c) * kPanel);
  for (int64_t panel = begin; panel < end; ++panel) {
    clear_gaps(packed + panel * kProducts * stride, Operand::words(s.c) * kPanel);
    for (int64_t c = 0; c < s.c; c += Operand::kTerms)
      for (int v = 0; v < kPanelVectors; ++v) {
        const int64_t k = panel * kPanel + v * kLanes, lanes = least(kLanes, s.k - k);
        float* to = packed + panel * kProducts * stride + c / Operand::kTerms * kPanel + v * kLanes;
        kernel_tile<Operand>(to, stride, [&](int term, int i, int j) {
          const bool exists = lanes > 0 && c + term < s.c;
          return exists ? load_n(w + ((i * 3 + j) * s.c + c + term) * s.k + k, lanes) : Vec{};
        });
      }
  }
}

template <class Operand>
void Winograd<Operand>::pack_transposed(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  const auto transpose = elementwise_kernels().transpose;
  const int64_t stride = product_stride(Operand::words(s.k) * kPanel);
  for (int64_t panel = begin; panel < end; ++panel) {
    clear_gaps(packed + panel * kProducts * stride, Operand::words(s.k) * kPanel);
    for (int v = 0; v < kPanelVectors; ++v) {
      const int64_t c = panel * kPanel + v * kLanes, lanes = least(kLanes, s.c - c);
      float* to = packed + panel * kProducts * stride + v * kLanes;
      for (int64_t k = 0; k < s.k; k += kLanes) {
        float taps[9][kLanes * kLanes] = {};  // flipped, (k, c)
        const int64_t outputs = least(kLanes, s.k - k);
        for (int64_t tap = 0; tap < 9 && lanes > 0; ++tap)
          transpose(taps[8 - tap], kLanes, w + (tap * s.c + c) * s.k + k, s.k, lanes, outputs);
        for (int64_t i = 0; i < outputs; i += Operand::kTerms)
          kernel_tile<Operand>(to + (k + i) / Operand::kTerms * kPanel, stride, [&](int term, int row, int column) {
            return load(taps[row * 3 + column] + (i + term) * kLanes);
          });
      }
    }
  }
}

template <class Operand>
int64_t Winograd<Operand>::scratch_floats(const Conv2D& s) {
  const int64_t group = tiles_of(s).group;
  return round_up(s.c) + kProducts * (product_stride(group * Operand::words(s.c)) + product_stride(group * kPanel));
}

template <class Operand>
void Winograd<Operand>::forward(float* y, int64_t y_stride, uint8_t* argmax, int64_t argmax_stride, const float* x,
                                int64_t x_stride, int64_t samples, const float* packed, const float* bias, float lower,
                                float* scratch, const Conv2D& s, bool pool, int64_t begin, int64_t end) {
  const Tiles tiles = tiles_of(s);
  float* outside = scratch;  // a pixel of padding
  fill(outside, s.pad_value, s.c);
  float* v = scratch + round_up(s.c);
  const int64_t words = Operand::words(s.c);
  float* m = v + kProducts * product_stride(tiles.group * words);
  const int64_t all = samples * tiles.each();
  const Segment whole = {0, 0};
  for (int64_t first = 0; first < all; first += tiles.group) {
    const int64_t count = least(tiles.group, all - first);
    const int64_t v_stride = product_stride(count * words), m_stride = product_stride(count * kPanel);
    for (int64_t i = 0; i < count; ++i) {
      const TilePlace at = place_of(tiles, first + i);
      input_tile<Operand>(v + i * words, v_stride, x + at.sample * x_stride, outside, s, at);
    }
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t columns = s.k - panel * kPanel > kLanes ? kPanel : kLanes;  // whole vectors
      for (int64_t product = 0; product < kProducts; ++product) {
        Tile t;
        t.y = m + product * m_stride;
        t.y_stride = kPanel;
        t.columns = columns;
        t.x = v + product * v_stride;
        t.x_stride = words;
        t.segments = &whole;
        t.segment_count = 1;
        t.length = words;
        t.b = packed + (panel * kProducts + product) * product_stride(words * kPanel);
        t.bias = nullptr;
        t.accumulate = false;
        t.lower = -__builtin_huge_valf();
        run_tiles<Operand>(t, count);
      }
      for (int64_t k = panel * kPanel; k < least(s.k, (panel + 1) * kPanel); k += kLanes) {
        const int64_t lanes = least(kLanes, s.k - k);
        const Vec start = bias ? load_n(bias + k, lanes) : Vec{};
        for (int64_t i = 0; i < count; ++i) {
          const TilePlace at = place_of(tiles, first + i);
          Vec out[kOut][kOut];
          output_tile(out, m + i * kPanel + (k - panel * kPanel), m_stride, start);
          float* to = y + at.sample * y_stride + k;
          if (pool) {
            uint8_t* places = argmax ? argmax + at.sample * argmax_stride + k : nullptr;
            store_pooled(to, places, out, broadcast(lower), s, at.row, at.column, lanes);
          } else {
            store_tile(to, out, broadcast(lower), s, at.row, at.column, lanes);
          }
        }
      }
    }
  }
}

}  // namespace pycnn::PYCNN_ISA
