// A weight: float32 memory of fixed shape that any number of networks read, and one at a time trains.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "graph/shape.h"
#include "runtime/memory.h"

namespace pycnn {

class Variable {
 public:
  Variable(std::string name, std::vector<int64_t> dims, bool trainable = true);

  const std::string& name() const { return name_; }  // kernel, bias, gamma, ...
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t size() const { return size_; }
  bool trainable() const { return trainable_; }  // whether the optimizer may change it, unless a network says otherwise
  float* data() const;                           // zeros at first; memory is taken at the first call

  // Whoever writes the values says so; whoever keeps them in another form compares versions.
  void touch() { version_.fetch_add(1, std::memory_order_release); }
  int64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  std::string name_;
  std::vector<int64_t> dims_;
  int64_t size_;
  bool trainable_;
  mutable std::once_flag once_;
  mutable AlignedFloats memory_;
  std::atomic<int64_t> version_{1};
};

}  // namespace pycnn
