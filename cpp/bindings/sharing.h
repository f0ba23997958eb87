// What the bindings of single operations share: work shared out over the threads, without the GIL.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "runtime/dispatch.h"
#include "runtime/memory.h"
#include "runtime/team.h"
#include "runtime/threads.h"

namespace pycnn::bindings {

using IntPair = std::array<int64_t, 2>;
using IntFour = std::array<int64_t, 4>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr int64_t kRange = 16384;  // floats of one piece of elementwise work

// body(i, scratch) for every i below n, in any order, on all threads and without the GIL.
template <class Body>
void for_each(int64_t n, int64_t scratch_floats, const Body& body) {
  if (n == 0) return;
  const GilReleased released;
  const int threads = static_cast<int>(std::min<int64_t>(n, num_threads()));
  const int64_t own = align_floats(scratch_floats);
  AlignedFloats scratch(own * threads);
  WorkQueue queue;
  parallel(threads, Wake::kAlways, [&](const Team& team) {
    queue.share(team, n, [&](int64_t i) { body(i, scratch.data() + team.rank() * own); });
  });
}

// body(begin, count) over the ranges of a flat array.
template <class Body>
void for_ranges(int64_t n, const Body& body) {
  for_each((n + kRange - 1) / kRange, 0,
           [&](int64_t i, float*) { body(i * kRange, std::min(kRange, n - i * kRange)); });
}

// body(begin, count) over ranges of rows of `columns` floats.
template <class Body>
void for_rows(int64_t rows, int64_t columns, const Body& body) {
  const int64_t at_once = std::max<int64_t>(1, kRange / std::max<int64_t>(columns, 1));
  for_each((rows + at_once - 1) / at_once, 0,
           [&](int64_t i, float*) { body(i * at_once, std::min(at_once, rows - i * at_once)); });
}

inline int64_t columns_of(const Floats& x, const char* name) {
  require(x.ndim() >= 1 && x.shape(x.ndim() - 1) >= 1,
          std::string(name) + " needs a last axis of at least 1, but has shape " + text_of(shape_of(x)));
  return x.shape(x.ndim() - 1);
}

// Sums over samples in slots that do not depend on the number of threads: body(sample, slot, scratch, accumulate).
template <class Body>
void sum_in_slots(float* sum, int64_t floats, int64_t n, int64_t scratch_floats, const Body& body) {
  std::fill(sum, sum + floats, 0.0f);
  if (n == 0) return;
  const int64_t slots = std::clamp<int64_t>(n / 8, 1, 16), stride = align_floats(floats);
  AlignedFloats memory(slots * stride);
  for_each(slots, scratch_floats, [&](int64_t slot, float* scratch) {
    const int64_t begin = slot * n / slots, end = (slot + 1) * n / slots;
    for (int64_t i = begin; i < end; ++i) body(i, memory.data() + slot * stride, scratch, i > begin);
  });
  active_kernels().elementwise.sum_slots(sum, memory.data(), stride, slots, floats);
}

}  // namespace pycnn::bindings
