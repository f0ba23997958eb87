// The gradient by the input from a 2x2 max-pool's nonzero gradients, where a pixel has too few channels to fill
// vectors: vectors go over the taps of a kernel row and their channels, which are neighbours in dx.
#include "kernels/conv2d/forms.h"
#include "kernels/shared.h"
#include "simd/bytes.h"
#include "simd/unroll.h"

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
      const int64_t lanes = min(kLanes, k - first);
      const IntVec winner = load_bytes(argmax + first, lanes);
      const IntVec open = load_n(dy + first, lanes) != Vec{};
#pragma GCC unroll 2
      for (int a = 0; a < 2; ++a) {
        uint32_t here = bits_of(open & (winner == broadcast_int(2 * a + column)));
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
    const int64_t count = min(kMaxVectors, vectors - v), tail = min(kLanes, s.kw * s.c - (v + count - 1) * kLanes);
    auto add = add_window<KH, 1>;
    dispatch<1, kMaxVectors>(count, [&](auto n) { add = add_window<KH, n>; });
    const float* gradient = dy;
    const uint8_t* winner = argmax;
    for (int64_t i = 0; i + 2 <= s.oh; i += 2)
      for (int64_t j = 0; j + 2 <= s.ow; j += 2, gradient += s.k, winner += s.k)
        add(dx + i * dx_row + j * s.c + v * kLanes, dx_row, s.c, gradient, winner, packed + v * kLanes, row, s.k, tail);
  }
}

// packed (k, kh, kw * c filled up with zeros to whole vectors) from w (kh, kw, c, k).
void pack(float* packed, const float* w, const Conv2D& s, int64_t, int64_t) {
  const int64_t row = row_vectors(s) * kLanes, taps = s.kw * s.c;
  fill(packed, 0.0f, s.k * s.kh * row);
  for (int64_t i = 0; i < s.kh; ++i)
    elementwise_kernels().transpose(packed + i * row, s.kh * row, w + i * taps * s.k, s.k, taps, s.k);
}

template <int KH>
void backward_input(const InputGradients& images, const float* packed, float* scratch, const Conv2DBackwardInput& f,
                    int64_t, int64_t) {
  for (int64_t i = 0; i < images.count; ++i)
    through_padding(images.dx + i * images.dx_stride, scratch, f.shape, [&](float* padded, int64_t h, int64_t w) {
      fill(padded, 0.0f, h * w * f.shape.c);
      add_windows<KH>(padded, w, images.dy + i * images.dy_stride, images.argmax + i * images.argmax_stride, packed,
                      f.shape);
    });
}

}  // namespace

bool sparse_rows_form(Conv2DBackwardInput& f) {
  const Conv2D& s = f.shape;
  if (!is_square(f.pool) || s.kh != s.kw || !is_plain(s)) return false;
  if (s.kh != 5 && !(s.kh == 3 && s.c < kLanes / 2)) return false;
  f.name = "sparse";
  f.scratch_floats = round_up(seen_h(s) * seen_w(s) * s.c);
  f.packed_floats = s.k * s.kh * row_vectors(s) * kLanes;
  f.pack_pieces = 1;
  f.pack = pack;
  f.pooled = true;
  f.run = s.kh == 5 ? backward_input<5> : backward_input<3>;
  return true;
}

}  // namespace pycnn::PYCNN_ISA
