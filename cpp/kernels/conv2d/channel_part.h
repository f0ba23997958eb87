// How a weight gradient is cut into pieces: some input channels by some output channels, over all images.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Few inputs, since each piece of a Winograd form transforms its inputs and its gradients anew, of which an input costs
// several times as much.
constexpr int64_t kInputPart = 32, kOutputPart = 128;

// Channels [input, input + inputs) and [output, output + outputs) of every group.
struct ChannelPart {
  int64_t input, inputs, output, outputs;
};

PYCNN_INLINE ChannelPart all_channels(const Conv2D& s) { return {0, group_inputs(s), 0, group_outputs(s)}; }

PYCNN_INLINE int64_t input_parts(const Conv2D& s) { return (s.c + kInputPart - 1) / kInputPart; }
PYCNN_INLINE int64_t channel_parts(const Conv2D& s) {
  return s.groups == 1 ? input_parts(s) * ((s.k + kOutputPart - 1) / kOutputPart) : 0;
}
PYCNN_INLINE ChannelPart channel_part(const Conv2D& s, int64_t piece) {
  const int64_t input = piece % input_parts(s) * kInputPart, output = piece / input_parts(s) * kOutputPart;
  return {input, min(kInputPart, s.c - input), output, min(kOutputPart, s.k - output)};
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
