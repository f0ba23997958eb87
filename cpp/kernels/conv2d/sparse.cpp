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

// Vectors of a kernel row's gradient that stay in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRowVectors = 12;
#else
constexpr int kRowVectors = 8;
#endif

int64_t windows_of(const Conv2D& s, FusedPool pool) { return (s.oh / pool.ph) * (s.ow / pool.pw); }

// --- by weights ------------------------------------------------------------------------------------------------

// dw row (V vectors from `dw`, the last one `tail` lanes) += sum over entries of value * x[offset ...].
template <int V>
void add_row(float* dw, const float* x, const Entry* entries, int64_t count, int64_t tail, bool accumulate) {
  Vec sum[V];
#pragma GCC unroll 12
  for (int v = 0; v < V; ++v) sum[v] = accumulate ? load_n(dw + v * kLanes, v + 1 < V ? kLanes : tail) : Vec{};
  for (int64_t i = 0; i < count; ++i) {
    const Vec value = broadcast(entries[i].value);
    const float* from = x + entries[i].offset;
#pragma GCC unroll 12
    for (int v = 0; v + 1 < V; ++v) sum[v] += value * load(from + v * kLanes);
    sum[V - 1] += value * load_n(from + (V - 1) * kLanes, tail);
  }
#pragma GCC unroll 12
  for (int v = 0; v < V; ++v) store_n(dw + v * kLanes, sum[v], v + 1 < V ? kLanes : tail);
}

void add_rows(float* dw, const float* x, const Entry* entries, int64_t count, int64_t length, bool accumulate) {
  while (length > 0) {
    const int64_t vectors = least(kRowVectors, (length + kLanes - 1) / kLanes);
    const int64_t tail = least(kLanes, length - (vectors - 1) * kLanes);
    switch (vectors) {
      case 1: add_row<1>(dw, x, entries, count, tail, accumulate); break;
      case 2: add_row<2>(dw, x, entries, count, tail, accumulate); break;
      case 3: add_row<3>(dw, x, entries, count, tail, accumulate); break;
      case 4: add_row<4>(dw, x, entries, count, tail, accumulate); break;
      case 5: add_row<5>(dw, x, entries, count, tail, accumulate); break;
      case 6: add_row<6>(dw, x, entries, count, tail, accumulate); break;
      case 7: add_row<7>(dw, x, entries, count, tail, accumulate); break;
      case 8: add_row<8>(dw, x, entries, count, tail, accumulate); break;
#if defined(__AVX512F__) || defined(__aarch64__)
      case 9: add_row<9>(dw, x, entries, count, tail, accumulate); break;
      case 10: add_row<10>(dw, x, entries, count, tail, accumulate); break;
      case 11: add_row<11>(dw, x, entries, count, tail, accumulate); break;
      case 12: add_row<12>(dw, x, entries, count, tail, accumulate); break;
#endif
    }
    dw += vectors * kLanes;
    x += vectors * kLanes;
    length -= vectors * kLanes;
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
  const int64_t length = s.kw * s.c;
  for (int64_t k = 0; k < s.k; ++k)
    for (int64_t i = 0; i < s.kh; ++i)
      add_rows(dwt + (k * s.kh + i) * length, image.data + i * s.dilation_h * image.w * s.c,
               entries + k * (windows + 1), counts[k], length, accumulate);
}

void sparse_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s, FusedPool pool) {
  sparse3x3_backward_input(dx, dy_pooled, argmax, packed, scratch, s, pool);
}

}  // namespace pycnn::PYCNN_ISA
