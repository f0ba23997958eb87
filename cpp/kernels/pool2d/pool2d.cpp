// Pooling of one image, NHWC, a vector of channels at a time. Every window is first cut to the image: what is
// left may be empty. Windows of 2x2 and 3x3 that are whole run through unrolled loops.
// Backward visits the windows in row-major order and adds into dx, which starts as zeros.
#include "kernels/pool2d/pool2d.h"

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

PYCNN_INLINE int64_t y_pixel(const Pool2D& p) { return p.y_pixel ? p.y_pixel : p.c; }

// The real pixels of a window: `rows` x `columns` from offset `first` in the image.
struct Window {
  int64_t first, rows, columns;
};

PYCNN_INLINE Window window_at(const Pool2D& p, int64_t oy, int64_t ox) {
  const int64_t y = oy * p.stride_h - p.top, x = ox * p.stride_w - p.left;
  const int64_t y_begin = max(y, 0), x_begin = max(x, 0);
  const int64_t rows = max(min(y + p.kh, p.h) - y_begin, 0);
  const int64_t columns = max(min(x + p.kw, p.w) - x_begin, 0);
  return {(y_begin * p.w + x_begin) * p.c, rows, columns};
}

template <int64_t kSide>
struct FixedWindow {
  int64_t first;
  static constexpr int64_t rows = kSide, columns = kSide;
};

// Calls use(window) with the window's size known to the compiler where it is a common one.
template <typename Use>
PYCNN_INLINE void with_size(const Window& window, Use use) {
  if (window.rows == 2 && window.columns == 2) return use(FixedWindow<2>{window.first});
  if (window.rows == 3 && window.columns == 3) return use(FixedWindow<3>{window.first});
  use(window);
}

template <typename AnyWindow, typename Lanes>
PYCNN_INLINE Vec maximum_of(const float* x, const AnyWindow& window, const Pool2D& p, Lanes lanes) {
  Vec top = broadcast(-kInfinity);
  IntVec is_nan{};
  for (int64_t i = 0; i < window.rows; ++i) {
    for (int64_t j = 0; j < window.columns; ++j) {
      const Vec value = load(x + (i * p.w + j) * p.c, lanes);
      top = maximum(top, value);
      is_nan |= value != value;
    }
  }
  return select(is_nan, broadcast(__builtin_nanf("")), top);
}

// Row by row, so that the error of a global pool grows with its side, not its area.
template <typename AnyWindow, typename Lanes>
PYCNN_INLINE Vec sum_of(const float* x, const AnyWindow& window, const Pool2D& p, Lanes lanes) {
  Vec sum{};
  for (int64_t i = 0; i < window.rows; ++i) {
    Vec row{};
    for (int64_t j = 0; j < window.columns; ++j) row += load(x + (i * p.w + j) * p.c, lanes);
    sum += row;
  }
  return sum;
}

PYCNN_INLINE float average_scale(const Window& window, const Pool2D& p) {
  const int64_t count = p.count_padding ? p.kh * p.kw : window.rows * window.columns;
  return count > 0 ? 1.0f / static_cast<float>(count) : 0.0f;
}

void max_forward(float* y, const float* x, const Pool2D& p, int64_t row_begin, int64_t row_end) {
  for (int64_t oy = row_begin; oy < row_end; ++oy) {
    for (int64_t ox = 0; ox < p.ow; ++ox) {
      float* out = y + (oy * p.ow + ox) * y_pixel(p);
      with_size(window_at(p, oy, ox), [&](auto window) {
        for_vectors(p.c, [&](int64_t c, auto lanes) {
          store(out + c, maximum_of(x + window.first + c, window, p, lanes), lanes);
        });
      });
    }
  }
}

void max_backward(float* dx, const float* x, const float* dy, const Pool2D& p) {
  fill(dx, 0.0f, p.h * p.w * p.c);
  for (int64_t oy = 0; oy < p.oh; ++oy) {
    for (int64_t ox = 0; ox < p.ow; ++ox) {
      const float* gradient = dy + (oy * p.ow + ox) * p.c;
      with_size(window_at(p, oy, ox), [&](auto window) {
        for_vectors(p.c, [&](int64_t c, auto lanes) {
          const int64_t first = window.first + c;
          const Vec top = maximum_of(x + first, window, p, lanes);
          Vec rest = load(gradient + c, lanes);  // becomes 0 in the lanes whose maximum has been met
          for (int64_t i = 0; i < window.rows; ++i) {
            for (int64_t j = 0; j < window.columns; ++j) {
              const int64_t at = first + (i * p.w + j) * p.c;
              const Vec value = load(x + at, lanes);
              const IntVec found = (value == top) | (value != value);
              store(dx + at, load(dx + at, lanes) + select(found, rest, Vec{}), lanes);
              rest = select(found, Vec{}, rest);
            }
          }
        });
      });
    }
  }
}

void average_forward(float* y, const float* x, const Pool2D& p, int64_t row_begin, int64_t row_end) {
  for (int64_t oy = row_begin; oy < row_end; ++oy) {
    for (int64_t ox = 0; ox < p.ow; ++ox) {
      float* out = y + (oy * p.ow + ox) * y_pixel(p);
      const Window real = window_at(p, oy, ox);
      const float scale = average_scale(real, p);
      with_size(real, [&](auto window) {
        for_vectors(p.c, [&](int64_t c, auto lanes) {
          store(out + c, sum_of(x + window.first + c, window, p, lanes) * scale, lanes);
        });
      });
    }
  }
}

void average_backward(float* dx, const float* dy, const Pool2D& p) {
  fill(dx, 0.0f, p.h * p.w * p.c);
  for (int64_t oy = 0; oy < p.oh; ++oy) {
    for (int64_t ox = 0; ox < p.ow; ++ox) {
      const float* gradient = dy + (oy * p.ow + ox) * p.c;
      const Window real = window_at(p, oy, ox);
      const float scale = average_scale(real, p);
      with_size(real, [&](auto window) {
        for_vectors(p.c, [&](int64_t c, auto lanes) {
          const Vec share = load(gradient + c, lanes) * scale;
          for (int64_t i = 0; i < window.rows; ++i) {
            for (int64_t j = 0; j < window.columns; ++j) {
              float* to = dx + window.first + c + (i * p.w + j) * p.c;
              store(to, load(to, lanes) + share, lanes);
            }
          }
        });
      });
    }
  }
}

}  // namespace

Pool2DKernels pool2d_kernels() {
  Pool2DKernels kernels{};
  kernels.max_forward = max_forward;
  kernels.max_backward = max_backward;
  kernels.average_forward = average_forward;
  kernels.average_backward = average_backward;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
