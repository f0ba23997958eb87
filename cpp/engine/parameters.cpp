#include "engine/parameters.h"

namespace pycnn {

Parameters::Parameters(std::vector<std::shared_ptr<Variable>> variables) : variables_(std::move(variables)) {
  for (const auto& variable : variables_) {
    if (!variable->in_file()) variable->data();  // takes its memory here, and not in a thread of a call
    trainable_.push_back(variable->trainable());
    offsets_.push_back(floats_);
    floats_ += align_floats(variable->size());
  }
}

const AlignedFloats& Parameters::gradients() const {
  std::call_once(once_, [this] {
    gradients_ = AlignedFloats(floats_);
    has_gradients_ = true;
  });
  return gradients_;
}

int64_t Parameters::version() const {
  int64_t sum = 0;
  for (const auto& variable : variables_) sum += variable->version();
  return sum;
}

void Parameters::touch_trainable() const {
  for (int i = 0; i < count(); ++i)
    if (trainable(i)) variable(i).touch();
}

void Parameters::touch() const {
  for (const auto& variable : variables_) variable->touch();
}

}  // namespace pycnn
