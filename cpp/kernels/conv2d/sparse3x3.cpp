#include "kernels/conv2d/sparse3x3.h"

#include "kernels/conv2d/pool_tile.h"
#include "kernels/shared.h"
#include "simd/compress.h"

namespace pycnn::PYCNN_ISA {

namespace {

// Nonzero gradients and where each points: a pixel of x, or a channel's weights.
struct List {
  const float* values;
  const int32_t* offsets;
  int64_t count;
};

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kKernelVectors = 2;  // of channels, for each of the kernel's taps
constexpr int kTapRows = 3;        // kernel rows in one pass of backward_input: a 4x4 patch of pixels in registers
#else
constexpr int kKernelVectors = 1;
constexpr int kTapRows = 1;
#endif

int64_t windows_of(const Conv2D& s, FusedPool pool) { return (s.oh / pool.ph) * (s.ow / pool.pw); }

// Where in scratch the lists are made: room for all, for a block of channels on its side, and for where lists begin.
struct ListMemory {
  float* values;
  int32_t* offsets;
  int32_t* begins;
  float* block;
};

int64_t list_floats(int64_t entries) { return round_up(entries) + kLanes; }  // store_selected writes whole vectors

// --- by weights ------------------------------------------------------------------------------------------------

// A list for each output channel, in the order of the windows: begins[k] to begins[k + 1]. Channels are taken a vector
// at a time and turned on their side, so that a channel's gradients are neighbours. Offsets are those in an image of
// `width` pixels a row, each `pixel` floats.
void list_by_channel(const ListMemory& to, const float* dy_pooled, const uint8_t* argmax, const Conv2D& s,
                     FusedPool pool, int64_t width, int64_t pixel) {
  const auto transpose = elementwise_kernels().transpose;
  const int64_t windows = windows_of(s, pool), ow = s.ow / pool.pw, row = round_up(windows);
  float *places = to.block, *gradients = places + windows * kLanes, *pixels = gradients + row * kLanes;
  int32_t further[256];  // from a window's first pixel to that of a place in it
  for (int64_t a = 0; a < pool.ph * pool.pw; ++a)
    further[a] = static_cast<int32_t>((a / pool.pw * s.stride_h * width + a % pool.pw * s.stride_w) * pixel);
  int64_t count = 0;
  for (int64_t k = 0; k < s.k; k += kLanes) {
    const int64_t lanes = least(kLanes, s.k - k);
    for (int64_t row_of = 0, window = 0; window < windows; ++row_of)
      for (int64_t column = 0; column < ow; ++column, ++window) {
        const IntVec place = load_bytes(argmax + window * s.k + k, lanes);
        const int64_t at = (row_of * pool.ph * s.stride_h * width + column * pool.pw * s.stride_w) * pixel;
        IntVec offset = broadcast_int(static_cast<int32_t>(at));
        for (int32_t a = 1; a < pool.ph * pool.pw; ++a) offset += (place == broadcast_int(a)) & further[a];
        store(places + window * kLanes, as_float(offset));
      }
    transpose(gradients, row, dy_pooled + k, s.k, windows, lanes);
    transpose(pixels, row, places, kLanes, windows, lanes);
    for (int64_t i = 0; i < lanes; ++i) {
      to.begins[k + i] = static_cast<int32_t>(count);
      for (int64_t window = 0; window < windows; window += kLanes) {
        const int64_t there = least(kLanes, windows - window);
        const Vec g = load_n(gradients + i * row + window, there);
        const IntVec nonzero = g != Vec{};
        store_selected(reinterpret_cast<float*>(to.offsets) + count, load_n(pixels + i * row + window, there), nonzero);
        count += store_selected(to.values + count, g, nonzero);
      }
    }
  }
  to.begins[s.k] = static_cast<int32_t>(count);
}

// dw (9 taps, V vectors of channels), `c` floats from tap to tap, += sum over the list of value * x[offset ...], rows
// of x `x_row` floats apart. Steps are written so that x86 folds them into the operands.
template <int V>
void add_kernel(float* dw, const float* x, int64_t x_row, int64_t c, const List& list, bool accumulate) {
  constexpr int kPixel = V * kLanes;
  float* const rows[3] = {dw, dw + 3 * c, dw + 6 * c};
  Vec sum[9][V];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[t][v] = accumulate ? load(rows[t / 3] + t % 3 * c + v * kLanes) : Vec{};
  for (int64_t i = 0; i < list.count; ++i) {
    const Vec value = broadcast(list.values[i]);
    const float* row = x + list.offsets[i];
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r, row += x_row)
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[r * 3 + j][v] += value * load(row + j * kPixel + v * kLanes);
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(rows[t / 3] + t % 3 * c + v * kLanes, sum[t][v]);
}

// All kernels' V vectors of channels from c on. These channels of the image come to lie side by side: they are then
// spread over all sets of the L1 cache and stay there from kernel to kernel.
template <int V>
void add_kernels(float* dwt, const Image& image, float* slice, int64_t c, const ListMemory& lists, const Conv2D& s,
                 bool accumulate) {
  constexpr int kPixel = V * kLanes;
  for (int64_t i = 0; i < image.h * image.w; ++i)
    for (int v = 0; v < V; ++v) store(slice + i * kPixel + v * kLanes, load(image.data + i * s.c + c + v * kLanes));
  for (int64_t k = 0; k < s.k; ++k) {
    const int32_t begin = lists.begins[k];
    add_kernel<V>(dwt + k * 9 * s.c + c, slice, s.dilation_h * image.w * kPixel, s.c,
                  {lists.values + begin, lists.offsets + begin, lists.begins[k + 1] - begin}, accumulate);
  }
}

// --- by input --------------------------------------------------------------------------------------------------

constexpr int64_t kMaskBits = 64;
int64_t masks_of(const Conv2D& s) { return (s.k + kMaskBits - 1) / kMaskBits; }  // of one place

// For each window and each place in it: which channels have a nonzero gradient there, masks_of(s) words.
void find_nonzero(uint64_t* masks, const float* dy_pooled, const uint8_t* argmax, const Conv2D& s, int64_t windows) {
  const int64_t words = masks_of(s);
  for (int64_t window = 0; window < windows; ++window, masks += 4 * words, dy_pooled += s.k, argmax += s.k)
    for (int64_t word = 0; word < words; ++word) {
      uint64_t bits[4] = {};
      const int64_t end = least(s.k, (word + 1) * kMaskBits);
      for (int64_t k = word * kMaskBits; k < end; k += kLanes) {
        const int64_t lanes = least(kLanes, end - k);
        const IntVec nonzero = load_n(dy_pooled + k, lanes) != Vec{}, place = load_bytes(argmax + k, lanes);
        for (int a = 0; a < 4; ++a)
          bits[a] |= static_cast<uint64_t>(bits_of(nonzero & (place == broadcast_int(a)))) << (k % kMaskBits);
      }
      for (int a = 0; a < 4; ++a) masks[a * words + word] = bits[a];
    }
}

// Adds to the patches of a row of windows, one vector of input channels: rows [first, first + R) of the kernel. The
// place is known where a gradient is added, so that every register index is. Two columns of a patch are the next one's
// too.
template <int R>
void add_patches(float* patch, int64_t row, const float* packed, const float* gradient, const uint64_t* masks,
                 const Conv2D& s, int first) {
  const int64_t words = masks_of(s);
  patch += first * row;
  packed += first * 3 * kLanes;
  Vec sum[R + 1][4];
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) sum[i][j] = load(patch + i * row + j * kLanes);
  for (int64_t window = 0; window < s.ow / 2; ++window, patch += 2 * kLanes, gradient += s.k) {
#pragma GCC unroll 4
    for (int i = 0; i <= R; ++i)
#pragma GCC unroll 2
      for (int j = 2; j < 4; ++j) sum[i][j] = load(patch + i * row + j * kLanes);
#pragma GCC unroll 4
    for (int a = 0; a < 4; ++a)
      for (int64_t word = 0; word < words; ++word)
        for (uint64_t bits = *masks++; bits != 0; bits &= bits - 1) {
          const int64_t k = word * kMaskBits + __builtin_ctzll(bits);
          const Vec value = broadcast(gradient[k]);
          const float* w = packed + k * 9 * kLanes;
#pragma GCC unroll 3
          for (int i = 0; i < R; ++i)
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j) sum[a / 2 + i][a % 2 + j] += value * load(w + (i * 3 + j) * kLanes);
        }
#pragma GCC unroll 4
    for (int i = 0; i <= R; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        store(patch + i * row + j * kLanes, sum[i][j]);
        sum[i][j] = sum[i][j + 2];
      }
  }
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) store(patch + i * row + j * kLanes, sum[i][j]);
}

ListMemory list_memory(float* scratch, int64_t entries, int64_t lists) {
  ListMemory to;
  to.values = scratch;
  to.offsets = reinterpret_cast<int32_t*>(to.values + list_floats(entries));
  to.begins = to.offsets + list_floats(entries);
  to.block = reinterpret_cast<float*>(to.begins) + round_up(lists + 1);
  return to;
}

}  // namespace

bool sparse3x3_weight_supported(const Conv2D& s) {
  return s.kh == 3 && s.kw == 3 && s.dilation_w == 1 && s.groups == 1 && s.c % kLanes == 0;
}

bool sparse3x3_input_supported(const Conv2D& s, FusedPool pool) {
  return pool.ph == 2 && pool.pw == 2 && s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.c >= kLanes / 2;
}

int64_t sparse3x3_scratch_floats(const Conv2D& s, FusedPool pool) {
  const int64_t windows = windows_of(s, pool), lists = 2 * list_floats(windows * s.k);
  const int64_t block = (windows + 2 * round_up(windows)) * kLanes;
  const int64_t slice = (needs_padding(s) ? seen_h(s) * seen_w(s) : s.h * s.w) * kKernelVectors * kLanes;
  const int64_t by_weight = padded_input_floats(s) + slice + lists + round_up(s.k + 1) + block;
  const int64_t by_input = round_up(seen_h(s) * seen_w(s) * kLanes) + windows * 4 * masks_of(s) * 2;
  return most(by_weight, by_input);
}

void sparse3x3_backward_weight(float* dwt, const float* x, const float* dy_pooled, const uint8_t* argmax,
                               float* scratch, const Conv2D& s, FusedPool pool, bool accumulate) {
  const Image image = padded_input(x, scratch, s);
  float* slice = scratch + padded_input_floats(s);
  const ListMemory lists =
      list_memory(slice + image.h * image.w * kKernelVectors * kLanes, windows_of(s, pool) * s.k, s.k);
  const auto list = [&](int vectors) { list_by_channel(lists, dy_pooled, argmax, s, pool, image.w, vectors * kLanes); };
  int64_t c = 0;
  if (s.c >= kKernelVectors * kLanes) list(kKernelVectors);
  for (; s.c - c >= kKernelVectors * kLanes; c += kKernelVectors * kLanes)
    add_kernels<kKernelVectors>(dwt, image, slice, c, lists, s, accumulate);
  if (c == s.c) return;
  list(1);
  add_kernels<1>(dwt, image, slice, c, lists, s, accumulate);
}

void sparse3x3_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                              float* scratch, const Conv2D& s, FusedPool pool) {
  const int64_t h = seen_h(s), w = seen_w(s);
  float* slice = scratch;  // the gradient of the padded image, one vector of channels
  auto* masks = reinterpret_cast<uint64_t*>(scratch + round_up(h * w * kLanes));
  find_nonzero(masks, dy_pooled, argmax, s, windows_of(s, pool));

  for (int64_t c = 0; c < s.c; c += kLanes, packed += s.k * 9 * kLanes) {
    fill(slice, 0.0f, h * w * kLanes);
    for (int64_t i = 0; i < s.oh / 2; ++i)
      for (int first = 0; first < 3; first += kTapRows)
        add_patches<kTapRows>(slice + i * 2 * w * kLanes, w * kLanes, packed, dy_pooled + i * (s.ow / 2) * s.k,
                              masks + i * (s.ow / 2) * 4 * masks_of(s), s, first);
    const int64_t lanes = least(kLanes, s.c - c);
    for (int64_t i = 0; i < s.h; ++i)
      for (int64_t j = 0; j < s.w; ++j) {
        const int64_t row = i + s.top, column = j + s.left;
        const Vec v = row < h && column < w ? load(slice + (row * w + column) * kLanes) : Vec{};
        store_n(dx + (i * s.w + j) * s.c + c, v, lanes);
      }
  }
}

}  // namespace pycnn::PYCNN_ISA
