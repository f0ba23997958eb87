#include "api/network_calls.h"

namespace pycnn {
namespace {

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return "float32";
    case DType::kUint8: return "uint8";
    case DType::kInt32: break;
  }
  return "int32";
}

}  // namespace

std::vector<TensorInfo> inputs_of(const Network& network) {
  std::vector<TensorInfo> found;
  for (int input : network.inputs()) {
    const Node& node = network.graph().node(input);
    found.push_back({node.name, node.shape.dims, name_of(std::get<InputNode>(node.attributes).dtype)});
  }
  return found;
}

std::vector<TensorInfo> outputs_of(const Network& network, const std::vector<std::string>& names) {
  std::vector<TensorInfo> found;
  for (size_t i = 0; i < network.outputs().size(); ++i)
    found.push_back({names.at(i), network.output_shape(static_cast<int>(i)).dims, "float32"});
  return found;
}

void run(Network& network, SourceType type, const void* const* inputs, int64_t samples, float* const* outputs) {
  Batch batch;
  batch.samples = samples;
  for (size_t i = 0; i < network.inputs().size(); ++i) batch.inputs.push_back({inputs[i], type});
  batch.outputs.assign(outputs, outputs + network.outputs().size());
  network.predict(batch);
}

}  // namespace pycnn
