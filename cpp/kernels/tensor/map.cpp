// Fused elementwise expressions: a block of the result at a time, instruction after instruction. What a block has in
// common with the one before, and all that follows from it, is not computed again.
#include "kernels/tensor/map_forward.h"
#include "kernels/tensor/map_registers.h"
#include "kernels/tensor/parts.h"

namespace pycnn::PYCNN_ISA {

int64_t map_scratch(const MapCode& code) { return map_scratch_floats(code); }

void map(float* y, const MapOperand* x, const MapCode& code, const TensorDims& dims, float* scratch) {
  const MapAxes axes = map_axes(x, code.inputs, dims);
  if (axes.total == 0) return;
  const MapBlocks blocks = map_blocks(axes, map_block(code));
  MapRegister* r = map_memory(code, scratch).registers;
  for (int32_t k = 0; k < code.inputs; ++k) r[k].in_place = is_contiguous(x[k], axes, blocks);

  for_blocks(axes, blocks, false, [&](const MapPlace& place) {
    show_operands(r, x, code, axes, blocks, place);
    run_code(r, y + place.first, code, place.steps * blocks.inner);
  });
}

}  // namespace pycnn::PYCNN_ISA
