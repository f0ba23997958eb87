// A convolution of few filters on images of one channel, with a 2x2 max-pool after it: as output channels would leave
// lanes idle, vectors go over the windows of a row, and each weight is a broadcast. The sums are those of the tiles of
// pool_tile.h, to the bit.
#include "kernels/conv2d/epilogue.h"
#include "kernels/conv2d/forms.h"
#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/split_row.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int kMaxFilters = 8;
constexpr int64_t kMaxKernelRows = 11;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kFilters = 6;  // at once: four accumulators each
#else
constexpr int kFilters = 3;
#endif

int64_t vectors_of(const Conv2D& s) { return (s.ow / 2 + kLanes - 1) / kLanes; }
int64_t half_of(const Conv2D& s) { return half_row(s.ow / 2, s.kw); }

// One vector of windows, F filters: rows[i] has row i of the kh + 1 rows of x under them, its even pixels and,
// `half` floats further, its odd ones.
template <int F>
void pool_windows(Vec* best, IntVec* winner, const float* const* rows, int64_t half, const float* w, const float* bias,
                  const Conv2D& s) {
  Vec sum[2][2][F];
#pragma GCC unroll 6
  for (int f = 0; f < F; ++f)
    sum[0][0][f] = sum[0][1][f] = sum[1][0][f] = sum[1][1][f] = bias ? broadcast(bias[f]) : Vec{};
  for (int64_t i = 0; i < s.kh; ++i)
#pragma GCC unroll 2
    for (int a = 0; a < 2; ++a) {
      const float* tap = w + i * s.kw * s.k;
      const float* row = rows[i + a];
      Vec left = load(row);
      for (int64_t j = 0; j < s.kw; ++j, tap += s.k) {
        const Vec right = load(row + (j + 1) % 2 * half + (j + 1) / 2);
#pragma GCC unroll 6
        for (int f = 0; f < F; ++f) {
          const Vec weight = broadcast(tap[f]);
          sum[a][0][f] += weight * left;
          sum[a][1][f] += weight * right;
        }
        left = right;
      }
    }
#pragma GCC unroll 6
  for (int f = 0; f < F; ++f)
    best[f] = maximum_of_four(sum[0][0][f], sum[0][1][f], sum[1][0][f], sum[1][1][f], winner[f]);
}

// argmax (windows, k) from the winners (k) of a vector of windows.
void store_argmax(uint8_t* argmax, const IntVec* winner, int64_t windows, int64_t k) {
  // A window's k of them as the bytes of two words.
  int32_t words[2][kLanes];
  for (int half = 0; half < 2; ++half) {
    IntVec word{};
    for (int64_t f = 4 * half; f < min(k, 4 * half + 4); ++f) word |= winner[f] << static_cast<int32_t>(8 * (f % 4));
    __builtin_memcpy(words[half], &word, sizeof word);
  }
  const uint8_t* end = argmax + windows * k;
  for (int64_t i = 0; i < windows; ++i, argmax += k) {
    const int32_t both[2] = {words[0][i], words[1][i]};
    // What is too much belongs to the next window, which comes later.
    __builtin_memcpy(argmax, both, static_cast<size_t>(argmax + 8 <= end ? 8 : k));
  }
}

// Where this form takes fewer multiplications than register tiles over output channels.
bool is_worth_it(const Conv2D& s) {
  const bool exists = s.c == 1 && is_plain(s) && s.k <= kMaxFilters && s.kh <= kMaxKernelRows && kLanes > 4;
  const int64_t in_tiles = s.ow / 2 * ((s.k + kLanes - 1) / kLanes);
  return exists && 5 * vectors_of(s) * s.k < 4 * in_tiles;
}

// Rows [begin, end) of y (oh / 2, ow / 2, k); argmax may be null.
void pool_image(float* y, int64_t y_pixel, uint8_t* argmax, const float* x, const float* w, const float* bias,
                float* scratch, const Conv2D& s, float lower, int64_t begin, int64_t end) {
  const auto transpose = elementwise_kernels().transpose;
  const Image image = padded_input(x, scratch, s);
  scratch += padded_input_floats(s);
  const int64_t half = half_of(s), ring = s.kh + 1, columns = s.ow / 2;
  const int64_t parts = (s.k + kFilters - 1) / kFilters;
  const float* rows[kMaxKernelRows + 1];
  for (int64_t row = begin, split = 2 * begin; row < end; ++row) {
    for (; split < 2 * row + ring; ++split) {
      float* to = scratch + split % ring * 2 * half;
      split_row(to, to + half, half, image.data + split * image.w, s.ow + s.kw - 1);
    }
    for (int64_t column = 0; column < columns; column += kLanes) {
      for (int64_t i = 0; i < ring; ++i) rows[i] = scratch + (2 * row + i) % ring * 2 * half + column;
      Vec best[kMaxFilters];
      IntVec winner[kMaxFilters];
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t f = part * s.k / parts;
        dispatch<1, kFilters>((part + 1) * s.k / parts - f, [&](auto filters) __attribute__((always_inline)) {
          pool_windows<filters>(best + f, winner + f, rows, half, w + f, bias ? bias + f : nullptr, s);
        });
      }
      float values[kMaxFilters * kLanes];
      for (int64_t f = 0; f < s.k; ++f) {
        store(values + f * kLanes, maximum(broadcast(lower), best[f]));
        if (argmax) winner[f] = open_argmax(winner[f], best[f], broadcast(lower));
      }
      const int64_t windows = min(kLanes, columns - column), at = (row * columns + column) * y_pixel;
      transpose(y + at, y_pixel, values, kLanes, s.k, windows);
      if (argmax) store_argmax(argmax + at, winner, windows, s.k);
    }
  }
}

void forward(const Images& images, const float* packed, const float* bias, float* scratch, const Conv2DForward& f,
             int64_t begin, int64_t end) {
  const int64_t rows = f.shape.oh / 2;
  for (int64_t i = 0; i < images.count; ++i)
    pool_image(images.y + i * images.y_stride, y_pixel(images, f.shape),
               images.argmax ? images.argmax + i * images.argmax_stride : nullptr, images.x + i * images.x_stride,
               packed, bias, scratch, f.shape, f.lower, begin * rows / f.pieces, end * rows / f.pieces);
}

}  // namespace

bool few_filters_form(Conv2DForward& f) {
  const Conv2D& s = f.shape;
  if (!is_square(f.pool) || !f.clamps || !is_worth_it(s)) return false;
  f.name = "direct, few filters";
  f.scratch_floats = padded_input_floats(s) + (s.kh + 1) * 2 * half_of(s);
  describe_plain_weights(f);
  f.pieces = row_blocks(s.oh);
  f.run = forward;
  return true;
}

}  // namespace pycnn::PYCNN_ISA
