// How a weight gradient is cut into pieces: some input channels by some output channels, over all images.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Large pieces, since each brings its inputs and its gradients into another form anew, of which Winograd's inputs cost
// several times as much; where there are many pieces, they may have more inputs.
constexpr int64_t kPieceInputs = 64, kPieceOutputs = 128;

// Channels [input, input + inputs) and [output, output + outputs) of every group.
struct ChannelPart {
  int64_t input, inputs, output, outputs;
};

PYCNN_INLINE ChannelPart all_channels(const Conv2D& s) { return {0, group_inputs(s), 0, group_outputs(s)}; }

// Pieces of so many input channels each, of a convolution without groups.
PYCNN_INLINE int64_t channel_parts(const Conv2D& s, int64_t inputs) {
  return s.groups == 1 ? (s.c + inputs - 1) / inputs * ((s.k + kPieceOutputs - 1) / kPieceOutputs) : 0;
}
PYCNN_INLINE ChannelPart channel_part(const Conv2D& s, int64_t piece, int64_t inputs) {
  const int64_t parts = (s.c + inputs - 1) / inputs;
  const int64_t input = piece % parts * inputs, output = piece / parts * kPieceOutputs;
  return {input, min(inputs, s.c - input), output, min(kPieceOutputs, s.k - output)};
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
