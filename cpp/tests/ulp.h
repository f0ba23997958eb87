// Errors in units of the last place.
#pragma once

#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {

// Distance in units of the last place of float32; the smallest unit is that of the smallest normal number.
inline double ulp_error(float got, double want) {
  const float rounded = static_cast<float>(want);
  if (std::isnan(want)) return std::isnan(got) ? 0.0 : kInf;
  if (std::isinf(rounded)) return got == rounded || std::abs(got) == __FLT_MAX__ ? 0.0 : kInf;
  int exponent;
  std::frexp(want, &exponent);
  const double distance = std::abs(static_cast<double>(got) - want);
  return std::isfinite(distance) ? distance / std::ldexp(1.0, std::max(exponent, -125) - 24) : kInf;
}

// Calls use(values) with batches of all float32 bit patterns, taken in steps.
template <typename Use>
void for_float_batches(Use use) {
  constexpr uint64_t kStep = 1009;
  constexpr size_t kBatch = 4096;
  Floats x;
  for (uint64_t step = 0; step < (1ull << 32); step += kStep) {
    const uint32_t bits = static_cast<uint32_t>(step);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    x.push_back(value);
    if (x.size() == kBatch) use(static_cast<const Floats&>(x)), x.clear();
  }
  use(static_cast<const Floats&>(x));
}

}  // namespace pycnn::testing
