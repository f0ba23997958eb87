// How a fused expression walks over its result: in blocks of neighbouring elements, on each of which an operand is
// either contiguous, and read in place, or repeats somewhere, and is written out once for all blocks that see the same
// part of it.
#pragma once

#include "kernels/tensor/tensor.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {

constexpr int64_t kLargestMapBlock = 1024;

// The axes of the result without those of extent 1, neighbours joined where all operands allow it.
struct MapAxes {
  int32_t count;  // >= 1
  int64_t dims[kMaxAxes];
  int32_t axis[kMaxAxes];  // the axis of the result whose strides it has; -1: none, one element
  int64_t total;

  int64_t stride(const MapOperand& operand, int k) const { return axis[k] < 0 ? 0 : operand.strides[axis[k]]; }
};

PYCNN_INLINE MapAxes map_axes(const MapOperand* x, int32_t operands, const TensorDims& dims) {
  MapAxes axes;
  axes.count = 0;
  axes.total = 1;
  for (int k = 0; k < dims.axes; ++k) {
    const int64_t extent = dims.dims[k];
    axes.total *= extent;
    if (extent == 1) continue;
    bool joins = axes.count > 0;
    for (int32_t i = 0; joins && i < operands; ++i)
      joins = axes.stride(x[i], axes.count - 1) == x[i].strides[k] * extent;
    if (!joins) axes.dims[axes.count++] = 1;
    axes.dims[axes.count - 1] *= extent;
    axes.axis[axes.count - 1] = k;
  }
  if (axes.count == 0) {
    axes.dims[0] = 1;
    axes.axis[0] = -1;
    axes.count = 1;
  }
  return axes;
}

// Blocks: `chunk` steps (fewer in the last piece) along axis `split`, all of the axes behind it, one place on those
// before it.
struct MapBlocks {
  int split;
  int64_t inner;   // elements of one step
  int64_t chunk;   // steps in a block
  int64_t pieces;  // blocks along the axis
  int64_t outer;   // places before it
};

PYCNN_INLINE MapBlocks map_blocks(const MapAxes& axes, int64_t largest) {
  MapBlocks blocks;
  blocks.split = axes.count - 1;
  blocks.inner = 1;
  while (blocks.split > 0 && blocks.inner * axes.dims[blocks.split] <= largest / 2)
    blocks.inner *= axes.dims[blocks.split--];
  const int64_t extent = axes.dims[blocks.split], most_steps = largest / blocks.inner;
  blocks.pieces = (extent + most_steps - 1) / most_steps;
  // Pieces of about one size, and of whole vectors.
  constexpr int64_t kLine = 16;
  blocks.chunk = (extent + blocks.pieces - 1) / blocks.pieces;
  if (blocks.inner == 1) blocks.chunk = min(most_steps, (blocks.chunk + kLine - 1) / kLine * kLine);
  blocks.pieces = (extent + blocks.chunk - 1) / blocks.chunk;
  blocks.outer = 1;
  for (int k = 0; k < blocks.split; ++k) blocks.outer *= axes.dims[k];
  return blocks;
}

// One block: where it begins on the axes up to the split, and its steps.
struct MapPlace {
  int64_t index[kMaxAxes];
  int64_t steps, first;  // first: its first element of the result

  int64_t offset(const MapOperand& operand, const MapAxes& axes, const MapBlocks& blocks) const {
    int64_t offset = 0;
    for (int k = 0; k <= blocks.split; ++k) offset += index[k] * axes.stride(operand, k);
    return offset;
  }
};

// Calls body(place) for every block, all pieces of a place before the next one, or the other way around.
template <typename Body>
PYCNN_INLINE void for_blocks(const MapAxes& axes, const MapBlocks& blocks, bool pieces_outside, Body body) {
  const int64_t extent = axes.dims[blocks.split];
  MapPlace place;
  for (int64_t p = 0; p < (pieces_outside ? blocks.pieces : 1); ++p) {
    for (int k = 0; k < blocks.split; ++k) place.index[k] = 0;
    for (int64_t o = 0; o < blocks.outer; ++o) {
      for (int64_t q = 0; q < (pieces_outside ? 1 : blocks.pieces); ++q) {
        const int64_t begin = (pieces_outside ? p : q) * blocks.chunk;
        place.index[blocks.split] = begin;
        place.steps = min(blocks.chunk, extent - begin);
        place.first = (o * extent + begin) * blocks.inner;
        body(static_cast<const MapPlace&>(place));
      }
      for (int k = blocks.split - 1; k >= 0 && ++place.index[k] == axes.dims[k]; --k) place.index[k] = 0;
    }
  }
}

namespace {

// Whether an operand shows one value along all of the last axis and another one at each step of `axis` before it.
PYCNN_INLINE bool is_row_of_values(const MapOperand& operand, const MapAxes& axes, int axis) {
  return axis == axes.count - 2 && axes.stride(operand, axis) != 0 && axes.stride(operand, axis + 1) == 0;
}

// Writes `extent` steps along `axis` of an operand, with all axes behind it, contiguously, and up to a vector more.
// Returns the end.
float* expand(float* y, const float* x, const MapOperand& operand, const MapAxes& axes, int axis, int64_t extent) {
  const int64_t stride = axes.stride(operand, axis);
  if (axis == axes.count - 1) {
    if (stride == 0) fill(y, *x, extent);
    else copy(y, x, extent);
    return y + extent;
  }
  const int64_t next_extent = axes.dims[axis + 1];
  if (is_row_of_values(operand, axes, axis)) {
    for (int64_t i = 0; i < extent; ++i, y += next_extent)
      for (int64_t j = 0; j < next_extent; j += kLanes) store(y + j, broadcast(x[i * stride]));
    return y;
  }
  float* end = expand(y, x, operand, axes, axis + 1, next_extent);
  const int64_t width = end - y;
  for (int64_t i = 1; i < extent; ++i) {
    if (stride == 0) copy(end, y, width);
    else expand(end, x + i * stride, operand, axes, axis + 1, next_extent);
    end += width;
  }
  return end;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
