// y (columns, rows) = x (rows, columns) transposed, in square blocks of one vector's width that are turned in
// registers. Blocks at the end load and store fewer lanes.
#include "kernels/elementwise/parts.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

template <int... kIndex>
struct Sequence {};
template <int kCount, int... kIndex>
struct CountTo : CountTo<kCount - 1, kCount - 1, kIndex...> {};
template <int... kIndex>
struct CountTo<0, kIndex...> {
  typedef Sequence<kIndex...> Result;
};

// Patterns: which lane of (a, b), taken as one row of 2 * kLanes, goes to a lane of the result. A square is the four
// lanes in 128 bits, within which x86 shuffles cost least.
struct InterleaveLow {
  static constexpr int at(int lane) { return lane / 4 * 4 + lane % 4 / 2 + lane % 2 * kLanes; }
};
struct InterleaveHigh {
  static constexpr int at(int lane) { return InterleaveLow::at(lane) + 2; }
};
struct EvenSquares {
  static constexpr int at(int lane) { return lane / 4 * 8 + lane % 4; }
};
struct OddSquares {
  static constexpr int at(int lane) { return EvenSquares::at(lane) + 4; }
};

template <typename Pattern, int... kLane>
PYCNN_INLINE Vec shuffle(Vec a, Vec b, Sequence<kLane...>) {
#if __has_builtin(__builtin_shufflevector)
  return __builtin_shufflevector(a, b, Pattern::at(kLane)...);
#else
  return __builtin_shuffle(a, b, IntVec{Pattern::at(kLane)...});
#endif
}
template <typename Pattern>
PYCNN_INLINE Vec shuffle(Vec a, Vec b) {
  return shuffle<Pattern>(a, b, typename CountTo<kLanes>::Result{});
}

// First every 4x4 square is transposed, in two rounds over four neighbouring rows; then the squares change places.
PYCNN_INLINE void transpose_registers(Vec* v) {
  constexpr int kSquares = kLanes / 4;
  for (int row = 0; row < kLanes; row += 4) {
    for (int round = 0; round < 2; ++round) {
      const Vec a = v[row], b = v[row + 1], c = v[row + 2], d = v[row + 3];
      v[row] = shuffle<InterleaveLow>(a, c);
      v[row + 1] = shuffle<InterleaveHigh>(a, c);
      v[row + 2] = shuffle<InterleaveLow>(b, d);
      v[row + 3] = shuffle<InterleaveHigh>(b, d);
    }
  }
  for (int round = 1; round < kSquares; round *= 2) {
    Vec from[kLanes];
    for (int i = 0; i < kLanes; ++i) from[i] = v[i];
    for (int square = 0; square < kSquares / 2; ++square) {
      for (int i = 0; i < 4; ++i) {
        const Vec a = from[8 * square + i], b = from[8 * square + 4 + i];
        v[4 * square + i] = shuffle<EvenSquares>(a, b);
        v[4 * square + kLanes / 2 + i] = shuffle<OddSquares>(a, b);
      }
    }
  }
}

template <typename Rows, typename Columns>
PYCNN_INLINE void transpose_block(float* y, int64_t y_stride, const float* x, int64_t x_stride, Rows rows,
                                  Columns columns) {
  Vec v[kLanes] = {};
  for (int64_t i = 0; i < lane_count(rows); ++i) v[i] = load(x + i * x_stride, columns);
  transpose_registers(v);
  for (int64_t j = 0; j < lane_count(columns); ++j) store(y + j * y_stride, v[j], rows);
}

}  // namespace

// By strips of columns, one cache line of x wide. The rows of y that a strip writes to are then few enough for the
// caches (and the TLB) to hold until their lines are full, also where a stride is a power of two.
void transpose(float* y, int64_t y_stride, const float* x, int64_t x_stride, int64_t rows, int64_t columns) {
  constexpr int64_t kStrip = 16;
  for (int64_t begin = 0; begin < columns; begin += kStrip) {
    const int64_t width = min(kStrip, columns - begin);
    for_vectors(rows, [&](int64_t i, auto row_lanes) {
      for_vectors(width, [&](int64_t j, auto column_lanes) {
        transpose_block(y + (begin + j) * y_stride + i, y_stride, x + i * x_stride + begin + j, x_stride, row_lanes,
                        column_lanes);
      });
    });
  }
}

}  // namespace pycnn::PYCNN_ISA
