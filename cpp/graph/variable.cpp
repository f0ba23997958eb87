#include "graph/variable.h"

#include <stdexcept>

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

float* Variable::data() const {
  std::call_once(once_, [this] { memory_ = AlignedFloats(size_); });
  return memory_.data();
}

}  // namespace pycnn
