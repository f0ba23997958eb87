// The registers of a fused expression: blocks of floats in scratch, with what is known about each.
#pragma once

#include "kernels/tensor/map_forward.h"
#include "kernels/tensor/map_layout.h"

namespace pycnn::PYCNN_ISA {

struct MapRegister {
  const float* value = nullptr;  // on this block: in slot, or where the operand lies
  float* slot = nullptr;
  const float* adjoint = nullptr;  // in its slot, or that of a later register if both are the same
  float* adjoint_slot = nullptr;
  int64_t n = 0;             // elements of the block when it was written
  bool changed = false;      // since the block before
  bool needed = true;        // its value is
  bool wanted = false;       // its adjoint is
  bool has_adjoint = false;  // so far
  // Of operands.
  bool is_operand = false;
  bool in_place = false;          // contiguous within a block
  bool summed = false;            // repeats somewhere
  const float* source = nullptr;  // the part that this block sees
  int64_t sum_offset = 0;         // the part whose adjoints are being summed,
  int64_t sum_steps = 0;          // its steps along the split axis,
  int64_t sum_blocks = 0;         // and over how many blocks so far
};

// All registers and adjoints of an expression should find room in L1.
PYCNN_INLINE int64_t map_block(const MapCode& code) {
  const int32_t registers = code.inputs + code.count;
  return registers <= 4 ? kLargestMapBlock : registers <= 10 ? 512 : registers <= 20 ? 256 : registers <= 40 ? 128 : 64;
}

constexpr int64_t kScratchLine = 16;

PYCNN_INLINE int64_t map_register_floats(const MapCode& code) {
  const int64_t floats = (code.inputs + code.count) * static_cast<int64_t>(sizeof(MapRegister) / sizeof(float));
  return (floats + kScratchLine - 1) / kScratchLine * kScratchLine;
}

// From a slot to the next: a cache line more than a block, for what expand writes behind it, and so that they do not
// all compete for the same sets.
PYCNN_INLINE int64_t map_slot_floats(const MapCode& code) { return map_block(code) + kScratchLine; }

PYCNN_INLINE int64_t map_scratch_floats(const MapCode& code) {
  return kScratchLine + map_register_floats(code) + (2 * (code.inputs + code.count) + 1) * map_slot_floats(code);
}

// In scratch: what is known of the registers, a slot and an adjoint of each, and one block more.
struct MapMemory {
  MapRegister* registers;
  float* temporary;
};

PYCNN_INLINE MapMemory map_memory(const MapCode& code, float* scratch) {
  constexpr uintptr_t kLineBytes = kScratchLine * sizeof(float);
  scratch = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch) + kLineBytes - 1) / kLineBytes * kLineBytes);
  MapRegister* registers = reinterpret_cast<MapRegister*>(scratch);
  const int64_t slot = map_slot_floats(code);
  float* next = scratch + map_register_floats(code);
  for (int32_t i = 0; i < code.inputs + code.count; ++i, next += 2 * slot) {
    MapRegister r;
    r.value = r.slot = next;
    r.adjoint = r.adjoint_slot = next + slot;
    r.is_operand = i < code.inputs;
    registers[i] = r;
  }
  return {registers, next};
}

PYCNN_INLINE bool is_binary(MapOp op) { return op >= MapOp::kAdd && op <= MapOp::kLogicalOr; }

// Calls body(register) for each that an instruction reads.
template <typename Body>
PYCNN_INLINE void for_sources(const MapInstruction& f, Body body) {
  if (f.op == MapOp::kConstant) return;
  body(f.a);
  if (is_binary(f.op) || f.op == MapOp::kWhere) body(f.b);
  if (f.op == MapOp::kWhere) body(f.c);
}

PYCNN_INLINE const float* constant_of(const MapCode& code, int32_t index) {
  if (index < code.inputs) return nullptr;
  const MapInstruction& f = code.instructions[index - code.inputs];
  return f.op == MapOp::kConstant ? &f.value : nullptr;
}

PYCNN_INLINE bool is_contiguous(const MapOperand& x, const MapAxes& axes, const MapBlocks& blocks) {
  for (int k = blocks.split; k < axes.count; ++k)
    if (axes.stride(x, k) == 0) return false;
  return true;
}

namespace {

// The operands' registers for one block.
void show_operands(MapRegister* r, const MapOperand* x, const MapCode& code, const MapAxes& axes,
                   const MapBlocks& blocks, const MapPlace& place) {
  const int64_t n = place.steps * blocks.inner;
  for (int32_t k = 0; k < code.inputs; ++k) {
    const float* source = x[k].x + place.offset(x[k], axes, blocks);
    r[k].changed = r[k].source != source || r[k].n != n;
    r[k].source = source;
    r[k].n = n;
    if (r[k].in_place) r[k].value = source;
    else if (r[k].changed && r[k].needed) expand(r[k].slot, source, x[k], axes, blocks.split, place.steps);
  }
}

// The instructions on one block, as far as needed; the last one writes to y, or to its slot where y is null.
void run_code(MapRegister* registers, float* y, const MapCode& code, int64_t n) {
  for (int32_t i = 0; i < code.count; ++i) {
    const MapInstruction& f = code.instructions[i];
    MapRegister& r = registers[code.inputs + i];
    if (!r.needed) continue;
    const bool to_y = y && i == code.count - 1;
    r.changed = to_y || r.n != n;
    for_sources(f, [&](int32_t source) { r.changed |= registers[source].changed; });
    r.n = n;
    if (!r.changed) continue;
    const float* exponent = f.op == MapOp::kPower ? constant_of(code, f.b) : nullptr;
    run_instruction(to_y ? y : r.slot, f, registers[f.a].value, registers[f.b].value, registers[f.c].value, exponent,
                    n);
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
