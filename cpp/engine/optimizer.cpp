#include "engine/optimizer.h"

#include <algorithm>
#include <stdexcept>

#include "engine/program.h"
#include "runtime/team.h"
#include "runtime/threads.h"

namespace pycnn {

std::vector<std::string> Optimizer::slot_names(const OptimizerSpec& spec) {
  std::vector<std::string> names;
  for (const StateSlot& slot : rule_of(spec.kind).slots)
    if (slot.is_kept(spec)) names.emplace_back(slot.name);
  return names;
}

std::vector<std::vector<std::string>> Optimizer::slot_groups() const {
  std::vector<std::vector<std::string>> groups;
  for (const StateSlot& slot : rule_of(spec_.kind).slots) {
    if (!slot.is_kept(spec_)) continue;
    if (groups.empty() || slot.is_optional) groups.emplace_back();
    groups.back().emplace_back(slot.name);
  }
  return groups;
}

void Optimizer::configure(const OptimizerSpec& spec) {
  if (spec.kind != spec_.kind || slot_names(spec) != slot_names(spec_)) {
    if (iterations > 0 || !states_.empty())
      throw std::invalid_argument("an optimizer that has begun cannot change what it remembers; make a new one");
  }
  spec_ = spec;
}

Optimizer::State& Optimizer::state_of(const std::shared_ptr<Variable>& variable) {
  State& known = states_[variable.get()];
  if (known.variable) return known;
  variable->data();  // takes its memory here, and not in a thread of a step
  State state;       // which is known once all its memory has been found
  state.variable = variable;
  const std::vector<StateSlot>& slots = rule_of(spec_.kind).slots;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].is_kept(spec_)) continue;
    AlignedFloats& array = state.memory.emplace_back(variable->size());
    if (slots[i].initial)
      std::fill(array.data(), array.data() + variable->size(), static_cast<float>(spec_.*slots[i].initial));
    state.arrays.push_back(array.data());
    state.slots[i] = array.data();
  }
  return known = std::move(state);
}

const std::vector<float*>& Optimizer::state(const std::shared_ptr<Variable>& variable) {
  return state_of(variable).arrays;
}

int64_t Optimizer::state_floats(const Variable& variable) const {
  const auto found = states_.find(&variable);
  return found == states_.end() ? 0 : static_cast<int64_t>(found->second.arrays.size()) * variable.size();
}

void Optimizer::set_decays(const std::shared_ptr<Variable>& variable, bool decays) {
  state_of(variable).decays = decays;
}

void Optimizer::begin_step(float learning_rate) {
  ++iterations;
  decay_ = static_cast<float>(learning_rate * spec_.weight_decay);
  step_ = step_of(spec_, learning_rate, iterations, product_);
}

void Optimizer::update(const KernelTable& kernels, const Variable& variable, int64_t begin, const float* g,
                       int64_t n) const {
  const auto kernel = rule_of(spec_.kind).kernel;
  if (!kernel) return;
  const State& state = states_.at(&variable);
  float* w = variable.data() + begin;
  if (decay_ != 0 && state.decays)
    for (int64_t i = 0; i < n; ++i) w[i] -= decay_ * w[i];
  float* arrays[kMaxStateArrays];
  for (int i = 0; i < kMaxStateArrays; ++i) arrays[i] = state.slots[i] ? state.slots[i] + begin : nullptr;
  (kernels.optimizer.*kernel)(w, g, arrays, n, step_);
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
