#include "kernels/conv2d/sparse.h"

#include "kernels/conv2d/pool_tile.h"

namespace pycnn::PYCNN_ISA {

namespace {

// One nonzero gradient and where it points: a pixel of x, or a channel's weights.
struct Entry {
  float value;
  int32_t offset;
};

constexpr int64_t kEntryFloats = sizeof(Entry) / sizeof(float);
constexpr int64_t kMaxChannels = 8192;  // a row of the update step must hold one value of each

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSums = 20;          // vectors of the kernel's gradient that stay in registers
constexpr int kKernelVectors = 2;  // of channels, for each of a 3x3 kernel's taps
constexpr int kTapRows = 3;        // kernel rows in one pass of backward_input: a 4x4 patch of pixels in registers
#else
constexpr int kSums = 12;
constexpr int kKernelVectors = 1;
constexpr int kTapRows = 1;
#endif

int64_t windows_of(const Conv2D& s, FusedPool pool) { return (s.oh / pool.ph) * (s.ow / pool.pw); }

// --- by weights ------------------------------------------------------------------------------------------------

// R kernel rows of dw (V vectors of each, the last one `tail` lanes) += sum over entries of value * x[offset ...]; dw
// and x are dw_row and x_row floats from one kernel row to the next.
template <int R, int V>
void add_rows(float* dw, int64_t dw_row, const float* x, int64_t x_row, const Entry* entries, int64_t count,
              int64_t tail, bool accumulate) {
  const auto lanes = [&](int v) { return v + 1 < V ? kLanes : tail; };
  Vec sum[R][V];
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) sum[i][v] = accumulate ? load_n(dw + i * dw_row + v * kLanes, lanes(v)) : Vec{};
  for (const Entry* end = entries + count; entries < end; ++entries) {
    const Vec value = broadcast(entries->value);
    const float* from = x + entries->offset;
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
void add_kernel(float* dw, const float* x, int64_t x_row, const Entry* entries, int64_t count, int64_t rows,
                int64_t length, bool accumulate) {
  constexpr int kVectors = kSums / R;
  for (int64_t i = 0; i < rows; i += R)
    for (int64_t at = 0; at < length; at += kVectors * kLanes) {
      const int64_t vectors = least(kVectors, (length - at + kLanes - 1) / kLanes);
      const int64_t tail = least(kLanes, length - at - (vectors - 1) * kLanes);
      add_vectors<R, kVectors>(vectors, dw + i * length + at, length, x + i * x_row + at, x_row, entries, count, tail,
                               accumulate);
    }
}

// The same for a whole 3x3 kernel and V vectors of its channels: dw and x are `c` floats from tap to tap, x `x_row`
// from row to row. Taking few channels at a time keeps what is read of the image in L1 over all output channels.
template <int V>
void add_kernel3x3(float* dw, const float* x, int64_t x_row, int64_t c, const Entry* entries, int64_t count,
                   bool accumulate) {
  Vec sum[9][V];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[t][v] = accumulate ? load(dw + t * c + v * kLanes) : Vec{};
  const int64_t two = 2 * c;
  for (const Entry* end = entries + count; entries < end; ++entries) {
    const Vec value = broadcast(entries->value);
    const float* row = x + entries->offset;
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

// --- by input --------------------------------------------------------------------------------------------------

// Adds to the patch of one window, one vector of input channels: rows [first, first + R) of the kernel. `lists[a]` to
// `lists[a + 1]` are the entries whose maximum lies at place a, so that every register index is known.
template <int R>
void add_patch(float* patch, int64_t row, int64_t pixel, const float* packed, const Entry* const* lists,
               const int32_t* counts, int first, int64_t lanes) {
  Vec sum[R + 1][4];
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[i][j] = load_n(patch + (first + i) * row + j * pixel, lanes);
#pragma GCC unroll 4
  for (int a = 0; a < 4; ++a) {
    const Entry* entry = lists[a];
    for (int32_t n = counts[a]; n > 0; --n, ++entry) {
      const Vec value = broadcast(entry->value);
      const float* w = packed + entry->offset + first * 3 * kLanes;
#pragma GCC unroll 3
      for (int i = 0; i < R; ++i)
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) sum[a / 2 + i][a % 2 + j] += value * load(w + (i * 3 + j) * kLanes);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i <= R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) store_n(patch + (first + i) * row + j * pixel, sum[i][j], lanes);
}

}  // namespace

bool sparse_weight_supported(const Conv2D& s, FusedPool) {
  return s.groups == 1 && s.dilation_w == 1 && s.kw * s.c >= kLanes && s.k <= kMaxChannels &&
         seen_h(s) * seen_w(s) * s.c < (int64_t{1} << 31);
}

bool sparse_input_supported(const Conv2D& s, FusedPool pool) {
  return pool.ph == 2 && pool.pw == 2 && s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.c >= kLanes / 2 && s.k <= kMaxChannels;
}

int64_t sparse_scratch_floats(const Conv2D& s, FusedPool pool) {
  const int64_t windows = windows_of(s, pool);
  const int64_t by_weight = padded_input_floats(s) + (windows + 1) * s.k * kEntryFloats + round_up(s.k);
  const int64_t by_input =
      round_up(seen_h(s) * seen_w(s) * s.c) + windows * (s.k + 4) * kEntryFloats + round_up(windows * 4);
  return most(by_weight, by_input);
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

void sparse_backward_weight(float* dwt, const float* x, const float* dy_pooled, const uint8_t* argmax, float* scratch,
                            const Conv2D& s, FusedPool pool, bool accumulate) {
  const Image image = padded_input(x, scratch, s);
  scratch += padded_input_floats(s);
  auto* counts = reinterpret_cast<int32_t*>(scratch);
  auto* entries = reinterpret_cast<Entry*>(scratch + round_up(s.k));
  const int64_t windows = windows_of(s, pool), ow = s.ow / pool.pw;

  int32_t places[256];  // a maximum's place in its window -> its pixel of x
  for (int64_t a = 0; a < pool.ph * pool.pw; ++a)
    places[a] = static_cast<int32_t>((a / pool.pw * s.stride_h * image.w + a % pool.pw * s.stride_w) * s.c);
  // A list a channel: what is zero is written over by the next.
  for (int64_t k = 0; k < s.k; ++k) counts[k] = 0;
  for (int64_t window = 0; window < windows; ++window) {
    const int64_t pixel = (window / ow * pool.ph * s.stride_h * image.w + window % ow * pool.pw * s.stride_w) * s.c;
    const float* gradient = dy_pooled + window * s.k;
    const uint8_t* place = argmax + window * s.k;
    for (int64_t k = 0; k < s.k; ++k) {
      entries[k * (windows + 1) + counts[k]] = {gradient[k], static_cast<int32_t>(pixel) + places[place[k]]};
      counts[k] += gradient[k] != 0.0f;
    }
  }
  const int64_t x_row = s.dilation_h * image.w * s.c, length = s.kw * s.c;
  if (s.kh == 3 && s.kw == 3 && s.c % kLanes == 0) {
    for (int64_t c = 0; c < s.c; c += kKernelVectors * kLanes) {
      const auto add = s.c - c > kLanes ? add_kernel3x3<kKernelVectors> : add_kernel3x3<1>;
      for (int64_t k = 0; k < s.k; ++k)
        add(dwt + k * 9 * s.c + c, image.data + c, x_row, s.c, entries + k * (windows + 1), counts[k], accumulate);
    }
    return;
  }
  const auto add = s.kh == 5 ? add_kernel<5> : s.kh == 3 ? add_kernel<3> : add_kernel<1>;
  for (int64_t k = 0; k < s.k; ++k)
    add(dwt + k * s.kh * length, image.data, x_row, entries + k * (windows + 1), counts[k], s.kh, length, accumulate);
}

void sparse_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s, FusedPool pool) {
  const int64_t windows = windows_of(s, pool), ow = s.ow / pool.pw;
  // The gradient of the padded image; without padding it is dx itself.
  const bool direct = !needs_padding(s);
  const int64_t h = direct ? s.h : seen_h(s), w = direct ? s.w : seen_w(s);
  float* padded = direct ? dx : scratch;
  scratch += round_up(seen_h(s) * seen_w(s) * s.c);
  auto* counts = reinterpret_cast<int32_t*>(scratch);
  auto* entries = reinterpret_cast<Entry*>(scratch + round_up(windows * 4));

  // For each window four lists, by the place of the maximum, one slot of slack behind each.
  for (int64_t window = 0; window < windows; ++window) {
    const float* gradient = dy_pooled + window * s.k;
    const uint8_t* place = argmax + window * s.k;
    IntVec sums[4] = {};
    for (int64_t k = 0; k < s.k; k += kLanes) {
      const int64_t lanes = least(kLanes, s.k - k);
      const IntVec places = load_bytes(place + k, lanes);
      const Vec g = load_n(gradient + k, lanes);
      for (int a = 0; a < 4; ++a) sums[a] -= (places == broadcast_int(a)) & (g != Vec{});
    }
    Entry* next[4];
    Entry* list = entries + window * (s.k + 4);
    for (int a = 0; a < 4; ++a) {
      int32_t count = 0;
      for (int lane = 0; lane < kLanes; ++lane) count += sums[a][lane];
      counts[window * 4 + a] = count;
      next[a] = list;
      list += count + 1;
    }
    for (int64_t k = 0; k < s.k; ++k) {
      Entry*& to = next[place[k]];
      *to = {gradient[k], static_cast<int32_t>(k * 9 * kLanes)};
      to += gradient[k] != 0.0f;
    }
  }

  fill(padded, 0.0f, h * w * s.c);
  for (int64_t c = 0; c < s.c; c += kLanes, packed += s.k * 9 * kLanes) {
    const int64_t lanes = least(kLanes, s.c - c);
    for (int64_t window = 0; window < windows; ++window) {
      float* patch = padded + (window / ow * 2 * w + window % ow * 2) * s.c + c;
      const Entry* lists[4];
      const Entry* list = entries + window * (s.k + 4);
      for (int a = 0; a < 4; ++a) {
        lists[a] = list;
        list += counts[window * 4 + a] + 1;
      }
      for (int first = 0; first < 3; first += kTapRows)
        add_patch<kTapRows>(patch, w * s.c, s.c, packed, lists, counts + window * 4, first, lanes);
    }
  }
  if (!direct) crop(dx, padded, h, w, s);
}

}  // namespace pycnn::PYCNN_ISA
