#include "kernels/conv2d/sparse.h"
#include "kernels/shared.h"
#include "simd/bytes.h"
#include "simd/permute.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kMaxChannels = 8192;  // of which a window may have as many entries

// Rows of the kernel in one pass: a patch of that many rows and one more, of 4 pixels, is in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTapRows = 3;
#else
constexpr int kTapRows = 1;
#endif

// Windows whose lists are made at once, in whole rows.
constexpr int64_t kWindows = 64;
int64_t rows_at_once(const Conv2D& s) { return most(1, least(kWindows / (s.ow / 2), s.oh / 2)); }

// Of one window: the nonzero gradients and where their channels' weights lie, in the order of the places of the
// maxima; those at place a end at ends[a].
void make_list(float* values, float* offsets, int32_t* ends, const float* gradient, const uint8_t* argmax, int64_t k) {
  constexpr int32_t kWeights = 9 * kLanes;
  int32_t count = 0;
  for (int a = 0; a < 4; ++a) {
    for (int64_t first = 0; first < k; first += kLanes) {
      const int64_t lanes = least(kLanes, k - first);
      const Vec g = load_n(gradient + first, lanes);
      const uint32_t here = bits_of((load_bytes(argmax + first, lanes) == broadcast_int(a)) & (g != Vec{}));
      store_chosen(values + count, g, here);
      const IntVec channel = lane_index() + static_cast<int32_t>(first);
      store_chosen(offsets + count, as_float(channel * kWeights), here);
      count += __builtin_popcount(here);
    }
    ends[a] = count;
  }
}

// Adds to the patch of one window, one vector of input channels: rows [first, first + R) of the kernel. As the entries
// are ordered by the places of their maxima, every register index is known.
template <int R>
void add_patch(float* patch, int64_t row, int64_t pixel, const float* packed, const float* values,
               const int32_t* offsets, const int32_t* ends, int first, int64_t lanes) {
  Vec sum[R + 1][4];
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[i][j] = load_n(patch + (first + i) * row + j * pixel, lanes);
  packed += first * 3 * kLanes;
  int32_t n = 0;
#pragma GCC unroll 4
  for (int a = 0; a < 4; ++a)
    for (; n < ends[a]; ++n) {
      const Vec value = broadcast(values[n]);
      const float* w = packed + offsets[n];
#pragma GCC unroll 3
      for (int i = 0; i < R; ++i)
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) sum[a / 2 + i][a % 2 + j] += value * load(w + (i * 3 + j) * kLanes);
    }
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) store_n(patch + (first + i) * row + j * pixel, sum[i][j], lanes);
}

}  // namespace

bool sparse_input_supported(const Conv2D& s, FusedPool pool) {
  return pool.ph == 2 && pool.pw == 2 && s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.c >= kLanes / 2 && s.k <= kMaxChannels;
}

int64_t sparse_input_scratch_floats(const Conv2D& s) {
  const int64_t windows = rows_at_once(s) * (s.ow / 2);
  return round_up(seen_h(s) * seen_w(s) * s.c) + windows * 2 * round_up(s.k + kLanes) + round_up(windows * 4);
}

int64_t sparse_packed_floats(const Conv2D& s) { return (s.c + kLanes - 1) / kLanes * s.k * s.kh * s.kw * kLanes; }

void sparse_pack(float* packed, const float* w, const Conv2D& s) {
  const auto transpose = elementwise_kernels().transpose;
  const int64_t taps = s.kh * s.kw;
  for (int64_t c = 0; c < s.c; c += kLanes, packed += s.k * taps * kLanes) {
    const int64_t lanes = least(kLanes, s.c - c);
    if (lanes < kLanes) fill(packed, 0.0f, s.k * taps * kLanes);
    for (int64_t tap = 0; tap < taps; ++tap)
      transpose(packed + tap * kLanes, taps * kLanes, w + (tap * s.c + c) * s.k, s.k, lanes, s.k);
  }
}

void sparse_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s) {
  float* lists = scratch + round_up(seen_h(s) * seen_w(s) * s.c);
  const int64_t block = rows_at_once(s), rows = s.oh / 2, columns = s.ow / 2, list = round_up(s.k + kLanes);
  auto* ends = reinterpret_cast<int32_t*>(lists);
  float* values = lists + round_up(block * columns * 4);
  float* offsets = values + block * columns * list;

  through_padding(dx, scratch, s, [&](float* padded, int64_t w) {
    for (int64_t row = 0; row < rows; row += block) {
      const int64_t windows = least(block, rows - row) * columns;
      for (int64_t i = 0; i < windows; ++i) {
        const int64_t at = (row * columns + i) * s.k;
        make_list(values + i * list, offsets + i * list, ends + 4 * i, dy_pooled + at, argmax + at, s.k);
      }
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const int64_t lanes = least(kLanes, s.c - c);
        for (int64_t i = 0; i < windows; ++i) {
          float* patch = padded + ((row + i / columns) * 2 * w + i % columns * 2) * s.c + c;
          for (int first = 0; first < 3; first += kTapRows)
            add_patch<kTapRows>(patch, w * s.c, s.c, packed + c * s.k * 9, values + i * list,
                                reinterpret_cast<const int32_t*>(offsets + i * list), ends + 4 * i, first, lanes);
        }
      }
    }
  });
}

}  // namespace pycnn::PYCNN_ISA
