// Padding copies: every pixel of y comes from one pixel of x (or is the constant), and backward adds every pixel
// of dy to the one it came from, in row-major order.
#include "kernels/pad2d/pad2d.h"

#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kOutside = -1;

// Where along one side of length n position i (which may lie outside) comes from.
PYCNN_INLINE int64_t source(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::kConstant) return kOutside;
  if (mode == PadMode::kEdge || n == 1) return i < 0 ? 0 : n - 1;
  const int64_t period = 2 * (n - 1);
  const int64_t at = (i % period + period) % period;
  return at < n ? at : period - at;
}

void forward(float* y, const float* x, int64_t x_pixel_stride, const Pad2D& p) {
  const int64_t width = p.left + p.w + p.right;
  for (int64_t i = -p.top; i < p.h + p.bottom; ++i, y += width * p.c) {
    const int64_t row = source(i, p.h, p.mode);
    if (row == kOutside) {
      fill(y, p.value, width * p.c);
      continue;
    }
    const float* x_row = x + row * p.w * x_pixel_stride;
    const auto copy_pixels = [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        float* to = y + (p.left + j) * p.c;
        const int64_t column = source(j, p.w, p.mode);
        if (column == kOutside) {
          fill(to, p.value, p.c);
        } else {
          copy(to, x_row + column * x_pixel_stride, p.c);
        }
      }
    };
    copy_pixels(-p.left, 0);
    if (x_pixel_stride == p.c) {
      copy(y + p.left * p.c, x_row, p.w * p.c);
    } else {
      copy_pixels(0, p.w);
    }
    copy_pixels(p.w, p.w + p.right);
  }
}

void backward(float* dx, const float* dy, const Pad2D& p) {
  const int64_t width = p.left + p.w + p.right;
  fill(dx, 0.0f, p.h * p.w * p.c);
  for (int64_t i = -p.top; i < p.h + p.bottom; ++i, dy += width * p.c) {
    const int64_t row = source(i, p.h, p.mode);
    if (row == kOutside) continue;
    float* dx_row = dx + row * p.w * p.c;
    const auto add_pixels = [&](int64_t column, int64_t j, int64_t count) {
      if (column == kOutside) return;
      float* to = dx_row + column * p.c;
      const float* from = dy + (p.left + j) * p.c;
      for_vectors(count * p.c,
                  [&](int64_t k, auto lanes) { store(to + k, load(to + k, lanes) + load(from + k, lanes), lanes); });
    };
    for (int64_t j = -p.left; j < 0; ++j) add_pixels(source(j, p.w, p.mode), j, 1);
    add_pixels(0, 0, p.w);
    for (int64_t j = p.w; j < p.w + p.right; ++j) add_pixels(source(j, p.w, p.mode), j, 1);
  }
}

}  // namespace

Pad2DKernels pad2d_kernels() {
  Pad2DKernels kernels{};
  kernels.forward = forward;
  kernels.backward = backward;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
