// The weights of a network and their gradients: variables of their own, and one flat buffer with each gradient on a
// cache line. That has memory, zeros at first, once somebody has asked for it: networks that only predict never do.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
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
  float* gradient(int i) const { return gradients().data() + offsets_[static_cast<size_t>(i)]; }
  const AlignedFloats& gradients() const;  // with the gaps that alignment leaves
  int64_t gradient_floats() const { return has_gradients_.load() ? floats_ : 0; }  // that have memory
  bool trainable(int i) const { return trainable_[static_cast<size_t>(i)]; }
  void set_trainable(int i, bool trainable) { trainable_[static_cast<size_t>(i)] = trainable; }

  // Grows whenever a variable is written.
  int64_t version() const;
  void touch() const;
  void touch_trainable() const;

 private:
  std::vector<std::shared_ptr<Variable>> variables_;
  std::vector<bool> trainable_;
  std::vector<int64_t> offsets_;
  int64_t floats_ = 0;  // of all gradients
  mutable std::once_flag once_;
  mutable AlignedFloats gradients_;
  mutable std::atomic<bool> has_gradients_{false};
};

}  // namespace pycnn
