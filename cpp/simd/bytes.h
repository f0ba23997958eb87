// Vectors of small whole numbers that are stored as bytes, such as places in a pooling window.
#pragma once

#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

typedef uint8_t LaneBytes __attribute__((vector_size(kLanes)));

PYCNN_INLINE void store_bytes(uint8_t* p, IntVec v, int64_t count) {
  const LaneBytes bytes = __builtin_convertvector(v, LaneBytes);
  if (count == kLanes) __builtin_memcpy(p, &bytes, kLanes);
  else __builtin_memcpy(p, &bytes, static_cast<size_t>(count));
}

PYCNN_INLINE IntVec load_bytes(const uint8_t* p, int64_t count) {
  LaneBytes bytes = {};
  if (count == kLanes) __builtin_memcpy(&bytes, p, kLanes);
  else __builtin_memcpy(&bytes, p, static_cast<size_t>(count));
  return __builtin_convertvector(bytes, IntVec);
}

}  // namespace pycnn::PYCNN_ISA
