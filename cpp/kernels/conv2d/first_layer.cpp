#include "kernels/conv2d/first_layer.h"

#include "kernels/conv2d/pool_tile.h"

namespace pycnn::PYCNN_ISA {
namespace {

// R kernel rows of T inputs each (kw * c), one vector of output channels. A window's gradient counts at the pixel of
// its maximum: four masked copies of it, each against that pixel's inputs.
template <int R, int T>
void add_taps(float* dw, const float* x, const float* dy, const uint8_t* argmax, const Conv2D& s, int64_t x_row,
              int64_t lanes, bool accumulate) {
  Vec sum[R][T];
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 9
    for (int t = 0; t < T; ++t) sum[i][t] = accumulate ? load_n(dw + (i * T + t) * s.k, lanes) : Vec{};
  for (int64_t row = 0; row < s.oh / 2; ++row) {
    const float* pixel = x + 2 * row * x_row;
    for (int64_t column = 0; column < s.ow / 2; ++column, pixel += 2 * s.c, dy += s.k, argmax += s.k) {
      const Vec gradient = load_n(dy, lanes);
      const IntVec place = load_bytes(argmax, lanes);
#pragma GCC unroll 4
      for (int a = 0; a < 4; ++a) {
        const Vec here = select(place == broadcast_int(a), gradient, Vec{});
        const float* from = pixel + (a / 2) * x_row + (a % 2) * s.c;
#pragma GCC unroll 5
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 9
          for (int t = 0; t < T; ++t) sum[i][t] += here * broadcast(from[i * x_row + t]);
      }
    }
  }
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 9
    for (int t = 0; t < T; ++t) store_n(dw + (i * T + t) * s.k, sum[i][t], lanes);
}

// As many kernel rows at once as there are registers for their taps.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTaps = 27;
#else
constexpr int kTaps = 9;
#endif

template <int KH, int T>
void all_rows(float* dw, const float* x, const float* dy, const uint8_t* argmax, const Conv2D& s, int64_t x_row,
              bool accumulate) {
  constexpr int kRows = KH * T <= kTaps ? KH : 1;
  for (int64_t k = 0; k < s.k; k += kLanes)
    for (int i = 0; i < KH; i += kRows)
      add_taps<kRows, T>(dw + i * T * s.k + k, x + i * x_row, dy + k, argmax + k, s, x_row, least(kLanes, s.k - k),
                         accumulate);
}

}  // namespace

bool first_layer_supported(const Conv2D& s, FusedPool pool) {
  const bool plain = pool.ph == 2 && pool.pw == 2 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
                     s.dilation_w == 1 && s.groups == 1 && s.kh == s.kw;
  return plain && ((s.kh == 3 && s.c <= 3) || (s.kh == 5 && s.c == 1));
}

void first_layer_backward_weight(float* dw, const float* x, const float* dy_pooled, const uint8_t* argmax,
                                 float* scratch, const Conv2D& s, bool accumulate) {
  const Image image = padded_input(x, scratch, s);
  const auto run = [&](auto kernel) { kernel(dw, image.data, dy_pooled, argmax, s, image.w * s.c, accumulate); };
  if (s.kh == 5) run(all_rows<5, 5>);
  else if (s.c == 1) run(all_rows<3, 3>);
  else if (s.c == 2) run(all_rows<3, 6>);
  else run(all_rows<3, 9>);
}

}  // namespace pycnn::PYCNN_ISA
