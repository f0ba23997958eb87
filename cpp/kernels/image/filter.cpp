// A piece is a strip of rows of a tile of columns. The rows of the padded picture that a row of the result needs lie in
// a ring of `kh` floats rows that the L1 cache holds; a step of one row brings in one more. With a stride along the
// rows, a ring row has a plane for each remainder of the column, so that a vector's values are neighbours again.
#include "kernels/image/filter.h"

#include "simd/bytes.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kTileFloats = 6144;  // of the ring and a row more: three quarters of a common L1
constexpr int64_t kLeastTile = 512;    // floats of the result: less would read too many columns twice
constexpr int64_t kStripRows = 64;     // of the result, for each row of the matrix if that is more
constexpr int kVectors = 8;            // sums that are worked on at once

struct Tile {
  int64_t columns;  // of the result
  int64_t plane;    // floats from one plane of a ring row to the next
  int64_t row;      // floats from one ring row to the next
};

PYCNN_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

Tile tile_of(const FilterPlan& p) {
  const int64_t wanted = max(kTileFloats / (p.kh + 1), kLeastTile);
  Tile t{};
  t.columns = min(p.ow, max(1, wanted / p.c));
  t.plane = (t.columns + (p.kw - 1) / p.sw) * p.c + kLanes;
  t.row = t.plane * p.sw;
  return t;
}

int64_t strip_rows(const FilterPlan& p) { return min(p.oh, max(kStripRows, p.kh)); }

int64_t scratch(const FilterPlan& p) { return (p.kh + (p.separable ? 1 : 0)) * tile_of(p).row; }

int64_t pieces(const FilterPlan& p) { return ceil_div(p.oh, strip_rows(p)) * ceil_div(p.ow, tile_of(p).columns); }

// --- rows of the padded picture -------------------------------------------------------------------------------------
template <class T>
struct Picture {
  const T* x;
  const FilterPlan& p;
  const Tile& t;

  // `n` pixels of a row of the source, side by side.
  PYCNN_INLINE void convert(float* to, const T* from, int64_t n) {
    if constexpr (sizeof(T) == 1) {
      for_vectors(n, [&](int64_t i, auto lanes) {
        store(to + i, __builtin_convertvector(load_bytes(from + i, lane_count(lanes)), Vec), lanes);
      });
    } else {
      copy(to, from, n);
    }
  }

  // Columns [begin, begin + count) of a row of the padded picture.
  void load_row(float* to, int64_t row, int64_t begin, int64_t count) const {
    const int64_t source = p.rows[row];
    if (source < 0) return fill(to, p.fill, t.row);
    const T* from = x + source * p.w * p.c;
    const auto place = [&](int64_t j) { return to + j % p.sw * t.plane + j / p.sw * p.c; };
    for (int64_t j = 0; j < count;) {
      const int64_t column = p.columns[begin + j];
      if (column < 0) {
        for (int64_t k = 0; k < p.c; ++k) place(j)[k] = p.fill;
        ++j;
        continue;
      }
      // As many as lie side by side in the source and in the plane.
      int64_t n = 1;
      if (p.sw == 1) {
        n = min(count - j, p.w - column);
        while (p.columns[begin + j + n - 1] != column + n - 1) n = ceil_div(n, 2);
      }
      convert(place(j), from + column * p.c, n * p.c);
      j += n;
    }
  }
};

// --- sums -----------------------------------------------------------------------------------------------------------
// y + i: floats, or bytes.
PYCNN_INLINE void store_result(float* y, Vec v, int64_t count) { store_n(y, v, count); }
PYCNN_INLINE void store_result(uint8_t* y, Vec v, int64_t count) {
  v = minimum(broadcast(255.0f), maximum(Vec{}, select(v == v, v, Vec{})));
  store_bytes(y, as_int(v + kRounder) & 0xff, count);
}

// What a matrix is laid over: the value under its entry (a, b) lies at rows[a] + offsets[b].
struct Window {
  const float* const* rows;
  const int64_t* offsets;
  int64_t kh, kw;
};

// kCount vectors of sums, of which `count` values are stored; as many as the vectors have are read.
template <int kCount, class Y>
PYCNN_INLINE void sum_vectors(Y* y, const Window& x, int64_t at, const float* weights, int64_t count) {
  Vec sums[kCount] = {};
  for (int64_t a = 0; a < x.kh; ++a) {
    for (int64_t b = 0; b < x.kw; ++b) {
      const float* from = x.rows[a] + x.offsets[b] + at;
      const Vec weight = broadcast(*weights++);
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) sums[v] = add_fused(sums[v], weight, load(from + v * kLanes));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) store_result(y + at + v * kLanes, sums[v], min(kLanes, count - v * kLanes));
}

template <class Y>
PYCNN_INLINE void sum_row(Y* y, const Window& x, const float* weights, int64_t n) {
  constexpr int64_t kStep = kVectors * kLanes;
  int64_t i = 0;
  for (; i + kStep <= n; i += kStep) sum_vectors<kVectors>(y, x, i, weights, kStep);
  for (; i < n; i += kLanes) sum_vectors<1>(y, x, i, weights, n - i);
}

template <class T, class Y>
void apply_to(Y* y, float* ring, const T* x, const FilterPlan& p, int64_t piece) {
  const Tile t = tile_of(p);
  const int64_t tiles = ceil_div(p.ow, t.columns), strip = strip_rows(p);
  const int64_t first = piece / tiles * strip, last = min(p.oh, first + strip);
  const int64_t left = piece % tiles * t.columns, columns = min(t.columns, p.ow - left);
  const int64_t count = (columns - 1) * p.sw + p.kw;
  const Picture<T> picture{x, p, t};
  const float* rows[kMaxFilter];
  int64_t offsets[kMaxFilter];
  for (int64_t b = 0; b < p.kw; ++b) offsets[b] = b % p.sw * t.plane + b / p.sw * p.c;
  float* const joined = ring + p.kh * t.row;  // separable: the rows under the column
  const float* const only_row[] = {joined};
  const int64_t only_column[] = {0};

  int64_t next = 0;  // row of the padded picture to bring in
  for (int64_t i = first; i < last; ++i) {
    const int64_t begin = i * p.sh, end = begin + p.kh;
    for (next = max(next, begin); next < end; ++next)
      picture.load_row(ring + next % p.kh * t.row, next, left * p.sw, count);
    for (int64_t a = 0; a < p.kh; ++a) rows[a] = ring + (begin + a) % p.kh * t.row;
    Y* to = y + (i * p.ow + left) * p.c;
    if (p.separable) {
      sum_row(joined, {rows, only_column, p.kh, 1}, p.weights, t.row - kLanes);
      sum_row(to, {only_row, offsets, 1, p.kw}, p.weights + p.kh, columns * p.c);
    } else {
      sum_row(to, {rows, offsets, p.kh, p.kw}, p.weights, columns * p.c);
    }
  }
}

template <class T>
void apply_from(void* y, float* ring, const T* x, const FilterPlan& p, int64_t piece) {
  if (p.bytes) apply_to(static_cast<uint8_t*>(y), ring, x, p, piece);
  else apply_to(static_cast<float*>(y), ring, x, p, piece);
}

void apply(void* y, float* ring, const void* x, const FilterPlan& p, int64_t piece) {
  if (p.type == SourceType::kUint8) apply_from(y, ring, static_cast<const uint8_t*>(x), p, piece);
  else apply_from(y, ring, static_cast<const float*>(x), p, piece);
}

}  // namespace

FilterKernels filter_kernels() {
  FilterKernels kernels{};
  kernels.scratch = scratch;
  kernels.pieces = pieces;
  kernels.apply = apply;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
