// A weight: float32 memory of fixed shape that any number of networks read, and one at a time trains. What networks
// only bring into another form can stay in a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/shape.h"
#include "runtime/file.h"
#include "runtime/fork.h"
#include "runtime/memory.h"

namespace pycnn {

class Variable {
 public:
  Variable(std::string name, std::vector<int64_t> dims, bool trainable = true);

  const std::string& name() const { return name_; }  // kernel, bias, gamma, ...
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t size() const { return size_; }
  bool trainable() const { return trainable_; }  // whether the optimizer may change it, unless a network says otherwise

  // The values: zeros at first, or what a file holds. Memory is taken at the first call; FileError where they cannot be
  // read.
  float* data() const { return in_memory(true); }
  // The same for who writes all of the values: what a file holds is not read.
  float* data_to_overwrite() const { return in_memory(false); }
  // Leaves the values, float32, in a file until somebody asks for data(); before anybody has. std::invalid_argument
  // where the file ends before them.
  void leave_in(std::shared_ptr<const File> file, int64_t offset);
  bool in_file() const { return file_ && !in_memory_.load(std::memory_order_acquire); }
  // The values for who needs them once: data() where they are in memory; otherwise what is read into `scratch`, of
  // size().
  const float* read(float* scratch) const;

  // Whoever writes the values says so; whoever keeps them in another form compares versions.
  void touch() { version_.fetch_add(1, std::memory_order_release); }
  int64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  float* in_memory(bool from_file) const;

  std::string name_;
  std::vector<int64_t> dims_;
  int64_t size_;
  bool trainable_;
  std::shared_ptr<const File> file_;  // may be null
  int64_t offset_ = 0;
  mutable ForkMutex mutex_;
  mutable AlignedFloats memory_;
  mutable std::atomic<bool> in_memory_{false};
  std::atomic<int64_t> version_{1};
};

}  // namespace pycnn
