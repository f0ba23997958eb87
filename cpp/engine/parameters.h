// The weights of a network and their gradients: variables of their own, and one flat buffer with each gradient on a
// cache line.
#pragma once

#include <memory>
#include <vector>

#include "graph/variable.h"

namespace pycnn {

class Parameters {
 public:
  explicit Parameters(std::vector<std::shared_ptr<Variable>> variables);

  int count() const { return static_cast<int>(variables_.size()); }
  Variable& variable(int i) const { return *variables_[static_cast<size_t>(i)]; }
  const std::shared_ptr<Variable>& shared(int i) const { return variables_[static_cast<size_t>(i)]; }
  int64_t size(int i) const { return variable(i).size(); }
  float* weights(int i) const { return variable(i).data(); }
  float* gradient(int i) const { return gradients_.data() + offsets_[static_cast<size_t>(i)]; }
  const AlignedFloats& gradients() const { return gradients_; }  // with the gaps that alignment leaves
  bool trainable(int i) const { return trainable_[static_cast<size_t>(i)]; }
  void set_trainable(int i, bool trainable) { trainable_[static_cast<size_t>(i)] = trainable; }

  // Grows whenever a variable is written.
  int64_t version() const;
  void touch() const;

 private:
  std::vector<std::shared_ptr<Variable>> variables_;
  std::vector<bool> trainable_;
  std::vector<int64_t> offsets_;
  AlignedFloats gradients_;
};

}  // namespace pycnn
