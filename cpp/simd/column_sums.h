// Sums down the columns of row-major data, in a fixed order: float32 within a block of rows, double across blocks,
// so that the error does not grow with the number of rows.
#pragma once

#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

constexpr int64_t kSumBlockRows = 64;

template <int kSums, int kVectors, typename Lanes, typename Term, typename Done>
PYCNN_INLINE void sum_column_group(int64_t rows, int64_t column, int64_t count, Lanes lanes, Term term, Done done) {
  double totals[kSums][kVectors * kLanes] = {};
  for (int64_t begin = 0; begin < rows; begin += kSumBlockRows) {
    const int64_t end = least(begin + kSumBlockRows, rows);
    Vec sums[kVectors][kSums] = {};
    for (int64_t r = begin; r < end; ++r) {
      for (int v = 0; v < kVectors; ++v) term(r, column + v * kLanes, lanes, sums[v]);
    }
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
}

// For each column: done(column, totals), the totals of the `kSums` sums that
// term(row, column, lanes, Vec* sums) adds to, a vector of columns at a time.
template <int kSums, typename Term, typename Done>
PYCNN_INLINE void sum_columns(int64_t rows, int64_t columns, Term term, Done done) {
  constexpr int kVectors = 4;  // independent chains of additions
  int64_t j = 0;
  for (; j + kVectors * kLanes <= columns; j += kVectors * kLanes) {
    sum_column_group<kSums, kVectors>(rows, j, kVectors * kLanes, AllLanes{}, term, done);
  }
  for_vectors(columns - j, [&](int64_t i, auto lanes) {
    sum_column_group<kSums, 1>(rows, j + i, least(kLanes, columns - j - i), lanes, term, done);
  });
}

}  // namespace pycnn::PYCNN_ISA
