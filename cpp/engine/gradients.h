// The gradient by a value without a batch axis, summed over its parts and over the slots in their order.
#pragma once

#include "engine/program.h"
#include "kernels/table.h"

namespace pycnn {

class GradientSum {
 public:
  GradientSum(const ElementwiseKernels& kernels, const float* slot_memory, int64_t slot_stride, int64_t used_slots)
      : kernels_(kernels), slot_memory_(slot_memory), slot_stride_(slot_stride), used_slots_(used_slots) {}

  // g[0, size) = [begin, begin + size) of the gradient, cut as range_of says.
  void operator()(float* g, const GradientParts& parts, int64_t begin, int64_t size) const;

 private:
  void sum_slots(float* g, const SlotGradient& slot, int64_t begin, int64_t size) const;

  const ElementwiseKernels& kernels_;
  const float* slot_memory_;
  int64_t slot_stride_, used_slots_;
};

// Floats of a gradient that are summed at once: at most kUpdateRange, if possible in whole rows of transposed parts.
int64_t range_of(const GradientParts& parts);

}  // namespace pycnn
