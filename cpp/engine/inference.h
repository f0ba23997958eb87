// A network with arrays of its own for batches of one size: nothing is left to set up, check or copy in a call.
#pragma once

#include "engine/network.h"

namespace pycnn {

class Inference {
 public:
  // Plans, packs the weights and finds all memory, so that the first call takes no longer than the others. The network
  // must outlive it; weights that change later are seen. std::invalid_argument for less than one sample.
  Inference(Network& network, int64_t samples, SourceType type = SourceType::kFloat32);

  int64_t samples() const { return batch_.samples; }
  SourceType type() const { return batch_.x_type; }
  void* input() const { return input_.data(); }     // samples of the network's input shape, zero at first
  float* output() const { return output_.data(); }  // both on cache lines

  void operator()() const { (*this)(input(), output()); }
  // The same from and to other arrays. Threads that bring arrays of their own may share one Inference.
  void operator()(const void* x, float* y) const;

 private:
  Network& network_;
  Batch batch_;
  AlignedFloats input_, output_;
};

}  // namespace pycnn
