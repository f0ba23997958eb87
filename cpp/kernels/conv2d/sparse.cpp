#include "kernels/conv2d/sparse.h"

#include "kernels/conv2d/sparse3x3.h"
#include "kernels/shared.h"

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
constexpr int kSums = 20;  // vectors of the kernel's gradient that stay in registers
#else
constexpr int kSums = 12;
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

}  // namespace

bool sparse_weight_supported(const Conv2D& s, FusedPool) {
  return s.groups == 1 && s.dilation_w == 1 && s.kw * s.c >= kLanes && s.k <= kMaxChannels &&
         seen_h(s) * seen_w(s) * s.c < (int64_t{1} << 31);
}

bool sparse_input_supported(const Conv2D& s, FusedPool pool) {
  return sparse3x3_input_supported(s, pool) && s.k <= kMaxChannels;
}

int64_t sparse_scratch_floats(const Conv2D& s, FusedPool pool) {
  const int64_t windows = windows_of(s, pool);
  const int64_t by_rows = padded_input_floats(s) + (windows + 1) * s.k * kEntryFloats + round_up(s.k);
  return most(by_rows, sparse3x3_scratch_floats(s, pool));
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
  if (sparse3x3_weight_supported(s))
    return sparse3x3_backward_weight(dwt, x, dy_pooled, argmax, scratch, s, pool, accumulate);
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
  const auto add = s.kh == 5 ? add_kernel<5> : s.kh == 3 ? add_kernel<3> : add_kernel<1>;
  for (int64_t k = 0; k < s.k; ++k)
    add(dwt + k * s.kh * length, image.data, x_row, entries + k * (windows + 1), counts[k], s.kh, length, accumulate);
}

void sparse_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s, FusedPool pool) {
  sparse3x3_backward_input(dx, dy_pooled, argmax, packed, scratch, s, pool);
}

}  // namespace pycnn::PYCNN_ISA
