#include "api/network_calls.h"

namespace pycnn {

std::vector<TensorInfo> inputs_of(const Network& network) {
  return {{network.graph().node(0).name, network.input_shape().dims, "float32"}};
}

std::vector<TensorInfo> outputs_of(const Network& network) {
  return {{network.graph().nodes().back().name, network.output_shape().dims, "float32"}};
}

void run(Network& network, SourceType type, const void* const* inputs, int64_t samples, float* const* outputs) {
  Batch batch;
  batch.samples = samples;
  batch.x = inputs[0];
  batch.x_type = type;
  batch.out = outputs[0];
  network.predict(batch);
}

}  // namespace pycnn
