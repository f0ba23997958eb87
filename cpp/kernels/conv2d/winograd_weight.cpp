#include "kernels/conv2d/winograd_weight.h"

#include "kernels/conv2d/winograd_transforms.h"
#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Tiles whose transforms are summed up at once. Each accumulator is read and written once for so many products.
constexpr int64_t kTilesAtOnce = 64;

// r = A g
PYCNN_INLINE void transform_gradient(Vec (&r)[kPoints], const Vec (&g)[kOut]) {
  const Vec even = g[0] + g[2], odd = g[1] + g[3];
  r[0] = g[0];
  r[1] = even + odd;
  r[2] = even - odd;
  r[3] = (g[0] + 0.25f * g[2]) + (0.5f * g[1] + 0.125f * g[3]);
  r[4] = (g[0] + 4.0f * g[2]) - (2.0f * g[1] + 8.0f * g[3]);
  r[5] = g[3];
}

// g = G^T u
PYCNN_INLINE void transform_weight(Vec (&g)[3], const Vec (&u)[kPoints]) {
  const Vec sum = (u[1] + u[2]) * (1.0f / 3.0f), difference = (u[1] - u[2]) * (1.0f / 3.0f);
  const Vec half = u[3] * (-16.0f / 15.0f), two = u[4] * (1.0f / 15.0f);
  g[0] = (u[0] + difference) + (half + two);
  g[1] = sum + (0.5f * half - 2.0f * two);
  g[2] = (difference + u[5]) + (0.25f * half + 4.0f * two);
}

// One tile of gradients, one panel of outputs: to[product] (kPanel floats, products `stride` apart). Outside is 0.
void gradient_tile(float* to, int64_t stride, const float* dy, const Conv2D& s, int64_t row, int64_t column,
                   int64_t outputs) {
  const int64_t rows = least(kOut, s.oh - row), columns = least(kOut, s.ow - column);
  for (int64_t k = 0; k < outputs; k += kLanes) {
    const int64_t lanes = least(kLanes, outputs - k);
    Vec half[kPoints][kOut];
#pragma GCC unroll 4
    for (int j = 0; j < kOut; ++j) {
      Vec g[kOut], r[kPoints];
#pragma GCC unroll 4
      for (int i = 0; i < kOut; ++i)
        g[i] = i < rows && j < columns ? load_n(dy + ((row + i) * s.ow + column + j) * s.k + k, lanes) : Vec{};
      transform_gradient(r, g);
#pragma GCC unroll 6
      for (int i = 0; i < kPoints; ++i) half[i][j] = r[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < kPoints; ++i) {
      Vec r[kPoints];
      transform_gradient(r, half[i]);
#pragma GCC unroll 6
      for (int j = 0; j < kPoints; ++j) store(to + (i * kPoints + j) * stride + k, r[j]);
    }
  }
}

// dw (one input channel, one vector of outputs) from u[product], products `stride` apart.
PYCNN_INLINE void weight_tile(float* dw, int64_t tap_stride, const float* u, int64_t stride, int64_t lanes,
                              bool accumulate) {
  Vec half[3][kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < kPoints; ++j) {
    Vec column[kPoints], g[3];
#pragma GCC unroll 6
    for (int i = 0; i < kPoints; ++i) column[i] = load(u + (i * kPoints + j) * stride);
    transform_weight(g, column);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) half[i][j] = g[i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    Vec g[3];
    transform_weight(g, half[i]);
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * tap_stride;
      store_n(to, accumulate ? load_n(to, lanes) + g[j] : g[j], lanes);
    }
  }
}

int64_t sums_floats(const Conv2D& s) { return kProducts * round_up(s.c) * kPanel; }  // of one panel

}  // namespace

bool winograd_weight_pays(const Conv2D& s) {
  if (!has_winograd_form(s)) return false;
  // Vector operations, as in winograd_pays. The last transform is shared by the tiles of a few images.
  const double tiles = static_cast<double>(tiles_of(s).each());
  const double channels = static_cast<double>(s.c) * static_cast<double>(s.k);
  const double direct = 9.0 * static_cast<double>(s.oh * s.ow) * channels;
  const double products = kProducts * (tiles + 4.0) * channels;
  const double transforms = 300.0 * tiles * static_cast<double>(s.c + s.k);
  return products + transforms < 0.9 * direct;
}

int64_t winograd_weight_scratch_floats(const Conv2D& s) {
  return round_up(s.c) + kTilesAtOnce * kProducts * (round_up(s.c) + kPanel) + panels_of(s.k) * sums_floats(s);
}

void winograd_backward_weight(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, bool accumulate) {
  const Tiles tiles = tiles_of(s);
  float* outside = scratch;  // a pixel of padding
  fill(outside, s.pad_value, s.c);
  float* v = scratch + round_up(s.c);
  float* m = v + kTilesAtOnce * kProducts * round_up(s.c);
  float* sums = m + kTilesAtOnce * kProducts * kPanel;
  const int64_t all = images.count * tiles.each();
  for (int64_t first = 0; first < all; first += kTilesAtOnce) {
    const int64_t count = least(kTilesAtOnce, all - first);
    const int64_t v_stride = count * s.c, m_stride = count * kPanel;
    for (int64_t i = 0; i < count; ++i) {
      const TilePlace at = place_of(tiles, first + i);
      input_tile<Float32>(v + i * s.c, v_stride, images.x + at.sample * images.x_stride, outside, s, at);
    }
    for (int64_t k = 0; k < s.k; k += kPanel) {
      const int64_t outputs = least(kPanel, s.k - k);
      float* u = sums + k / kPanel * sums_floats(s);
      for (int64_t i = 0; i < count; ++i) {
        const TilePlace at = place_of(tiles, first + i);
        gradient_tile(m + i * kPanel, m_stride, images.dy + at.sample * images.dy_stride + k, s, at.row, at.column,
                      outputs);
      }
      for (int64_t product = 0; product < kProducts; ++product) {
        OuterTile t;
        t.dw = u + product * s.c * kPanel;
        t.dw_stride = kPanel;
        t.columns = 0;  // run_outers sets it
        t.x = v + product * v_stride;
        t.x_row_stride = t.dy_row_stride = 0;
        t.x_pixel_stride = s.c;
        t.dy = m + product * m_stride;
        t.dy_pixel_stride = kPanel;
        t.rows = 1;
        t.pixels = count;
        t.accumulate = first > 0;
        run_outers<Float32>(t, s.c, outputs > kLanes ? kPanel : kLanes);
      }
    }
  }
  for (int64_t k = 0; k < s.k; k += kLanes) {
    const float* u = sums + k / kPanel * sums_floats(s) + k % kPanel;
    for (int64_t c = 0; c < s.c; ++c)
      weight_tile(dw + c * s.k + k, s.c * s.k, u + c * kPanel, s.c * kPanel, least(kLanes, s.k - k), accumulate);
  }
}

}  // namespace pycnn::PYCNN_ISA
