#include "kernels/conv2d/forms.h"
#include "simd/bytes.h"
#include "simd/unroll.h"

namespace pycnn::PYCNN_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSums = 20;          // vectors of the kernel's gradient that stay in registers
constexpr int kKernelVectors = 2;  // of channels, for each of a 3x3 kernel's taps
#else
constexpr int kSums = 12;
constexpr int kKernelVectors = 1;
#endif

// 3x3 kernels are summed up whole, a few channels at a time.
bool by_channels(const Conv2D& s, FusedPool pool) {
  return s.kh == 3 && s.kw == 3 && s.c % kLanes == 0 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         pool.ph == 2 && pool.pw == 2;
}

// Windows that are worked on at once, some rows of them or a part of one: a mask has a bit for each, and what they
// read stays in L1 over all output channels.
constexpr int64_t kWindows = 64;
constexpr int64_t kImageFloats = 1 << 13;
int64_t columns_at_once(const Conv2D& s, FusedPool pool) { return min(kWindows, s.ow / pool.pw); }
int64_t rows_at_once(const Conv2D& s, FusedPool pool) {
  const int64_t row = seen_w(s) * (by_channels(s, pool) ? min(s.c, kKernelVectors * kLanes) : s.c);
  const int64_t fit = (kImageFloats / row - s.kh) / (pool.ph * s.stride_h);
  return max(1, min(min(fit, kWindows / columns_at_once(s, pool)), s.oh / pool.ph));
}

// Pixels along an axis under so many 2x2 windows of 3x3 kernels.
int64_t seen_pixels(int64_t windows) { return 2 * windows + 2; }

// Of each output channel: the windows whose gradient is not zero, and the two lowest bits of the argmax.
enum { kOpen, kRight, kBelow, kMasks };
constexpr int kHalf = kWindows / 2;

int64_t mask_floats(const Conv2D& s) { return kMasks * 2 * round_up(s.k); }

// masks (kMasks, 2, round_up(k)): the bits of windows below kHalf, and of the others. db (k), the sums of the
// gradients.
void make_masks(float* masks, float* db, const float* dy, const uint8_t* argmax, int64_t windows, int64_t k,
                bool accumulate) {
  const int64_t stride = round_up(k);
  for_vectors(k, [&](int64_t channel, auto lanes) {
    Vec sum = db && accumulate ? load(db + channel, lanes) : Vec{};
    for (int64_t half = 0; half < 2; ++half) {
      IntVec mask[kMasks] = {};
      for (int64_t i = half * kHalf; i < min(windows, (half + 1) * kHalf); ++i) {
        const IntVec winner = load_bytes(argmax + i * k + channel, lane_count(lanes));
        const IntVec bit = broadcast_int(static_cast<int32_t>(1u << (i - half * kHalf)));
        const Vec gradient = select(winner == broadcast_int(kClosed), Vec{}, load(dy + i * k + channel, lanes));
        sum += gradient;
        mask[kOpen] |= (gradient != Vec{}) & bit;
        mask[kRight] |= -(winner & 1) & bit;
        mask[kBelow] |= -(winner >> 1 & 1) & bit;
      }
      for (int m = 0; m < kMasks; ++m) store(masks + (m * 2 + half) * stride + channel, as_float(mask[m]), lanes);
    }
    if (db) store(db + channel, sum, lanes);
  });
}

// A block of windows, and the part of the image under them.
struct Block {
  const float* dy;        // (windows, k)
  const uint8_t* argmax;  // (windows, k)
  const float* masks;
  int64_t k, columns;
  int64_t inverse;  // of columns: i / columns = i * inverse >> 16, exact for all windows
  const float* x;
  int64_t kernel_row;             // floats of x from one kernel row to the next
  int64_t next_column, next_row;  // from window to window; what is added to that at the end of a row
  const int32_t* offsets;         // from a window's first pixel to each of them

  uint64_t mask(int which, int64_t channel) const {
    uint32_t half[2];
    for (int i = 0; i < 2; ++i) __builtin_memcpy(&half[i], masks + (which * 2 + i) * round_up(k) + channel, 4);
    return half[0] | static_cast<uint64_t>(half[1]) << kHalf;
  }
};

// From the block's first input to those of the maximum of window i.
struct AnyWindow {
  const Block& b;
  const uint8_t* argmax;
  AnyWindow(const Block& block, int64_t channel) : b(block), argmax(b.argmax + channel) {}
  int64_t operator()(int64_t i) const {
    return i * b.next_column + (i * b.inverse >> 16) * b.next_row + b.offsets[argmax[i * b.k]];
  }
};

// The same for 2x2 windows, stride 1 and pixels of kPixel floats, without a load: where the address of a load waits for
// another load it is slow.
template <int64_t kPixel>
struct SquareWindow {
  uint64_t right, below;
  int64_t inverse, row, next_row;
  SquareWindow(const Block& b, int64_t channel)
      : right(b.mask(kRight, channel)), below(b.mask(kBelow, channel)), inverse(b.inverse), row(b.kernel_row),
        next_row(b.next_row) {}
  int64_t operator()(int64_t i) const {
    return (2 * i + static_cast<int64_t>(right >> i & 1)) * kPixel + (-static_cast<int64_t>(below >> i & 1) & row) +
           (i * inverse >> 16) * next_row;
  }
};

// The same pointer, of which the compiler knows nothing: it would compute more addresses than there are registers for.
template <class T>
PYCNN_INLINE T* opaque(T* p) {
  asm("" : "+r"(p));
  return p;
}

// add(gradient, x) for each nonzero gradient of one output channel and the inputs of its first tap.
template <class Window, class Add>
PYCNN_INLINE void for_each_gradient(const Block& b, int64_t channel, const Add& add) {
  const Window window(b, channel);
  const float *x = b.x, *dy = opaque(b.dy + channel);
  const int64_t k = b.k;
  for (uint64_t left = b.mask(kOpen, channel); left != 0; left &= left - 1) {
    const int64_t i = __builtin_ctzll(left);
    add(broadcast(dy[i * k]), x + window(i));
  }
}

// R kernel rows of dw (V vectors of each, the last one `tail` lanes), `dw_row` floats apart.
template <int R, int V>
void add_rows(float* dw, int64_t dw_row, const Block& b, int64_t channel, int64_t tail, bool accumulate) {
  const int64_t x_row = b.kernel_row;
  Vec sum[R][V] = {};
  for_each_gradient<AnyWindow>(
      b, channel, [&](Vec value, const float* from) __attribute__((always_inline)) {
#pragma GCC unroll 5
        for (int i = 0; i < R; ++i, from += x_row)
#pragma GCC unroll 12
          for (int v = 0; v < V; ++v)
            sum[i][v] += value * (v + 1 < V ? load(from + v * kLanes) : load_n(from + v * kLanes, tail));
      });
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) {
      const int64_t lanes = v + 1 < V ? kLanes : tail;
      float* to = dw + i * dw_row + v * kLanes;
      store_n(to, accumulate ? load_n(to, lanes) + sum[i][v] : sum[i][v], lanes);
    }
}

// Kernels of any size: rows of dw (k, kh, kw * c), R at a time.
template <int R>
void add_kernels(float* dw, Block b, const Conv2D& s, bool accumulate) {
  constexpr int kVectors = kSums / R;
  const int64_t length = s.kw * s.c;
  const float* x = b.x;
  for (int64_t channel = 0; channel < s.k; ++channel)
    for (int64_t i = 0; i < s.kh; i += R)
      for (int64_t at = 0; at < length; at += kVectors * kLanes) {
        const int64_t vectors = min(kVectors, (length - at + kLanes - 1) / kLanes);
        const int64_t tail = min(kLanes, length - at - (vectors - 1) * kLanes);
        b.x = x + i * b.kernel_row + at;
        float* to = dw + (channel * s.kh + i) * length + at;
        dispatch<1, kVectors>(vectors, [&](auto v) { add_rows<R, v>(to, length, b, channel, tail, accumulate); });
      }
}

// 3x3 kernels: V vectors of channels of dw (k, 9, c), which are all that a pixel of the block's x has.
template <int V>
void add_kernels3x3(float* dw, int64_t c, const Block& b, bool accumulate) {
  constexpr int64_t kPixel = V * kLanes;
  for (int64_t channel = 0; channel < b.k; ++channel, dw += 9 * c) {
    Vec sum[9][V] = {};
    for_each_gradient<SquareWindow<kPixel>>(
        b, channel, [&](Vec value, const float* from) __attribute__((always_inline)) {
#pragma GCC unroll 3
          for (int i = 0; i < 3; ++i, from += b.kernel_row)
#pragma GCC unroll 3
            for (int j = 0; j < 3; ++j)
#pragma GCC unroll 2
              for (int v = 0; v < V; ++v) sum[i * 3 + j][v] += value * load(from + j * kPixel + v * kLanes);
        });
    float* to = dw;
#pragma GCC unroll 9
    for (int t = 0; t < 9; ++t, to = opaque(to + c))
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) store(to + v * kLanes, accumulate ? load(to + v * kLanes) + sum[t][v] : sum[t][v]);
  }
}

// Sets the inputs of a block: an image from its first pixel on.
void set_inputs(Block& b, const Image& image, const Conv2D& s, FusedPool pool) {
  const int64_t row = image.w * image.c;
  b.x = image.data;
  b.kernel_row = s.dilation_h * row;
  b.next_column = pool.pw * s.stride_w * image.c;
  b.next_row = pool.ph * s.stride_h * row - b.columns * b.next_column;
}

// Some channels of an image, from channel c on, side by side. Among all channels they would lie in a few sets of the L1
// cache.
Image some_channels(float* to, const Image& image, int64_t c, int64_t channels, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      copy(to + (i * columns + j) * channels, image.data + (i * image.w + j) * image.c + c, channels);
  return {to, rows, columns, channels};
}

// dwt (k, kh * kw * c), the kernel's gradient transposed.
void image_backward_weight(float* dwt, float* db, const float* x, const float* dy_pooled, const uint8_t* argmax,
                           float* scratch, const Conv2D& s, FusedPool pool, bool accumulate) {
  const Image image = padded_input(x, scratch, s);
  const int64_t column_step = s.stride_w * s.c, row_step = s.stride_h * image.w * s.c;
  float* masks = scratch + padded_input_floats(s);
  auto* offsets = reinterpret_cast<int32_t*>(masks + mask_floats(s));
  float* few_channels = masks + mask_floats(s) + round_up(pool.ph * pool.pw);
  for (int64_t i = 0; i < pool.ph; ++i)
    for (int64_t j = 0; j < pool.pw; ++j)
      offsets[i * pool.pw + j] = static_cast<int32_t>(i * row_step + j * column_step);

  Block b;
  b.masks = masks;
  b.k = s.k;
  b.offsets = offsets;
  const int64_t rows = s.oh / pool.ph, columns = s.ow / pool.pw;
  const int64_t height = rows_at_once(s, pool), width = columns_at_once(s, pool);
  for (int64_t row = 0; row < rows; row += height)
    for (int64_t column = 0; column < columns; column += width, accumulate = true) {
      const int64_t down = min(height, rows - row), at = (row * columns + column) * s.k;
      b.columns = min(width, columns - column);
      b.inverse = (1 << 16) / b.columns + 1;
      b.dy = dy_pooled + at;
      b.argmax = argmax + at;
      make_masks(masks, db, b.dy, b.argmax, down * b.columns, s.k, accumulate);
      Image seen = image;
      seen.data += row * pool.ph * row_step + column * pool.pw * column_step;
      if (!by_channels(s, pool)) {
        set_inputs(b, seen, s, pool);
        (s.kh == 5 ? add_kernels<5> : s.kh == 3 ? add_kernels<3> : add_kernels<1>)(dwt, b, s, accumulate);
        continue;
      }
      for (int64_t c = 0, channels; c < s.c; c += channels) {
        channels = min(s.c - c, kKernelVectors * kLanes);
        const bool all = channels == s.c;
        set_inputs(
            b, all ? seen : some_channels(few_channels, seen, c, channels, seen_pixels(down), seen_pixels(b.columns)),
            s, pool);
        (channels > kLanes ? add_kernels3x3<kKernelVectors> : add_kernels3x3<1>)(dwt + c, s.c, b, accumulate);
      }
    }
}

void backward_weight(float* dw, float* db, const ImagePairs& images, float* scratch, const Conv2DBackwardWeight& f,
                     bool accumulate) {
  for (int64_t i = 0; i < images.count; ++i)
    image_backward_weight(dw, db, images.x + i * images.x_stride, images.dy + i * images.dy_stride,
                          images.argmax + i * images.argmax_stride, scratch, f.shape, f.pool, accumulate || i > 0);
}

}  // namespace

bool sparse_weight_form(Conv2DBackwardWeight& f) {
  const Conv2D& s = f.shape;
  const FusedPool pool = f.pool;
  if (pool.ph == 0 || s.groups != 1 || s.dilation_w != 1 || s.kw * s.c < kLanes || s.k > kMaxPooledFilters)
    return false;
  f.name = "sparse";
  f.scratch_floats = padded_input_floats(s) + mask_floats(s) + round_up(pool.ph * pool.pw);
  if (by_channels(s, pool))
    f.scratch_floats +=
        seen_pixels(rows_at_once(s, pool)) * seen_pixels(columns_at_once(s, pool)) * kKernelVectors * kLanes;
  f.pooled = f.transposed = true;
  f.run = backward_weight;
  return true;
}

}  // namespace pycnn::PYCNN_ISA
