// The weight gradient of a first layer (1 to 3 input channels) with a 2x2 max-pool after it: a kernel row has too few
// inputs to fill vectors, so vectors go over output channels and all taps of several kernel rows are accumulators at
// once.
#include "kernels/conv2d/forms.h"
#include "simd/bytes.h"
#include "simd/permute.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Under a tap, the four pixels of a pool window are a 2x2 square of the image: a lane, which is an output channel,
// picks the one that its maximum stood at. The squares of all pixels lie side by side: those of even columns and then
// those of odd ones, so that neighbouring windows' are neighbours.
struct Squares {
  float* data;   // (rows, 2, columns, c, 4)
  int64_t half;  // floats of a row's even, or odd, columns
};

constexpr int64_t kMaxSquares = 1 << 13;  // 128 KB at a time

int64_t half_of(const Conv2D& s) { return (s.ow / 2 + s.kw / 2 + 1) * s.c * 4; }
// Rows of windows whose squares are made at once.
int64_t window_rows(const Conv2D& s) {
  const int64_t rows = (kMaxSquares * 4 / (2 * half_of(s)) - s.kh + 2) / 2;
  return max(1, min(rows, s.oh / 2));
}

// Of one row: the squares of columns 0, 2, ... of x, which has `pixels` of them, and of x's next row; then zeros.
template <int C>
void make_squares(float* to, int64_t half, const float* x, int64_t x_row, int64_t pixels) {
  const float* end = to + half;
  constexpr int kColumns = kLanes / 4 / C;  // whose squares fill a vector
  if constexpr (kColumns > 0 && kLanes > 4) {
    constexpr int64_t kFloats = 2 * kColumns * C;  // of each row
    const IntVec square = lane_index() / 4, corner = lane_index() % 4;
    const IntVec from = (square / C * 2 * C + square % C + corner % 2 * C + corner / 2 * kLanes) & (2 * kLanes - 1);
    int64_t left = pixels / 2 * 2 * C;
    // Whole vectors: what is too much is written over by the next.
    for (; left >= kLanes && end - to >= kLanes; left -= kFloats, x += kFloats, to += 2 * kFloats)
      store(to, permute(load(x), from, load(x + x_row)));
    for (; to < end; left -= kFloats, x += kFloats, to += 2 * kFloats) {
      const int64_t there = max(0, min(left, kFloats));
      store_n(to, permute(load_n(x, there), from, load_n(x + x_row, there)), min(2 * kFloats, end - to));
    }
    return;
  }
  for (int64_t i = 0; i < pixels / 2 * 2; i += 2)
    for (int64_t k = i * C; k < (i + 1) * C; ++k, to += 4) {
      to[0] = x[k];
      to[1] = x[k + C];
      to[2] = x[x_row + k];
      to[3] = x[x_row + k + C];
    }
  fill(to, 0.0f, end - to);
}

// R kernel rows of KW x C inputs each, V vectors of output channels: of a window, or where there are few channels, one
// of two windows.
template <int R, int KW, int C, int V, bool kTwo, class Lanes>
void add_taps(float* dw, float* db, const Squares& squares, const float* dy, const uint8_t* argmax, const Conv2D& s,
              int64_t rows, Lanes channels, bool accumulate) {
  constexpr int T = KW * C;
  Vec sum[R][T][V] = {}, all[V] = {};
  const int64_t half = squares.half, columns = s.ow / 2;
  const int64_t lanes = lane_count(channels);
  IntVec own = lane_index(), other = own, back = own;
  if (kTwo) {
    // Lanes in fours: channels 0 to 3 of both windows, then 4 to 7. The last lane holds no channel, or its own.
    const IntVec channel = own / 8 * 4 + own % 4, window = own / 4 % 2;
    own = channel < broadcast_int(static_cast<int32_t>(lanes)) ? window * static_cast<int32_t>(lanes) + channel
                                                               : broadcast_int(kLanes - 1);
    other = lane_index() ^ 4;
    back = (lane_index() / 4 * 8 + lane_index() % 4) % kLanes;
  }
  for (int64_t row = 0; row < rows; ++row) {
    const float* square = squares.data + row * 4 * half;
    for (int64_t column = 0; column < columns; column += 1 + kTwo, square += (1 + kTwo) * C * 4) {
      const int64_t windows = kTwo ? min(2, columns - column) : 1;
      Vec gradient[V];
      IntVec winner[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        const int64_t loaded = windows * lanes;
        gradient[v] = load_n(dy + v * kLanes, loaded);
        winner[v] = load_bytes(argmax + v * kLanes, loaded);
        if (kTwo) {
          gradient[v] = permute(gradient[v], own);
          winner[v] = as_int(permute(as_float(winner[v]), own));
        }
        gradient[v] = select(winner[v] == broadcast_int(kClosed), Vec{}, gradient[v]);
        all[v] += gradient[v];
      }
#pragma GCC unroll 5
      for (int i = 0; i < R; ++i)
#pragma GCC unroll 5
        for (int j = 0; j < KW; ++j)
#pragma GCC unroll 3
          for (int c = 0; c < C; ++c) {
            const float* from = square + (2 * i + j % 2) * half + (j / 2 * C + c) * 4;
            const Vec pixels = kTwo ? load_eights(from) : load_fours(from);
#pragma GCC unroll 2
            for (int v = 0; v < V; ++v) sum[i][j * C + c][v] += gradient[v] * pick_of_four(pixels, winner[v]);
          }
      dy += windows * s.k;
      argmax += windows * s.k;
    }
  }
  const auto add = [&](float* to, Vec total) __attribute__((always_inline)) {
    if (kTwo) total = permute(total + permute(total, other), back);
    store_n(to, accumulate ? load_n(to, lanes) + total : total, lanes);
  };
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 9
    for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) add(dw + (i * T + t) * s.k + v * kLanes, sum[i][t][v]);
#pragma GCC unroll 2
  for (int v = 0; v < V && db; ++v) add(db + v * kLanes, all[v]);
}

// As many kernel rows at once as there are registers for their taps.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTaps = 27;
#else
constexpr int kTaps = 9;
#endif

template <int KH, int C>
void all_taps(float* dw, float* db, const Squares& squares, const float* dy, const uint8_t* argmax, const Conv2D& s,
              int64_t rows, bool accumulate) {
  constexpr int kRows = KH * KH * C <= kTaps ? KH : 1;
  constexpr int kVectors = 2 * kRows * KH * C <= kTaps ? 2 : 1;
  for (int i = 0; i < KH; i += kRows) {
    const Squares from = {squares.data + i * 2 * squares.half, squares.half};
    float* to = dw + i * KH * C * s.k;
    if (i > 0) db = nullptr;  // it is there
    const auto bias = [&](int64_t k) { return db ? db + k : nullptr; };
    if (kLanes > 4 && C == 1 && s.k <= kLanes / 2) {
      add_taps<kRows, KH, C, 1, true>(to, db, from, dy, argmax, s, rows, FirstLanes{s.k}, accumulate);
      continue;
    }
    int64_t first = 0;
    for (; kVectors > 1 && first + kVectors * kLanes <= s.k; first += kVectors * kLanes)
      add_taps<kRows, KH, C, kVectors, false>(to + first, bias(first), from, dy + first, argmax + first, s, rows,
                                              AllLanes{}, accumulate);
    for_vectors(s.k - first, [&](int64_t i, auto lanes) {
      const int64_t k = first + i;
      add_taps<kRows, KH, C, 1, false>(to + k, bias(k), from, dy + k, argmax + k, s, rows, lanes, accumulate);
    });
  }
}

template <int KH, int C>
void image_backward_weight(float* dw, float* db, const Image& x, const float* dy, const uint8_t* argmax, float* scratch,
                           const Conv2D& s, bool accumulate) {
  const Squares squares = {scratch, half_of(s)};
  const int64_t block = window_rows(s), all = s.oh / 2, pixels = s.ow / 2 * 2 + KH - 1;
  for (int64_t row = 0; row < all; row += block) {
    const int64_t rows = min(block, all - row);
    for (int64_t i = 0; i < 2 * rows + KH - 2; ++i) {
      const float* from = x.data + (2 * row + i) * x.w * C;
      float* to = squares.data + i * 2 * squares.half;
      make_squares<C>(to, squares.half, from, x.w * C, pixels);
      make_squares<C>(to + squares.half, squares.half, from + C, x.w * C, pixels - 1);
    }
    const int64_t done = row * (s.ow / 2) * s.k;
    all_taps<KH, C>(dw, db, squares, dy + done, argmax + done, s, rows, accumulate || row > 0);
  }
}

template <int KH, int C>
void backward_weight(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                     bool accumulate) {
  for (int64_t i = 0; i < images.count; ++i)
    image_backward_weight<KH, C>(dw, db, padded_input(images.x + i * images.x_stride, scratch, f.shape),
                                 images.dy + i * images.dy_stride, images.argmax + i * images.argmax_stride,
                                 scratch + padded_input_floats(f.shape), f.shape, accumulate || i > 0);
}

}  // namespace

bool first_layer_form(Conv2DBackwardWeight& f) {
  const Conv2D& s = f.shape;
  if (!is_square(f.pool) || !is_plain(s) || s.kh != s.kw || s.k > kMaxPooledFilters) return false;
  if (!(s.kh == 3 && s.c <= 3) && !(s.kh == 5 && s.c == 1)) return false;
  f.name = "first layer, sparse";
  f.scratch_floats = padded_input_floats(s) + (2 * window_rows(s) + s.kh - 2) * 2 * half_of(s) + kLanes;
  f.pooled = true;
  f.run = s.kh == 5  ? backward_weight<5, 1>
          : s.c == 1 ? backward_weight<3, 1>
          : s.c == 2 ? backward_weight<3, 2>
                     : backward_weight<3, 3>;
  return true;
}

}  // namespace pycnn::PYCNN_ISA
