// x (outer, n, inner) -> y (outer, inner): sums, products, extrema and where they are, any and all. Where inner is 1
// lanes go along the rows, else across the columns; short rows are turned into columns first.
#include "kernels/shared.h"
#include "kernels/tensor/parts.h"
#include "simd/column_sums.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Terms of a row that are summed in float32; such sums in double.
constexpr int64_t kChains = 4, kSumBlock = 64 * kChains * kLanes;

double sum_row(const float* x, int64_t n) {
  double total = 0.0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock) {
    const int64_t count = min(kSumBlock, n - begin);
    const float* block = x + begin;
    Vec sums[kChains] = {};
    int64_t i = 0;
    for (; i + kChains * kLanes <= count; i += kChains * kLanes)
      for (int c = 0; c < kChains; ++c) sums[c] += load(block + i + c * kLanes);
    for_vectors(count - i, [&](int64_t j, auto lanes) { sums[0] += load(block + i + j, lanes); });
    total += sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
  return total;
}

void sum_along_rows(float* y, const float* x, double scale, int64_t outer, int64_t n) {
  for (int64_t o = 0; o < outer; ++o) y[o] = static_cast<float>(sum_row(x + o * n, n) * scale);
}

void sum_along_columns(float* y, const float* x, double scale, int64_t outer, int64_t n, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, x += n * inner, y += inner)
    sum_columns<1>(
        n, inner, [&](int64_t r, int64_t j, auto lanes, Vec* sums) { sums[0] += load(x + r * inner + j, lanes); },
        [&](int64_t j, const double* total) { y[j] = static_cast<float>(total[0] * scale); });
}

// Reductions whose result does not depend on the order, and products: start, and how two become one.
struct Largest {
  static constexpr float start = -kInfinity;
  static Vec join(Vec a, Vec b) { return maximum_or_nan(a, b); }
};
struct Smallest {
  static constexpr float start = kInfinity;
  static Vec join(Vec a, Vec b) { return minimum_or_nan(a, b); }
};
struct Product {
  static constexpr float start = 1.0f;
  static Vec join(Vec a, Vec b) { return a * b; }
};
struct Any {
  static constexpr float start = 0.0f;
  static Vec join(Vec a, Vec b) { return select((a != 0.0f) | (b != 0.0f), broadcast(1.0f), Vec{}); }
};
struct All {
  static constexpr float start = 1.0f;
  static Vec join(Vec a, Vec b) { return select((a != 0.0f) & (b != 0.0f), broadcast(1.0f), Vec{}); }
};

// The lanes become one, halves joined with each other.
template <typename Rule>
PYCNN_INLINE float join_lanes(Vec v) {
  float lanes[kLanes];
  for (int width = kLanes / 2; width > 0; width /= 2) {
    store(lanes, v);
    v = Rule::join(v, load_n(lanes + width, width));
  }
  store(lanes, v);
  return lanes[0];
}

template <typename Rule>
PYCNN_INLINE float join_row(const float* x, int64_t n) {
  Vec joined[2] = {broadcast(Rule::start), broadcast(Rule::start)};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    joined[0] = Rule::join(joined[0], load(x + i));
    joined[1] = Rule::join(joined[1], load(x + i + kLanes));
  }
  for_vectors(n - i, [&](int64_t j, auto lanes) {
    joined[0] = Rule::join(joined[0], fill_rest(load(x + i + j, lanes), lanes, Rule::start));
  });
  return join_lanes<Rule>(Rule::join(joined[0], joined[1]));
}

template <typename Rule>
void join_along_rows(float* y, const float* x, int64_t outer, int64_t n) {
  for (int64_t o = 0; o < outer; ++o) y[o] = join_row<Rule>(x + o * n, n);
}

template <typename Rule>
void join_along_columns(float* y, const float* x, int64_t outer, int64_t n, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, x += n * inner, y += inner)
    for_vectors(inner, [&](int64_t j, auto lanes) {
      Vec joined = broadcast(Rule::start);
      for (int64_t i = 0; i < n; ++i) joined = Rule::join(joined, load(x + i * inner + j, lanes));
      store(y + j, joined, lanes);
    });
}

// Where the extremum of a row is first met.
int64_t first_of(const float* x, float value, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec v = load(x + i);
    if (bits_of((v == value) | (v != v))) break;
  }
  while (i < n - 1 && !(x[i] == value || x[i] != x[i])) ++i;
  return i;
}

template <typename Rule>
void place_along_rows(float* y, const float* x, int64_t outer, int64_t n) {
  for (int64_t o = 0; o < outer; ++o, x += n) y[o] = static_cast<float>(first_of(x, join_row<Rule>(x, n), n));
}

template <typename Rule>
void place_along_columns(float* y, const float* x, int64_t outer, int64_t n, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, x += n * inner, y += inner)
    for_vectors(inner, [&](int64_t j, auto lanes) {
      Vec best = load(x + j, lanes);
      IntVec at{};
      for (int64_t i = 1; i < n; ++i) {
        const Vec v = load(x + i * inner + j, lanes);
        const Vec joined = Rule::join(best, v);
        // A NaN that was met before stays.
        const IntVec better = (best == best) & ((joined != best) | (v != v));
        at = better ? broadcast_int(static_cast<int32_t>(i)) : at;
        best = joined;
      }
      store(y + j, __builtin_convertvector(at, Vec), lanes);
    });
}

// --- Backward ----------------------------------------------------------------------------------------------------

void spread(float* dx, const float* dy, float scale, int64_t outer, int64_t n, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, dy += inner) {
    if (inner == 1) {
      fill(dx + o * n, *dy * scale, n);
      continue;
    }
    for (int64_t i = 0; i < n; ++i) {
      float* row = dx + (o * n + i) * inner;
      for_vectors(inner, [&](int64_t j, auto lanes) { store(row + j, load(dy + j, lanes) * scale, lanes); });
    }
  }
}

// Equal shares for all x that are the extremum y.
void share_along_rows(float* dx, const float* x, const float* y, const float* dy, int64_t outer, int64_t n) {
  for (int64_t o = 0; o < outer; ++o, x += n, dx += n) {
    const Vec top = broadcast(y[o]);
    IntVec found{};
    for_vectors(
        n, [&](int64_t i, auto lanes) { found -= fill_rest(load(x + i, lanes), lanes, __builtin_nanf("")) == top; });
    const Vec part = broadcast(dy[o] / sum_lanes(__builtin_convertvector(found, Vec)));
    for_vectors(n,
                [&](int64_t i, auto lanes) { store(dx + i, select(load(x + i, lanes) == top, part, Vec{}), lanes); });
  }
}

void share_along_columns(float* dx, const float* x, const float* y, const float* dy, int64_t outer, int64_t n,
                         int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, x += n * inner, dx += n * inner, y += inner, dy += inner)
    for_vectors(inner, [&](int64_t j, auto lanes) {
      const Vec top = load(y + j, lanes);
      IntVec found{};
      for (int64_t i = 0; i < n; ++i) found -= load(x + i * inner + j, lanes) == top;
      const Vec part = load(dy + j, lanes) / __builtin_convertvector(found, Vec);
      for (int64_t i = 0; i < n; ++i)
        store(dx + i * inner + j, select(load(x + i * inner + j, lanes) == top, part, Vec{}), lanes);
    });
}

// dy times the product of all others: those before, kept in dx, and those behind. Right where some are 0.
void product_backward(float* dx, const float* x, const float* dy, int64_t outer, int64_t n, int64_t inner) {
  for (int64_t o = 0; o < outer; ++o, x += n * inner, dx += n * inner, dy += inner) {
    if (inner == 1) {
      float before = 1.0f, behind = *dy;
      for (int64_t i = 0; i < n; ++i) dx[i] = before, before *= x[i];
      for (int64_t i = n - 1; i >= 0; --i) dx[i] *= behind, behind *= x[i];
      continue;
    }
    for_vectors(inner, [&](int64_t j, auto lanes) {
      Vec before = broadcast(1.0f), behind = load(dy + j, lanes);
      for (int64_t i = 0; i < n; ++i) {
        store(dx + i * inner + j, before, lanes);
        before *= load(x + i * inner + j, lanes);
      }
      for (int64_t i = n - 1; i >= 0; --i) {
        store(dx + i * inner + j, load(dx + i * inner + j, lanes) * behind, lanes);
        behind *= load(x + i * inner + j, lanes);
      }
    });
  }
}

// --- Rows or columns ---------------------------------------------------------------------------------------------

void reduce_rows(float* y, const float* x, ReduceKind kind, int64_t outer, int64_t n) {
  switch (kind) {
    case ReduceKind::kSum: return sum_along_rows(y, x, 1.0, outer, n);
    case ReduceKind::kMean: return sum_along_rows(y, x, 1.0 / static_cast<double>(n), outer, n);
    case ReduceKind::kMax: return join_along_rows<Largest>(y, x, outer, n);
    case ReduceKind::kMin: return join_along_rows<Smallest>(y, x, outer, n);
    case ReduceKind::kProd: return join_along_rows<Product>(y, x, outer, n);
    case ReduceKind::kArgmax: return place_along_rows<Largest>(y, x, outer, n);
    case ReduceKind::kArgmin: return place_along_rows<Smallest>(y, x, outer, n);
    case ReduceKind::kAny: return join_along_rows<Any>(y, x, outer, n);
    case ReduceKind::kAll: return join_along_rows<All>(y, x, outer, n);
  }
}

void reduce_columns(float* y, const float* x, ReduceKind kind, int64_t outer, int64_t n, int64_t inner) {
  switch (kind) {
    case ReduceKind::kSum: return sum_along_columns(y, x, 1.0, outer, n, inner);
    case ReduceKind::kMean: return sum_along_columns(y, x, 1.0 / static_cast<double>(n), outer, n, inner);
    case ReduceKind::kMax: return join_along_columns<Largest>(y, x, outer, n, inner);
    case ReduceKind::kMin: return join_along_columns<Smallest>(y, x, outer, n, inner);
    case ReduceKind::kProd: return join_along_columns<Product>(y, x, outer, n, inner);
    case ReduceKind::kArgmax: return place_along_columns<Largest>(y, x, outer, n, inner);
    case ReduceKind::kArgmin: return place_along_columns<Smallest>(y, x, outer, n, inner);
    case ReduceKind::kAny: return join_along_columns<Any>(y, x, outer, n, inner);
    case ReduceKind::kAll: return join_along_columns<All>(y, x, outer, n, inner);
  }
}

// Rows so short that a vector along them soon ends; so many of them are turned into columns at a time.
constexpr int64_t kShortRow = 48, kTurnedRows = 64;

void share(float* dx, const float* x, const float* y, const float* dy, int64_t outer, int64_t n, int64_t inner) {
  if (inner != 1) return share_along_columns(dx, x, y, dy, outer, n, inner);
  if (n > kShortRow) return share_along_rows(dx, x, y, dy, outer, n);
  const auto transpose = elementwise_kernels().transpose;
  float columns[kShortRow * kTurnedRows], gradients[kShortRow * kTurnedRows];
  for (int64_t o = 0; o < outer; o += kTurnedRows) {
    const int64_t rows = min(kTurnedRows, outer - o);
    transpose(columns, rows, x + o * n, n, rows, n);
    share_along_columns(gradients, columns, y + o, dy + o, 1, n, rows);
    transpose(dx + o * n, n, gradients, rows, n, rows);
  }
}

}  // namespace

void reduce(float* y, const float* x, ReduceKind kind, int64_t outer, int64_t n, int64_t inner) {
  if (n == 0 && (kind == ReduceKind::kArgmax || kind == ReduceKind::kArgmin)) return fill(y, 0.0f, outer * inner);
  if (inner != 1) return reduce_columns(y, x, kind, outer, n, inner);
  if (n > kShortRow) return reduce_rows(y, x, kind, outer, n);
  const auto transpose = elementwise_kernels().transpose;
  float columns[kShortRow * kTurnedRows];
  for (int64_t o = 0; o < outer; o += kTurnedRows) {
    const int64_t rows = min(kTurnedRows, outer - o);
    transpose(columns, rows, x + o * n, n, rows, n);
    reduce_columns(y + o, columns, kind, 1, n, rows);
  }
}

void reduce_backward(float* dx, const float* x, const float* y, const float* dy, ReduceKind kind, int64_t outer,
                     int64_t n, int64_t inner) {
  switch (kind) {
    case ReduceKind::kSum: return spread(dx, dy, 1.0f, outer, n, inner);
    case ReduceKind::kMean: return spread(dx, dy, 1.0f / static_cast<float>(n), outer, n, inner);
    case ReduceKind::kMax:
    case ReduceKind::kMin: return share(dx, x, y, dy, outer, n, inner);
    case ReduceKind::kProd: return product_backward(dx, x, dy, outer, n, inner);
    default: return;
  }
}

}  // namespace pycnn::PYCNN_ISA
