#include "engine/optimizer.h"

#include <cmath>
#include <stdexcept>

namespace pycnn {

Optimizer::Optimizer(const OptimizerSpec& spec, const Parameters& parameters) : spec_(spec) {
  std::vector<std::string> names;
  switch (spec.kind) {
    case OptimizerKind::kNone: break;
    case OptimizerKind::kSgd:
      if (spec.momentum != 0) names = {"momentum"};
      break;
    case OptimizerKind::kRmsprop:
      names = {"velocity"};
      if (spec.centered) names.emplace_back("average_gradient");
      if (spec.momentum != 0) names.emplace_back("momentum");
      break;
    case OptimizerKind::kAdam:
      names = {"momentum", "velocity"};
      if (spec.amsgrad) names.emplace_back("velocity_hat");
      break;
  }
  for (const std::string& name : names) slots_.emplace(name, parameters.total());
  const bool adam = spec.kind == OptimizerKind::kAdam;
  first_ = state(adam || spec.kind == OptimizerKind::kSgd ? "momentum" : "velocity");
  second_ = state(adam ? "velocity" : "average_gradient");
  third_ = state(adam ? "velocity_hat" : "momentum");
}

float* Optimizer::state(const char* name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : found->second.data();
}

std::vector<std::string> Optimizer::slot_names() const {
  std::vector<std::string> names;
  for (const auto& slot : slots_) names.push_back(slot.first);
  return names;
}

float* Optimizer::slot(const std::string& name) const {
  float* found = state(name.c_str());
  if (!found) throw std::invalid_argument("the optimizer has no state '" + name + "'");
  return found;
}

void Optimizer::begin_step(float learning_rate) {
  ++iterations;
  const double t = static_cast<double>(iterations);
  decay_ = learning_rate * spec_.weight_decay;
  sgd_ = {learning_rate, spec_.momentum, spec_.nesterov};
  rmsprop_ = {learning_rate, spec_.rho, spec_.momentum, spec_.epsilon, spec_.centered};
  const double step_size =
      learning_rate * std::sqrt(1.0 - std::pow(spec_.beta_2, t)) / (1.0 - std::pow(spec_.beta_1, t));
  adam_ = {learning_rate, spec_.beta_1, spec_.beta_2, spec_.epsilon, static_cast<float>(step_size), spec_.amsgrad};
}

void Optimizer::update(const KernelTable& kernels, float* w, const float* g, int64_t offset, int64_t n) const {
  const auto at = [offset](float* p) { return p ? p + offset : nullptr; };
  if (decay_ != 0)
    for (int64_t i = 0; i < n; ++i) w[i] -= decay_ * w[i];
  const OptimizerKernels& k = kernels.optimizer;
  switch (spec_.kind) {
    case OptimizerKind::kNone: return;
    case OptimizerKind::kSgd: return k.sgd(w, g, at(first_), n, sgd_);
    case OptimizerKind::kRmsprop: return k.rmsprop(w, g, at(first_), at(second_), at(third_), n, rmsprop_);
    case OptimizerKind::kAdam: return k.adam(w, g, at(first_), at(second_), at(third_), n, adam_);
  }
}

}  // namespace pycnn
