#include "graph/variable.h"

#include <mutex>
#include <stdexcept>
#include <utility>

namespace pycnn {

constexpr int64_t kMaxWeights = int64_t{1} << 40;

static int64_t checked_size(const std::string& name, const std::vector<int64_t>& dims) {
  int64_t size = 1;
  for (int64_t d : dims) {
    if (d < 1)
      throw std::invalid_argument(name + ": every dimension must be at least 1, but the shape is " + text_of(dims));
    if (d > kMaxWeights / size) throw std::invalid_argument(name + ": its weights are too large: " + text_of(dims));
    size *= d;
  }
  return size;
}

Variable::Variable(std::string name, std::vector<int64_t> dims, bool trainable)
    : name_(std::move(name)), dims_(std::move(dims)), size_(checked_size(name_, dims_)), trainable_(trainable) {}

static int64_t bytes_of(int64_t floats) { return floats * static_cast<int64_t>(sizeof(float)); }

float* Variable::in_memory(bool from_file) const {
  if (in_memory_.load(std::memory_order_acquire)) return memory_.data();
  const std::lock_guard<ForkMutex> lock(mutex_);
  if (!in_memory_.load()) {
    AlignedFloats memory(size_);
    if (file_ && from_file) file_->read(memory.data(), bytes_of(size_), offset_);
    memory_ = std::move(memory);
    in_memory_.store(true, std::memory_order_release);
  }
  return memory_.data();
}

void Variable::leave_in(std::shared_ptr<const File> file, int64_t offset) {
  if (in_memory_.load() || file_) throw std::invalid_argument(name_ + " has values already");
  if (offset < 0 || offset > file->size() || bytes_of(size_) > file->size() - offset)
    throw std::invalid_argument(name_ + ": its " + std::to_string(bytes_of(size_)) + " bytes from byte " +
                                std::to_string(offset) + " on are not all in '" + file->name() + "', which has " +
                                std::to_string(file->size()));
  file_ = std::move(file);
  offset_ = offset;
}

const float* Variable::read(float* scratch) const {
  if (!in_file()) return data();
  file_->read(scratch, bytes_of(size_), offset_);
  return scratch;
}

}  // namespace pycnn
