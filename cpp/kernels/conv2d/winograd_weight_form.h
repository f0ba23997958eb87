// Winograd's minimal filtering for weight gradients, F(r x r, m x m): the transpose of winograd.h's algorithm.
//
//   dg = G^T [ sum over tiles of (B^T d B) * (A dy A^T) ] G      d: n x n inputs, dy: m x m gradients, dg: r x r
//
// Its products are n^2 sums of outer products over tiles. It multiplies floats, in bfloat16 too: that is faster than
// direct sums of bfloat16, and finer.
#pragma once

#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/forms.h"
#include "kernels/conv2d/winograd_cut.h"
#include "kernels/conv2d/winograd_forms.h"
#include "kernels/conv2d/winograd_tiles.h"
#include "kernels/gemm/outer.h"

namespace pycnn::PYCNN_ISA {
namespace {

// One tile of gradients and one vector of outputs: to[product] (products `stride` apart). Outside is 0.
template <class Form, class Lanes>
PYCNN_INLINE void gradient_tile(float* to, int64_t stride, const float* dy, int64_t pixel, int64_t row_stride,
                                int64_t rows, int64_t columns, Lanes lanes) {
  const auto at = [&](int i, int j) __attribute__((always_inline)) {
    return i < rows && j < columns ? load(dy + i * row_stride + j * pixel, lanes) : Vec{};
  };
  const auto along = [](auto& r, const auto& g) __attribute__((always_inline)) { evaluate(r, g); };
  transform_tile<Form::kOutRows, Form::kRows, Form::kOutColumns, Form::kColumns>(
      at, along, [&](int i, const auto& r) __attribute__((always_inline)) {
#pragma GCC unroll 12
        for (int j = 0; j < Form::kColumns; ++j) store(to + (i * Form::kColumns + j) * stride, r[j]);
      });
}

template <int N, int R>
PYCNN_INLINE void scaled_moments(Vec (&g)[R], const Vec (&products)[N]) {
  Vec scaled[N];
#pragma GCC unroll 12
  for (int i = 0; i < N; ++i) scaled[i] = products[i] * static_cast<float>(scale_of(N, i));
  moments(g, scaled);
}

// dw (one input channel, one vector of outputs) from u[product], products `stride` apart.
template <class Form>
PYCNN_INLINE void weight_tile(float* dw, int64_t tap_stride, const float* u, int64_t stride, int64_t lanes,
                              bool accumulate) {
  const auto at = [&](int i, int j) __attribute__((always_inline)) {
    return load(u + (i * Form::kColumns + j) * stride);
  };
  const auto along = [](auto& g, const auto& products) __attribute__((always_inline)) { scaled_moments(g, products); };
  transform_tile<Form::kRows, Form::kTapRows, Form::kColumns, Form::kTapColumns>(
      at, along, [&](int i, const auto& g) __attribute__((always_inline)) {
#pragma GCC unroll 7
        for (int j = 0; j < Form::kTapColumns; ++j) {
          float* to = dw + (i * Form::kTapColumns + j) * tap_stride;
          store_n(to, accumulate ? load_n(to, lanes) + g[j] : g[j], lanes);
        }
      });
}

// u[product] (inputs, kPanel) = or += the products over `count` tiles of v[product] (tiles `v_tile_stride` apart) and
// m[product] (tiles, kPanel).
void add_products(float* u, int64_t u_stride, const float* v, int64_t v_stride, int64_t v_tile_stride, const float* m,
                  int64_t m_stride, int64_t products, int64_t count, int64_t inputs, int64_t outputs, bool accumulate) {
  for (int64_t product = 0; product < products; ++product) {
    OuterTile t;
    t.dw = u + product * u_stride;
    t.dw_stride = kPanel;
    t.columns = 0;  // run_outers sets it
    t.x = v + product * v_stride;
    t.x_row_stride = t.dy_row_stride = 0;
    t.x_pixel_stride = v_tile_stride;
    t.dy = m + product * m_stride;
    t.dy_pixel_stride = kPanel;
    t.rows = 1;
    t.pixels = count;
    t.accumulate = accumulate;
    run_outers<Float32>(t, inputs, outputs > kLanes ? kPanel : kLanes);
  }
}

template <class Tile>
struct WeightForm {
  static constexpr int kProducts = Tile::kProducts;
  // Tiles whose transforms are summed up at once. Each accumulator is read and written once for so many products.
  static constexpr int64_t kTilesAtOnce = 64;

  // Input channels whose transforms lie side by side: a cache line of each tile.
  static constexpr int64_t kBlock = 16;

  // Accumulators of one block of input channels and one panel of outputs.
  static int64_t block_floats() { return kProducts * u_stride(); }
  static int64_t u_stride() { return product_stride(kBlock * kPanel); }
  static int64_t blocks_of(int64_t inputs) { return (inputs + kBlock - 1) / kBlock; }
  static int64_t v_floats(int64_t inputs) {
    return kProducts * blocks_of(inputs) * product_stride(kTilesAtOnce * kBlock);
  }

  // Of so many channels of s.
  static int64_t scratch_floats(const Conv2D& s, int64_t inputs, int64_t outputs) {
    return round_up(s.w * s.c) + v_floats(inputs) + kProducts * product_stride(kTilesAtOnce * kPanel) +
           panels_of(outputs) * blocks_of(inputs) * block_floats();
  }

  static void run(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                  bool accumulate) {
    bias_gradient(db, images, f.shape, accumulate);
    sum(dw, images, scratch, f.shape, all_channels(f.shape), accumulate);
  }

  static void run_piece(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                        bool accumulate, int64_t piece) {
    const ChannelPart part = channel_part(f.shape, piece, kPieceInputs);
    bias_gradient(db, images, f.shape, part, accumulate);
    sum(dw, images, scratch, f.shape, part, accumulate);
  }

 private:
  static void sum(float* dw, const ImagePairs& images, float* scratch, const Conv2D& s, const ChannelPart& part,
                  bool accumulate) {
    const Tiles tiles = tiles_of<Tile>(s);
    float* outside = scratch;  // a row of padding
    fill(outside, s.pad_value, s.w * s.c);
    float* v = scratch + round_up(s.w * s.c);
    float* m = v + v_floats(part.inputs);
    float* sums = m + kProducts * product_stride(kTilesAtOnce * kPanel);
    const int64_t all = images.count * tiles.each(), blocks = blocks_of(part.inputs);
    const int64_t last_output = part.output + part.outputs;
    // With one group of tiles no accumulator is needed twice: all blocks use the same, which stays in the cache.
    const int64_t next_block = all > kTilesAtOnce ? block_floats() : 0;
    for (int64_t first = 0; first < all; first += kTilesAtOnce) {
      const int64_t count = min(kTilesAtOnce, all - first);
      const int64_t v_stride = product_stride(count * kBlock), m_stride = product_stride(count * kPanel);
      for (int64_t c = 0; c < part.inputs; c += kBlock)
        input_tiles<Float32, Tile>(v + c / kBlock * kProducts * v_stride, v_stride, images.x, images.x_stride, outside,
                                   s, tiles, first, count, part.input + c, min(kBlock, part.inputs - c));
      float* u = sums;
      for (int64_t k = part.output; k < last_output; k += kPanel) {
        const int64_t outputs = min(kPanel, last_output - k);
        for (int64_t i = 0; i < count; ++i) {
          const TileOrigin at = tile_origin(tiles, first + i);
          const float* dy = images.dy + at.sample * images.dy_stride + (at.row * s.ow + at.column) * s.k + k;
          for_vectors(outputs, [&](int64_t j, auto lanes) {
            gradient_tile<Tile>(m + i * kPanel + j, m_stride, dy + j, s.k, s.ow * s.k, s.oh - at.row, s.ow - at.column,
                                lanes);
          });
        }
        for (int64_t block = 0; block < blocks; ++block, u += next_block) {
          const int64_t c = block * kBlock, inputs = min(kBlock, part.inputs - c);
          add_products(u, u_stride(), v + block * kProducts * v_stride, v_stride, inputs, m, m_stride, kProducts, count,
                       inputs, outputs, first > 0);
          if (first + count < all) continue;
          for (int64_t i = 0; i < inputs; ++i)
            for (int64_t j = 0; j < outputs; j += kLanes)
              weight_tile<Tile>(dw + (part.input + c + i) * s.k + k + j, s.c * s.k, u + i * kPanel + j, u_stride(),
                                min(kLanes, outputs - j), accumulate);
        }
      }
    }
  }
};

}  // namespace
}  // namespace pycnn::PYCNN_ISA
