#include "kernels/conv2d/sparse_rows.h"

#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {
namespace {

int64_t row_vectors(const Conv2D& s) { return (s.kw * s.c + kLanes - 1) / kLanes; }

// What one window and V vectors of a kernel row add to dx: KH + 1 rows for the maxima in the window's left column, and
// the same one pixel further for those in its right one. `packed` is `row` floats from kernel row to kernel row.
template <int KH, int V>
void add_window(float* dx, int64_t dx_row, int64_t c, const float* dy, const uint8_t* argmax, const float* packed,
                int64_t row, int64_t k, int64_t tail) {
  for (int column = 0; column < 2; ++column, dx += c) {
    Vec sum[KH + 1][V] = {};
    bool any = false;
    for (int64_t first = 0; first < k; first += kLanes) {
      const int64_t lanes = least(kLanes, k - first);
      const IntVec place = load_bytes(argmax + first, lanes);
      const IntVec open = load_n(dy + first, lanes) != Vec{};
#pragma GCC unroll 2
      for (int a = 0; a < 2; ++a) {
        uint32_t here = bits_of(open & (place == broadcast_int(2 * a + column)));
        any |= here != 0;
        for (; here != 0; here &= here - 1) {
          const int64_t channel = first + __builtin_ctz(here);
          const Vec value = broadcast(dy[channel]);
          const float* w = packed + channel * KH * row;
#pragma GCC unroll 5
          for (int i = 0; i < KH; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) sum[a + i][v] += value * load(w + i * row + v * kLanes);
        }
      }
    }
    if (!any) continue;
#pragma GCC unroll 6
    for (int i = 0; i <= KH; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        float* to = dx + i * dx_row + v * kLanes;
        const int64_t lanes = v + 1 < V ? kLanes : tail;
        store_n(to, load_n(to, lanes) + sum[i][v], lanes);
      }
  }
}

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kMaxVectors = 4;  // of a kernel row at once: as many as there are registers for
#else
constexpr int kMaxVectors = 2;
#endif

template <int KH>
void add_windows(float* dx, int64_t width, const float* dy, const uint8_t* argmax, const float* packed,
                 const Conv2D& s) {
  const int64_t vectors = row_vectors(s), row = vectors * kLanes, dx_row = width * s.c;
  for (int64_t v = 0; v < vectors; v += kMaxVectors) {
    const int64_t count = least(kMaxVectors, vectors - v), tail = least(kLanes, s.kw * s.c - (v + count - 1) * kLanes);
    const auto add = count == 1   ? add_window<KH, 1>
                     : count == 2 ? add_window<KH, 2>
                     : count == 3 ? add_window<KH, kMaxVectors - 1>
                                  : add_window<KH, kMaxVectors>;
    const float* gradient = dy;
    const uint8_t* place = argmax;
    for (int64_t i = 0; i + 2 <= s.oh; i += 2)
      for (int64_t j = 0; j + 2 <= s.ow; j += 2, gradient += s.k, place += s.k)
        add(dx + i * dx_row + j * s.c + v * kLanes, dx_row, s.c, gradient, place, packed + v * kLanes, row, s.k, tail);
  }
}

}  // namespace

bool sparse_rows_supported(const Conv2D& s, FusedPool pool) {
  return pool.ph == 2 && pool.pw == 2 && s.kh == s.kw && (s.kh == 5 || (s.kh == 3 && s.c < kLanes / 2)) &&
         s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1;
}

int64_t sparse_rows_scratch_floats(const Conv2D& s) { return round_up(seen_h(s) * seen_w(s) * s.c); }

int64_t sparse_rows_packed_floats(const Conv2D& s) { return s.k * s.kh * row_vectors(s) * kLanes; }

void sparse_rows_pack(float* packed, const float* w, const Conv2D& s) {
  const int64_t row = row_vectors(s) * kLanes, taps = s.kw * s.c;
  fill(packed, 0.0f, s.k * s.kh * row);
  for (int64_t i = 0; i < s.kh; ++i)
    elementwise_kernels().transpose(packed + i * row, s.kh * row, w + i * taps * s.k, s.k, taps, s.k);
}

void sparse_rows_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                                float* scratch, const Conv2D& s) {
  through_padding(dx, scratch, s, [&](float* padded, int64_t h, int64_t w) {
    fill(padded, 0.0f, h * w * s.c);
    (s.kh == 5 ? add_windows<5> : add_windows<3>)(padded, w, dy_pooled, argmax, packed, s);
  });
}

}  // namespace pycnn::PYCNN_ISA
