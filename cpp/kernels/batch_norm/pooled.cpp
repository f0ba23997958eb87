// Batch normalization and its ReLU under a max-pool: the map between them never exists. A pooled row at a time, a
// vector of channels after the other, so that the channels' parameters stay in registers.
#include "kernels/batch_norm/channels.h"
#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int32_t kNoArgmax = 255;  // of a window at its bound, through which no gradient goes

template <int64_t kSide>
struct Square {
  static constexpr int64_t rows = kSide, columns = kSide;
};
struct Rectangle {
  int64_t rows, columns;
};

// Calls use(window) with the window's size known to the compiler where it is the common one.
template <class Use>
PYCNN_INLINE void with_window(const PooledMap& map, Use use) {
  if (map.ph == 2 && map.pw == 2) return use(Square<2>{});
  use(Rectangle{map.ph, map.pw});
}

template <class Window>
PYCNN_INLINE void pool_row(float* y, float* picked, uint8_t* argmax, const float* x, const ScaleShift& f,
                           const PooledMap& map, const Window& window) {
  const Vec lower = broadcast(f.lower);
  const bool bounded = is_bounded(f);
  const int64_t next = window.rows * map.w * map.c;  // reads go back and forth in a row of windows
  for_vectors(map.c, [&](int64_t j, auto lanes) {
    const Vec scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
    for (int64_t at = j; at < map.w / map.pw * map.c; at += map.c) {
      const float* first = x + (at - j) * window.columns + j;
      Vec from = load(first, lanes), best = maximum(lower, from * scale + shift);
      IntVec winner = {};
      for (int64_t a = 0; a < window.rows; ++a)
        for (int64_t b = 0; b < window.columns; ++b) {
          const float* pixel = first + (a * map.w + b) * map.c;
          __builtin_prefetch(pixel + next);
          const Vec value = load(pixel, lanes);
          const Vec other = maximum(lower, value * scale + shift);
          const IntVec wins = (other > best) | (other != other);
          best = select(wins, other, best);
          from = select(wins, value, from);
          winner = wins ? broadcast_int(static_cast<int32_t>(a * window.columns + b)) : winner;
        }
      if (bounded) winner = best <= lower ? broadcast_int(kNoArgmax) : winner;
      store(y + at, best, lanes);
      store(picked + at, from, lanes);
      store_bytes(argmax + at, winner, lane_count(lanes));
    }
  });
}

// Gradients of `pixels` neighbours that no window covers.
void uncovered(float* dx, const float* x, const BatchNormGradient& g, int64_t pixels, int64_t c) {
  for_vectors(c, [&](int64_t j, auto lanes) {
    const Slopes<decltype(lanes)> slopes(g, j, lanes);
    for (int64_t i = j; i < pixels * c; i += c) store(dx + i, slopes.dx(load(x + i, lanes)), lanes);
  });
}

template <class Window>
PYCNN_INLINE void unpool_row(float* dx, const float* x, const float* dy, const uint8_t* argmax,
                             const BatchNormGradient& g, const PooledMap& map, const Window& window) {
  const int64_t next = window.rows * map.w * map.c;
  for_vectors(map.c, [&](int64_t j, auto lanes) {
    const Slopes<decltype(lanes)> slopes(g, j, lanes);
    for (int64_t at = j; at < map.w / map.pw * map.c; at += map.c) {
      const Vec gradient = slopes.outer * load(dy + at, lanes);
      const IntVec winner = load_bytes(argmax + at, lane_count(lanes));
      const int64_t first = (at - j) * window.columns + j;
      for (int64_t a = 0; a < window.rows; ++a)
        for (int64_t b = 0; b < window.columns; ++b) {
          const int64_t i = first + (a * map.w + b) * map.c;
          const IntVec here = winner == broadcast_int(static_cast<int32_t>(a * window.columns + b));
          __builtin_prefetch(x + i + next);
          const Vec rest = slopes.dx(load(x + i, lanes));
          store(dx + i, select(here, rest + gradient, rest), lanes);
        }
    }
  });
}

template <class Window>
void unpool(float* dx, const float* x, const float* dy, const uint8_t* argmax, const BatchNormGradient& g,
            const PooledMap& map, const Window& window) {
  const int64_t oh = map.h / map.ph, ow = map.w / map.pw, row = map.w * map.c;
  const int64_t covered = ow * map.pw, rest = map.w - covered;
  for (int64_t i = 0; i < oh; ++i) {
    const int64_t top = i * map.ph * row, at = i * ow * map.c;
    unpool_row(dx + top, x + top, dy + at, argmax + at, g, map, window);
    for (int64_t a = 0; rest > 0 && a < map.ph; ++a) {
      const int64_t right = top + a * row + covered * map.c;
      uncovered(dx + right, x + right, g, rest, map.c);
    }
  }
  const int64_t bottom = oh * map.ph;
  uncovered(dx + bottom * row, x + bottom * row, g, (map.h - bottom) * map.w, map.c);
}

}  // namespace

void apply_pool(float* y, float* picked, uint8_t* argmax, const float* x, const ScaleShift& f, const PooledMap& map) {
  const int64_t row = map.w / map.pw * map.c;
  with_window(map, [&](auto window) {
    for (int64_t i = 0; i < map.h / map.ph; ++i)
      pool_row(y + i * row, picked + i * row, argmax + i * row, x + i * map.ph * map.w * map.c, f, map, window);
  });
}

void backward_apply_pool(float* dx, const float* x, const float* dy, const uint8_t* argmax, const BatchNormGradient& g,
                         const PooledMap& map) {
  with_window(map, [&](auto window) { unpool(dx, x, dy, argmax, g, map, window); });
}

}  // namespace pycnn::PYCNN_ISA
