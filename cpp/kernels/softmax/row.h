// What softmax and the losses do to one row of `n` floats. Sums always run in the same order.
#pragma once

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

// The sum of term(i, lanes), a vector for the columns from i on, whose unused lanes may hold anything.
template <typename Term>
PYCNN_INLINE float sum_row(int64_t n, Term term) {
  Vec sum{};
  for_vectors(n, [&](int64_t i, auto lanes) { sum += fill_rest(term(i, lanes), lanes, 0.0f); });
  return sum_lanes(sum);
}

// A NaN in x may be missed here: every exp(x - maximum) that follows brings it back.
PYCNN_INLINE float maximum_of_row(const float* x, int64_t n) {
  Vec top = broadcast(-kInfinity);
  for_vectors(n, [&](int64_t i, auto lanes) { top = maximum(top, fill_rest(load(x + i, lanes), lanes, -kInfinity)); });
  float lanes[kLanes];
  store(lanes, top);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
  }
  return lanes[0];
}

PYCNN_INLINE float log_of(float x) { return log(broadcast(x))[0]; }

}  // namespace pycnn::PYCNN_ISA
