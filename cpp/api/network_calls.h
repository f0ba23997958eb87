// All that the public interface asks of a network.
#pragma once

#include <pycnn/pycnn.h>

#include <vector>

#include "engine/inference.h"

namespace pycnn {

std::vector<TensorInfo> inputs_of(const Network& network);
std::vector<TensorInfo> outputs_of(const Network& network, const std::vector<std::string>& names);

// An array for each input and output.
void run(Network& network, SourceType type, const void* const* inputs, int64_t samples, float* const* outputs);

}  // namespace pycnn
