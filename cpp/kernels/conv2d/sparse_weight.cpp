#include "kernels/conv2d/sparse.h"
#include "kernels/shared.h"
#include "simd/bytes.h"
#include "simd/permute.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The nonzero gradients of one output channel, and where their pixels of x lie.
struct Entries {
  const float* values;
  const int32_t* offsets;
  int64_t count;
};

constexpr int64_t kMaxChannels = 8192;  // a row of the update step must hold one value of each

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSums = 20;          // vectors of the kernel's gradient that stay in registers
constexpr int kKernelVectors = 2;  // of channels, for each of a 3x3 kernel's taps
#else
constexpr int kSums = 12;
constexpr int kKernelVectors = 1;
#endif

bool by_channels(const Conv2D& s) { return s.kh == 3 && s.kw == 3 && s.c % kLanes == 0; }

// Rows of windows that are worked on at once: what they look at stays in L1 over all output channels.
constexpr int64_t kImageFloats = 1 << 13;
int64_t rows_at_once(const Conv2D& s, FusedPool pool) {
  const int64_t row = seen_w(s) * (by_channels(s) ? least(s.c, kKernelVectors * kLanes) : s.c);
  return most(1, least((kImageFloats / row - s.kh) / (pool.ph * s.stride_h), s.oh / pool.ph));
}

int64_t list_floats(int64_t windows) { return round_up(windows + kLanes); }

// offsets (windows, k): the pixel of x that the maximum of each window is at, the first row of windows being row 0.
void make_offsets(float* offsets, const uint8_t* argmax, int64_t rows, int64_t image_w, const Conv2D& s,
                  FusedPool pool) {
  const auto step_h = static_cast<int32_t>(s.stride_h * image_w * s.c), step_w = static_cast<int32_t>(s.stride_w * s.c);
  // place / pw as a product, exact for all 255 places.
  const auto pw = static_cast<int32_t>(pool.pw), inverse = (1 << 16) / pw + 1;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < s.ow / pool.pw; ++j, offsets += s.k, argmax += s.k) {
      const auto pixel = static_cast<int32_t>(i * pool.ph * step_h + j * pool.pw * step_w);
      for (int64_t k = 0; k < s.k; k += kLanes) {
        const int64_t lanes = least(kLanes, s.k - k);
        const IntVec place = load_bytes(argmax + k, lanes), down = (place * inverse) >> 16;
        store_n(offsets + k, as_float(pixel + down * step_h + (place - down * pw) * step_w), lanes);
      }
    }
}

// The nonzero ones of n values, with their offsets.
int64_t make_list(float* to_values, float* to_offsets, const float* values, const float* offsets, int64_t n) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t lanes = least(kLanes, n - i);
    const Vec v = load_n(values + i, lanes);
    const uint32_t nonzero = bits_of(v != Vec{});
    store_chosen(to_values + count, v, nonzero);
    store_chosen(to_offsets + count, load_n(offsets + i, lanes), nonzero);
    count += __builtin_popcount(nonzero);
  }
  return count;
}

// R kernel rows of dw (V vectors of each, the last one `tail` lanes) += sum over entries of value * x[offset ...]; dw
// and x are dw_row and x_row floats from one kernel row to the next.
template <int R, int V>
void add_rows(float* dw, int64_t dw_row, const float* x, int64_t x_row, const Entries& entries, int64_t tail,
              bool accumulate) {
  const auto lanes = [&](int v) { return v + 1 < V ? kLanes : tail; };
  Vec sum[R][V];
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) sum[i][v] = accumulate ? load_n(dw + i * dw_row + v * kLanes, lanes(v)) : Vec{};
  for (int64_t n = 0; n < entries.count; ++n) {
    const Vec value = broadcast(entries.values[n]);
    const float* from = x + entries.offsets[n];
#pragma GCC unroll 5
    for (int i = 0; i < R; ++i, from += x_row)
#pragma GCC unroll 12
      for (int v = 0; v < V; ++v)
        sum[i][v] += value * (v + 1 < V ? load(from + v * kLanes) : load_n(from + v * kLanes, tail));
  }
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) store_n(dw + i * dw_row + v * kLanes, sum[i][v], lanes(v));
}

// The same for `vectors` vectors, 1 to V.
template <int R, int V, class... Rest>
void add_vectors(int64_t vectors, Rest... rest) {
  if (vectors == V) return add_rows<R, V>(rest...);
  if constexpr (V > 1) add_vectors<R, V - 1>(vectors, rest...);
}

// `rows` kernel rows of `length` floats, R at a time.
template <int R>
void add_kernel(float* dw, const float* x, int64_t x_row, const Entries& entries, int64_t rows, int64_t length,
                bool accumulate) {
  constexpr int kVectors = kSums / R;
  for (int64_t i = 0; i < rows; i += R)
    for (int64_t at = 0; at < length; at += kVectors * kLanes) {
      const int64_t vectors = least(kVectors, (length - at + kLanes - 1) / kLanes);
      const int64_t tail = least(kLanes, length - at - (vectors - 1) * kLanes);
      add_vectors<R, kVectors>(vectors, dw + i * length + at, length, x + i * x_row + at, x_row, entries, tail,
                               accumulate);
    }
}

// The same for a whole 3x3 kernel and V vectors of its channels: dw and x are `c` floats from tap to tap, x `x_row`
// from row to row. Taking few channels at a time keeps what is read of the image in L1 over all output channels.
template <int V>
void add_kernel3x3(float* dw, const float* x, int64_t x_row, int64_t c, const Entries& entries, bool accumulate) {
  Vec sum[9][V];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[t][v] = accumulate ? load(dw + t * c + v * kLanes) : Vec{};
  const int64_t two = 2 * c;
  for (int64_t n = 0; n < entries.count; ++n) {
    const Vec value = broadcast(entries.values[n]);
    const float* row = x + entries.offsets[n];
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i, row += x_row)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        sum[i * 3][v] += value * load(row + v * kLanes);
        sum[i * 3 + 1][v] += value * load(row + c + v * kLanes);
        sum[i * 3 + 2][v] += value * load(row + two + v * kLanes);
      }
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(dw + t * c + v * kLanes, sum[t][v]);
}

}  // namespace

bool sparse_weight_supported(const Conv2D& s, FusedPool) {
  return s.groups == 1 && s.dilation_w == 1 && s.kw * s.c >= kLanes && s.k <= kMaxChannels &&
         seen_h(s) * seen_w(s) * s.c < (int64_t{1} << 31);
}

int64_t sparse_weight_scratch_floats(const Conv2D& s, FusedPool pool) {
  const int64_t windows = rows_at_once(s, pool) * (s.ow / pool.pw);
  return padded_input_floats(s) + round_up(s.k) + s.k * (3 * windows + 2 * list_floats(windows));
}

void sparse_backward_weight(float* dwt, const float* x, const float* dy_pooled, const uint8_t* argmax, float* scratch,
                            const Conv2D& s, FusedPool pool, bool accumulate) {
  const auto transpose = elementwise_kernels().transpose;
  const Image image = padded_input(x, scratch, s);
  scratch += padded_input_floats(s);
  const int64_t block = rows_at_once(s, pool), rows = s.oh / pool.ph, columns = s.ow / pool.pw;
  const int64_t list = list_floats(block * columns);
  auto* counts = reinterpret_cast<int32_t*>(scratch);
  float* values = scratch + round_up(s.k);
  float* offsets = values + s.k * list;
  float* by_window = offsets + s.k * list;
  float* all_offsets = by_window + s.k * block * columns;
  float* all_values = all_offsets + s.k * block * columns;

  const int64_t x_row = s.dilation_h * image.w * s.c, length = s.kw * s.c;
  for (int64_t row = 0; row < rows; row += block, accumulate = true) {
    const int64_t height = least(block, rows - row), windows = height * columns, done = row * columns * s.k;
    const float* from = image.data + row * pool.ph * s.stride_h * image.w * s.c;
    make_offsets(by_window, argmax + done, height, image.w, s, pool);
    transpose(all_offsets, windows, by_window, s.k, windows, s.k);
    transpose(all_values, windows, dy_pooled + done, s.k, windows, s.k);
    for (int64_t k = 0; k < s.k; ++k)
      counts[k] = static_cast<int32_t>(make_list(values + k * list, offsets + k * list, all_values + k * windows,
                                                 all_offsets + k * windows, windows));
    const auto entries = [&](int64_t k) {
      return Entries{values + k * list, reinterpret_cast<const int32_t*>(offsets + k * list), counts[k]};
    };
    if (by_channels(s)) {
      for (int64_t c = 0; c < s.c; c += kKernelVectors * kLanes) {
        const auto add = s.c - c > kLanes ? add_kernel3x3<kKernelVectors> : add_kernel3x3<1>;
        for (int64_t k = 0; k < s.k; ++k) add(dwt + k * 9 * s.c + c, from + c, x_row, s.c, entries(k), accumulate);
      }
      continue;
    }
    const auto add = s.kh == 5 ? add_kernel<5> : s.kh == 3 ? add_kernel<3> : add_kernel<1>;
    for (int64_t k = 0; k < s.k; ++k) add(dwt + k * s.kh * length, from, x_row, entries(k), s.kh, length, accumulate);
  }
}

}  // namespace pycnn::PYCNN_ISA
