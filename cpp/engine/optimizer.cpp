#include "engine/optimizer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/program.h"
#include "runtime/team.h"
#include "runtime/threads.h"

namespace pycnn {

// In the order in which the kernels take them.
std::vector<std::string> Optimizer::slot_names(const OptimizerSpec& spec) {
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
  return names;
}

void Optimizer::configure(const OptimizerSpec& spec) {
  if (spec.kind != spec_.kind || slot_names(spec) != slot_names(spec_)) {
    if (iterations > 0 || !states_.empty())
      throw std::invalid_argument("an optimizer that has begun cannot change what it remembers; make a new one");
  }
  spec_ = spec;
}

const std::vector<float*>& Optimizer::state(const std::shared_ptr<Variable>& variable) {
  State& state = states_[variable.get()];
  if (!state.variable) {
    state.variable = variable;
    for (size_t i = 0; i < slot_names().size(); ++i) {
      state.memory.emplace_back(variable->size());
      state.arrays.push_back(state.memory.back().data());
    }
  }
  return state.arrays;
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

void Optimizer::update(const KernelTable& kernels, const Variable& variable, int64_t begin, const float* g,
                       int64_t n) const {
  const std::vector<float*>& arrays = states_.at(&variable).arrays;
  float* w = variable.data() + begin;
  size_t next = 0;
  const auto take = [&](bool wanted) { return wanted ? arrays[next++] + begin : nullptr; };
  if (decay_ != 0)
    for (int64_t i = 0; i < n; ++i) w[i] -= decay_ * w[i];
  const OptimizerKernels& k = kernels.optimizer;
  switch (spec_.kind) {
    case OptimizerKind::kNone: return;
    case OptimizerKind::kSgd: return k.sgd(w, g, take(spec_.momentum != 0), n, sgd_);
    case OptimizerKind::kRmsprop: {
      float *velocity = take(true), *average = take(spec_.centered), *momentum = take(spec_.momentum != 0);
      return k.rmsprop(w, g, velocity, average, momentum, n, rmsprop_);
    }
    case OptimizerKind::kAdam: {
      float *momentum = take(true), *velocity = take(true), *largest = take(spec_.amsgrad);
      return k.adam(w, g, momentum, velocity, largest, n, adam_);
    }
  }
}

void Optimizer::apply(const KernelTable& kernels, const std::vector<std::shared_ptr<Variable>>& variables,
                      const std::vector<const float*>& gradients, float learning_rate) {
  struct Range {
    const Variable* variable;
    const float* gradient;
    int64_t begin, size;
  };
  std::vector<Range> ranges;
  for (size_t i = 0; i < variables.size(); ++i) {
    state(variables[i]);
    const int64_t size = variables[i]->size();
    for (int64_t begin = 0; begin < size; begin += kUpdateRange)
      ranges.push_back({variables[i].get(), gradients[i], begin, std::min(kUpdateRange, size - begin)});
  }
  begin_step(learning_rate);
  const auto count = static_cast<int64_t>(ranges.size());
  WorkQueue queue;
  parallel(static_cast<int>(std::min<int64_t>(num_threads(), count)), Wake::kIfFrequent, [&](const Team& team) {
    queue.share_last(team, count, [&](int64_t i) {
      const Range& r = ranges[static_cast<size_t>(i)];
      update(kernels, *r.variable, r.begin, r.gradient + r.begin, r.size);
    });
  });
  for (const auto& variable : variables) variable->touch();
}

}  // namespace pycnn
