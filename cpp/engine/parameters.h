// The weights of a network and their gradients: two flat buffers of one layout, each parameter on a cache line.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "runtime/memory.h"

namespace pycnn {

class Parameters {
 public:
  explicit Parameters(const std::vector<Parameter>& descriptions);

  int count() const { return static_cast<int>(descriptions_.size()); }
  const Parameter& description(int i) const { return descriptions_[static_cast<size_t>(i)]; }
  int64_t size(int i) const { return description(i).size(); }
  int64_t offset(int i) const { return offsets_[static_cast<size_t>(i)]; }
  int64_t total() const { return total_; }  // with the gaps that alignment leaves
  float* weights(int i) const { return weights_.data() + offset(i); }
  float* gradient(int i) const { return gradients_.data() + offset(i); }
  bool trainable(int i) const { return description(i).trainable; }
  void set_trainable(int i, bool trainable) { descriptions_[static_cast<size_t>(i)].trainable = trainable; }

  // Whoever writes weights says so; whoever keeps them in another form compares versions.
  void touch() { ++version_; }
  int64_t version() const { return version_; }

 private:
  std::vector<Parameter> descriptions_;
  std::vector<int64_t> offsets_;
  int64_t total_ = 0;
  int64_t version_ = 1;
  AlignedFloats weights_, gradients_;
};

}  // namespace pycnn
