#include "kernels/conv2d/forms.h"
#include "kernels/shared.h"
#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Rows of the kernel in one pass: a patch of that many rows and one more, of 4 pixels, is in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTapRows = 3;
#else
constexpr int kTapRows = 1;
#endif

constexpr int64_t kWordBits = 64;
int64_t words_of(const Conv2D& s) { return (s.k + kWordBits - 1) / kWordBits; }

// masks (words of k, 4) of one window: the channels whose gradient is not zero, by their argmax.
void make_masks(uint64_t* masks, const float* gradient, const uint8_t* argmax, int64_t k) {
  for (int64_t word = 0; word < k; word += kWordBits, masks += 4) {
    uint64_t mask[4] = {};
    for (int64_t i = word; i < min(k, word + kWordBits); i += kLanes) {
      const int64_t lanes = min(kLanes, k - i);
      const IntVec open = load_n(gradient + i, lanes) != Vec{}, winner = load_bytes(argmax + i, lanes);
#pragma GCC unroll 4
      for (int a = 0; a < 4; ++a)
        mask[a] |= static_cast<uint64_t>(bits_of(open & (winner == broadcast_int(a)))) << (i - word);
    }
    for (int a = 0; a < 4; ++a) masks[a] = mask[a];
  }
}

// What a row of windows adds to dx in one vector of input channels, by rows [first, first + R) of the kernel. Windows
// two pixels apart have patches of four, of which two columns stay in registers for the next one. The first two rows
// of dx are added to where `begun`, the others are new but for one that the pass before has made. (Not inlined: among
// its caller's values there would be too few registers.)
template <int R, class Lanes>
__attribute__((noinline)) void add_windows(float* dx, int64_t row, int64_t pixel, const float* packed,
                                           const float* gradient, const uint64_t* masks, int64_t k, int64_t windows,
                                           int first, bool begun, Lanes lanes) {
  Vec sum[R + 1][4] = {};
  dx += first * row;
  packed += first * 3 * kLanes;
  const auto finish_columns = [&]() __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int i = 0; i <= R; ++i) {
      const bool add = (first > 0 && i == 0) || (begun && first + i < 2);
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        float* to = dx + i * row + j * pixel;
        store(to, add ? load(to, lanes) + sum[i][j] : sum[i][j], lanes);
        sum[i][j] = sum[i][j + 2];
        sum[i][j + 2] = Vec{};
      }
    }
    dx += 2 * pixel;
  };
  for (int64_t window = 0; window < windows; ++window) {
    const float *weights = packed, *values = gradient;
    for (int64_t word = 0; word < k;
         word += kWordBits, masks += 4, values += kWordBits, weights += kWordBits * 9 * kLanes)
#pragma GCC unroll 4
      for (int a = 0; a < 4; ++a)  // so that every register's number is known
        for (uint64_t left = masks[a]; left != 0; left &= left - 1) {
          const int64_t channel = __builtin_ctzll(left);
          const Vec value = broadcast(values[channel]);
          const float* w = weights + channel * (9 * kLanes);
#pragma GCC unroll 3
          for (int i = 0; i < R; ++i)
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j) sum[a / 2 + i][a % 2 + j] += value * load(w + (i * 3 + j) * kLanes);
        }
    gradient += k;
    finish_columns();
  }
  finish_columns();
}

// packed (blocks of kLanes input channels, k, kh * kw, kLanes) from w (kh, kw, c, k); blocks [begin, end).
void pack(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  const auto transpose = elementwise_kernels().transpose;
  const int64_t taps = s.kh * s.kw;
  for (int64_t block = begin; block < end; ++block) {
    const int64_t c = block * kLanes, lanes = min(kLanes, s.c - c);
    float* to = packed + block * s.k * taps * kLanes;
    if (lanes < kLanes) fill(to, 0.0f, s.k * taps * kLanes);
    for (int64_t tap = 0; tap < taps; ++tap)
      transpose(to + tap * kLanes, taps * kLanes, w + (tap * s.c + c) * s.k, s.k, lanes, s.k);
  }
}

void image_backward_input(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed, float* scratch,
                          const Conv2D& s) {
  const int64_t rows = s.oh / 2, columns = s.ow / 2, words = words_of(s);
  auto* masks = reinterpret_cast<uint64_t*>(scratch + round_up(seen_h(s) * seen_w(s) * s.c));
  for (int64_t i = 0; i < rows * columns; ++i)
    make_masks(masks + i * words * 4, dy_pooled + i * s.k, argmax + i * s.k, s.k);

  through_padding(dx, scratch, s, [&](float* padded, int64_t h, int64_t w) {
    for (int64_t i = 0; i < h; ++i) {  // where no window looks
      const int64_t from = i < 2 * rows + 2 ? 2 * columns + 2 : 0;
      fill(padded + (i * w + from) * s.c, 0.0f, (w - from) * s.c);
    }
    for_vectors(s.c, [&](int64_t c, auto lanes) {
      for (int64_t i = 0; i < rows; ++i)
        for (int first = 0; first < 3; first += kTapRows)
          add_windows<kTapRows>(padded + 2 * i * w * s.c + c, w * s.c, s.c, packed + c * s.k * 9,
                                dy_pooled + i * columns * s.k, masks + i * columns * words * 4, s.k, columns, first,
                                i > 0, lanes);
    });
  });
}

void backward_input(const InputGradients& images, const float* packed, float* scratch, const Conv2DBackwardInput& f,
                    int64_t, int64_t) {
  for (int64_t i = 0; i < images.count; ++i)
    image_backward_input(images.dx + i * images.dx_stride, images.dy + i * images.dy_stride,
                         images.argmax + i * images.argmax_stride, packed, scratch, f.shape);
}

}  // namespace

bool sparse_input_form(Conv2DBackwardInput& f) {
  constexpr int64_t kFloats = sizeof(uint64_t) / sizeof(float);
  const Conv2D& s = f.shape;
  if (!is_square(f.pool) || s.kh != 3 || s.kw != 3 || !is_plain(s) || s.c < kLanes / 2) return false;
  f.name = "sparse";
  f.scratch_floats =
      round_up(seen_h(s) * seen_w(s) * s.c) + round_up((s.oh / 2) * (s.ow / 2) * words_of(s) * 4 * kFloats);
  f.pack_pieces = (s.c + kLanes - 1) / kLanes;
  f.packed_floats = f.pack_pieces * s.k * s.kh * s.kw * kLanes;
  f.pack = pack;
  f.pooled = true;
  f.run = backward_input;
  return true;
}

}  // namespace pycnn::PYCNN_ISA
