#include "engine/gradients.h"

#include <algorithm>
#include <numeric>

namespace pycnn {

void GradientSum::sum_slots(float* g, const SlotGradient& slot, int64_t begin, int64_t size) const {
  const float* slots = slot_memory_ + slot.offset;
  if (!slot.transposed) return kernels_.sum_slots(g, slots + begin, slot_stride_, used_slots_, size);
  const int64_t rows = slot.rows, columns = slot.columns, first = begin / columns, count = size / columns;
  if (begin % columns != 0 || size % columns != 0) {  // a rare cut, see range_of
    for (int64_t i = begin; i < begin + size; ++i)
      kernels_.sum_slots(g + i - begin, slots + i % columns * rows + i / columns, slot_stride_, used_slots_, 1);
    return;
  }
  float sum[kUpdateRange];
  for (int64_t c = 0; c < columns; ++c)
    kernels_.sum_slots(sum + c * count, slots + c * rows + first, slot_stride_, used_slots_, count);
  kernels_.transpose(g, columns, sum, count, columns, count);
}

void GradientSum::operator()(float* g, const GradientParts& parts, int64_t begin, int64_t size) const {
  bool filled = parts.whole != nullptr;
  if (filled && parts.whole + begin != g) std::copy_n(parts.whole + begin, size, g);
  for (const SlotGradient& slot : parts.slots) {
    float sum[kUpdateRange];
    sum_slots(filled ? sum : g, slot, begin, size);
    if (filled) kernels_.add(g, g, sum, size);
    filled = true;
  }
  for (const float* further : parts.further) kernels_.add(g, g, further + begin, size);
}

int64_t range_of(const GradientParts& parts) {
  int64_t columns = 1;
  for (const SlotGradient& slot : parts.slots)
    if (slot.transposed) columns = std::lcm(columns, slot.columns);
  // Parts of several shapes may have no whole rows in common that are short enough.
  return columns > kUpdateRange ? kUpdateRange : kUpdateRange / columns * columns;
}

}  // namespace pycnn
