#include "engine/inference.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace pycnn {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 40;

int64_t checked_samples(const Network& network, int64_t samples) {
  if (samples < 1) throw std::invalid_argument("a batch needs at least one sample, but has " + std::to_string(samples));
  if (samples > kMaxValues / std::max(network.input_shape().size(), network.output_shape().size()))
    throw std::bad_alloc();
  return samples;
}

int64_t floats(int64_t values, SourceType type) { return (values * bytes_of(type) + 3) / 4; }

}  // namespace

Inference::Inference(Network& network, int64_t samples, SourceType type)
    : network_(network), input_(floats(checked_samples(network, samples) * network.input_shape().size(), type)),
      output_(samples * network.output_shape().size()) {
  batch_.x_type = type;
  batch_.samples = std::min(samples, kChunkSamples);
  (*this)();
  batch_.samples = samples;
  std::fill(output(), output() + output_.size(), 0.0f);
}

void Inference::operator()(const void* x, float* y) const {
  Batch batch = batch_;
  batch.x = x;
  batch.out = y;
  network_.predict(batch);
}

}  // namespace pycnn
