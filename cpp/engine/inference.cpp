#include "engine/inference.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace pycnn {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 40;

AlignedFloats memory_for(int64_t samples, int64_t values, int64_t bytes) {
  if (samples > kMaxValues / values) throw std::bad_alloc();
  return AlignedFloats((samples * values * bytes + 3) / 4);
}

}  // namespace

Inference::Inference(Network& network, int64_t samples, SourceType type) : network_(network), type_(type) {
  if (samples < 1) throw std::invalid_argument("a batch needs at least one sample, but has " + std::to_string(samples));
  for (int input : network.inputs()) {
    inputs_.push_back(memory_for(samples, network.graph().shape(input).size(), bytes_of(type)));
    batch_.inputs.push_back({inputs_.back().data(), type});
  }
  for (int output : network.outputs()) {
    const Node& node = network.graph().node(output);
    outputs_.push_back(memory_for(node.batched ? samples : 1, node.shape.size(), 4));
    batch_.outputs.push_back(outputs_.back().data());
  }
  batch_.samples = std::min(samples, kChunkSamples);
  (*this)();
  batch_.samples = samples;
  for (AlignedFloats& y : outputs_) std::fill(y.data(), y.data() + y.size(), 0.0f);
}

void Inference::operator()(const std::vector<const void*>& x, const std::vector<float*>& y) const {
  Batch batch = batch_;
  for (size_t i = 0; i < x.size(); ++i) batch.inputs[i].data = x[i];
  batch.outputs = y;
  network_.predict(batch);
}

}  // namespace pycnn
