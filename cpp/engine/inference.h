// A network with arrays of its own for batches of one size: nothing is left to set up, check or copy in a call.
#pragma once

#include <vector>

#include "engine/network.h"

namespace pycnn {

class Inference {
 public:
  // Plans, packs the weights and finds all memory, so that the first call takes no longer than the others. The network
  // must outlive it; weights that change later are seen. std::invalid_argument for less than one sample.
  Inference(Network& network, int64_t samples, SourceType type = SourceType::kFloat32);

  int64_t samples() const { return batch_.samples; }
  SourceType type() const { return type_; }
  void* input(int number = 0) const { return inputs_.at(static_cast<size_t>(number)).data(); }     // zero at first
  float* output(int number = 0) const { return outputs_.at(static_cast<size_t>(number)).data(); }  // on cache lines too
  int64_t output_size(int number = 0) const { return outputs_.at(static_cast<size_t>(number)).size(); }

  void operator()() const { network_.predict(batch_); }
  // The same from and to other arrays. Threads that bring arrays of their own may share one Inference.
  void operator()(const std::vector<const void*>& x, const std::vector<float*>& y) const;
  void operator()(const void* x, float* y) const { (*this)(std::vector<const void*>{x}, std::vector<float*>{y}); }

 private:
  Network& network_;
  SourceType type_;
  Batch batch_;
  std::vector<AlignedFloats> inputs_, outputs_;
};

}  // namespace pycnn
