// Sums down the columns of row-major data, in a fixed order: float32 within a block of rows, double across blocks,
// so that the error does not grow with the number of rows.
#pragma once

#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

constexpr int64_t kSumBlockRows = 64;
constexpr int kSumChains = 4;  // independent additions, to fill the time that one takes

// The sums over rows [begin, end) that term(row, column, lanes, Vec* sums) adds to, of neighbouring vectors of columns.
template <int kSums, int kVectors, typename Lanes, typename Term>
PYCNN_INLINE void sum_block(Vec (&total)[kVectors][kSums], int64_t begin, int64_t end, int64_t column, Lanes lanes,
                            Term term) {
  constexpr int kRows = kSumChains / kVectors;
  Vec sums[kRows][kVectors][kSums] = {};
  int64_t r = begin;
  for (; r + kRows <= end; r += kRows)
    for (int i = 0; i < kRows; ++i)
      for (int v = 0; v < kVectors; ++v) term(r + i, column + v * kLanes, lanes, sums[i][v]);
  for (; r < end; ++r)
    for (int v = 0; v < kVectors; ++v) term(r, column + v * kLanes, lanes, sums[0][v]);
  for (int v = 0; v < kVectors; ++v)
    for (int s = 0; s < kSums; ++s) {
      total[v][s] = sums[0][v][s];
      for (int i = 1; i < kRows; ++i) total[v][s] += sums[i][v][s];
    }
}

template <int kVectors>
struct ColumnGroup {
  static constexpr int vectors = kVectors;
};

// Calls body(group, column, count, lanes) for groups of 4, 2 or 1 vectors of columns.
template <typename Body>
PYCNN_INLINE void for_column_groups(int64_t columns, Body body) {
  int64_t j = 0;
  for (; j + 4 * kLanes <= columns; j += 4 * kLanes) body(ColumnGroup<4>{}, j, 4 * kLanes, AllLanes{});
  if (j + 2 * kLanes <= columns) {
    body(ColumnGroup<2>{}, j, 2 * kLanes, AllLanes{});
    j += 2 * kLanes;
  }
  for_vectors(columns - j, [&](int64_t i, auto lanes) { body(ColumnGroup<1>{}, j + i, lane_count(lanes), lanes); });
}

// For each column: done(column, totals), the totals of the `kSums` sums that
// term(row, column, lanes, Vec* sums) adds to, a vector of columns at a time.
template <int kSums, typename Term, typename Done>
PYCNN_INLINE void sum_columns(int64_t rows, int64_t columns, Term term, Done done) {
  for_column_groups(columns, [&](auto group, int64_t column, int64_t count, auto lanes) {
    constexpr int kVectors = decltype(group)::vectors;
    double totals[kSums][kVectors * kLanes] = {};
    for (int64_t begin = 0; begin < rows; begin += kSumBlockRows) {
      Vec sums[kVectors][kSums];
      sum_block(sums, begin, min(begin + kSumBlockRows, rows), column, lanes, term);
      float block[kVectors * kLanes];
      for (int s = 0; s < kSums; ++s) {
        for (int v = 0; v < kVectors; ++v) store(block + v * kLanes, sums[v][s]);
        for (int i = 0; i < kVectors * kLanes; ++i) totals[s][i] += block[i];
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      double total[kSums];
      for (int s = 0; s < kSums; ++s) total[s] = totals[s][i];
      done(column + i, total);
    }
  });
}

}  // namespace pycnn::PYCNN_ISA
