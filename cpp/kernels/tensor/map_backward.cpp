// The way back through fused elementwise expressions: the registers of a block are computed again, then adjoints go
// from the result to the operands. Those of an operand that repeats are summed, over blocks too where these see the
// same part of it.
#include "kernels/tensor/map_backward.h"

#include "kernels/tensor/parts.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Sums over so many blocks start anew, so that their error grows less than the number of terms.
constexpr int64_t kSummedBlocks = 64;

// Which registers gradients flow through, and which values that needs.
void mark(MapRegister* r, float* const* dx, const MapCode& code) {
  const int32_t registers = code.inputs + code.count;
  for (int32_t k = 0; k < registers; ++k) r[k].needed = false, r[k].wanted = k < code.inputs && dx[k];
  for (int32_t i = 0; i < code.count; ++i)
    for_differentiable(code.instructions[i], [&](int32_t source) { r[code.inputs + i].wanted |= r[source].wanted; });

  for (int32_t i = code.count - 1; i >= 0; --i) {
    const MapInstruction& f = code.instructions[i];
    MapRegister& y = r[code.inputs + i];
    if (y.wanted) {
      const DerivativeFrom from = derivative_from(f, r[f.a].wanted, r[f.b].wanted);
      r[f.a].needed |= from.a;
      r[f.b].needed |= from.b;
      y.needed |= from.y;
    }
    if (y.needed) for_sources(f, [&](int32_t source) { r[source].needed = true; });
  }
}

bool repeats(const MapOperand& x, const MapAxes& axes) {
  for (int k = 0; k < axes.count; ++k)
    if (axes.stride(x, k) == 0) return true;
  return false;
}

int64_t elements_of(const MapOperand& x, const TensorDims& dims) {
  int64_t elements = 1;
  for (int k = 0; k < dims.axes; ++k) elements *= x.strides[k] ? dims.dims[k] : 1;
  return elements;
}

// Whether blocks that see the same part of an operand are neighbours only if the pieces of an axis are taken one by
// one.
bool sums_over_places(const MapOperand& x, const MapAxes& axes, const MapBlocks& blocks) {
  bool over_places = false;
  for (int k = 0; k < blocks.split; ++k) over_places |= axes.stride(x, k) == 0;
  return over_places && blocks.pieces > 1 && axes.stride(x, blocks.split) != 0;
}

PYCNN_INLINE void add_to(float* x, const float* y, int64_t n) {
  for_vectors(n, [&](int64_t i, auto lanes) { store(x + i, load(x + i, lanes) + load(y + i, lanes), lanes); });
}

// The way back of expand: x += what lies in y. Returns the end of y.
const float* add_folded(float* x, const float* y, const MapOperand& operand, const MapAxes& axes, int axis,
                        int64_t extent) {
  const int64_t stride = axes.stride(operand, axis);
  if (axis == axes.count - 1) {
    float sum = 0.0f;
    if (stride == 0) reduce(&sum, y, ReduceKind::kSum, 1, extent, 1), *x += sum;
    else add_to(x, y, extent);
    return y + extent;
  }
  if (is_row_of_values(operand, axes, axis)) {
    const int64_t width = axes.dims[axis + 1];
    float sums[kLargestMapBlock / 2];  // width is at least 2
    reduce(sums, y, ReduceKind::kSum, extent, width, 1);
    for (int64_t i = 0; i < extent; ++i) x[i * stride] += sums[i];
    return y + extent * width;
  }
  for (int64_t i = 0; i < extent; ++i) y = add_folded(x + i * stride, y, operand, axes, axis + 1, axes.dims[axis + 1]);
  return y;
}

// The gradient of an operand that repeats, so far.
void add_sum(float* dx, MapRegister& r, const MapOperand& x, const MapAxes& axes, const MapBlocks& blocks) {
  if (!r.has_adjoint) return;
  add_folded(dx + r.sum_offset, r.adjoint, x, axes, blocks.split, r.sum_steps);
  r.has_adjoint = false;
}

}  // namespace

void map_backward(float* const* dx, const MapOperand* x, const float* dy, const MapCode& code, const TensorDims& dims,
                  float* scratch) {
  const MapAxes axes = map_axes(x, code.inputs, dims);
  const auto is_summed = [&](int32_t k) { return axes.total == 0 || repeats(x[k], axes); };
  for (int32_t k = 0; k < code.inputs; ++k)
    if (dx[k] && is_summed(k)) fill(dx[k], 0.0f, elements_of(x[k], dims));
  if (axes.total == 0) return;

  const MapBlocks blocks = map_blocks(axes, map_block(code));
  const MapMemory memory = map_memory(code, scratch);
  MapRegister* r = memory.registers;
  mark(r, dx, code);
  bool pieces_outside = false;
  for (int32_t k = 0; k < code.inputs; ++k) {
    r[k].in_place = is_contiguous(x[k], axes, blocks);
    r[k].summed = is_summed(k);
    pieces_outside |= r[k].wanted && sums_over_places(x[k], axes, blocks);
  }

  for_blocks(axes, blocks, pieces_outside, [&](const MapPlace& place) {
    const int64_t n = place.steps * blocks.inner;
    show_operands(r, x, code, axes, blocks, place);
    run_code(r, nullptr, code, n);
    for (int32_t k = 0; k < code.inputs; ++k) {
      if (!r[k].wanted) continue;
      if (!r[k].summed) {
        r[k].adjoint_slot = dx[k] + place.first;
        r[k].has_adjoint = false;
      } else if (r[k].changed || ++r[k].sum_blocks == kSummedBlocks) {
        add_sum(dx[k], r[k], x[k], axes, blocks);
        r[k].sum_offset = r[k].source - x[k].x;
        r[k].sum_steps = place.steps;
        r[k].sum_blocks = 0;
      }
    }
    for (int32_t i = 0; i < code.count; ++i) r[code.inputs + i].has_adjoint = false;

    for (int32_t i = code.count - 1; i >= 0; --i) {
      const MapInstruction& f = code.instructions[i];
      const bool last = i == code.count - 1;
      MapRegister& y = r[code.inputs + i];
      if (!y.wanted || !(last || y.has_adjoint)) continue;
      const float* exponent = f.op == MapOp::kPower ? constant_of(code, f.b) : nullptr;
      run_backward(f, r, y.value, last ? dy + place.first : y.adjoint, exponent, memory.temporary, n);
    }
    for (int32_t k = 0; k < code.inputs; ++k)
      if (r[k].wanted && !r[k].summed && !r[k].has_adjoint) fill(r[k].adjoint_slot, 0.0f, n);
  });
  for (int32_t k = 0; k < code.inputs; ++k)
    if (r[k].wanted && r[k].summed) add_sum(dx[k], r[k], x[k], axes, blocks);
}

}  // namespace pycnn::PYCNN_ISA
