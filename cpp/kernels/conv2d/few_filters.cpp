#include "kernels/conv2d/few_filters.h"

#include "kernels/conv2d/pool_tile.h"
#include "kernels/conv2d/split_row.h"
#include "kernels/shared.h"

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

// One vector of windows, F filters: rows[i] has row i of the kh + 1 rows of x that they look at, its even pixels and,
// `half` floats further, its odd ones.
template <int F>
void pool_windows(Vec* best, IntVec* place, const float* const* rows, int64_t half, const float* w, const float* bias,
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
    best[f] = maximum_of_four(sum[0][0][f], sum[0][1][f], sum[1][0][f], sum[1][1][f], place[f]);
}

template <int F>
void pool_windows_of(int64_t filters, Vec* best, IntVec* place, const float* const* rows, int64_t half, const float* w,
                     const float* bias, const Conv2D& s) {
  if (filters == F) return pool_windows<F>(best, place, rows, half, w, bias, s);
  if constexpr (F > 1) pool_windows_of<F - 1>(filters, best, place, rows, half, w, bias, s);
}

// argmax (windows, k) from the places (k) of a vector of windows.
void store_places(uint8_t* argmax, const IntVec* place, int64_t windows, int64_t k) {
  // A window's places as the bytes of two words.
  int32_t words[2][kLanes];
  for (int half = 0; half < 2; ++half) {
    IntVec word{};
    for (int64_t f = 4 * half; f < least(k, 4 * half + 4); ++f) word |= place[f] << static_cast<int32_t>(8 * (f % 4));
    __builtin_memcpy(words[half], &word, sizeof word);
  }
  const uint8_t* end = argmax + windows * k;
  for (int64_t i = 0; i < windows; ++i, argmax += k) {
    const int32_t both[2] = {words[0][i], words[1][i]};
    // What is too much belongs to the next window, which comes later.
    __builtin_memcpy(argmax, both, static_cast<size_t>(argmax + 8 <= end ? 8 : k));
  }
}

}  // namespace

bool few_filters_supported(const Conv2D& s) {
  const bool plain = s.c == 1 && s.groups == 1 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
                     s.dilation_w == 1 && s.k <= kMaxFilters && s.kh <= kMaxKernelRows && kLanes > 4;
  const int64_t in_tiles = s.ow / 2 * ((s.k + kLanes - 1) / kLanes);
  return plain && 5 * vectors_of(s) * s.k < 4 * in_tiles;
}

int64_t few_filters_scratch_floats(const Conv2D& s) { return padded_input_floats(s) + (s.kh + 1) * 2 * half_of(s); }

void few_filters_forward_pool(float* y, int64_t y_pixel, uint8_t* argmax, const float* x, const float* w,
                              const float* bias, float* scratch, const Conv2D& s, float lower, int64_t begin,
                              int64_t end) {
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
      IntVec place[kMaxFilters];
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t f = part * s.k / parts;
        pool_windows_of<kFilters>((part + 1) * s.k / parts - f, best + f, place + f, rows, half, w + f,
                                  bias ? bias + f : nullptr, s);
      }
      float values[kMaxFilters * kLanes];
      for (int64_t f = 0; f < s.k; ++f) {
        store(values + f * kLanes, maximum(broadcast(lower), best[f]));
        if (argmax) place[f] = open_place(place[f], best[f], broadcast(lower));
      }
      const int64_t windows = least(kLanes, columns - column), at = (row * columns + column) * y_pixel;
      transpose(y + at, y_pixel, values, kLanes, s.k, windows);
      if (argmax) store_places(argmax + at, place, windows, s.k);
    }
  }
}

}  // namespace pycnn::PYCNN_ISA
