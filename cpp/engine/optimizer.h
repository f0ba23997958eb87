// An optimizer: its settings, its state of every variable, and its step on one range of one of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/optimizer_rules.h"
#include "graph/variable.h"

namespace pycnn {

// Belongs to no network: those that train the same variables share its state.
class Optimizer {
 public:
  explicit Optimizer(const OptimizerSpec& spec) : spec_(spec) {}

  const OptimizerSpec& spec() const { return spec_; }
  // New settings of the same kind; std::invalid_argument where they need other state arrays.
  void configure(const OptimizerSpec& spec);

  // The state arrays of a variable, in the order of slot_names. Not while a step runs.
  const std::vector<float*>& state(const std::shared_ptr<Variable>& variable);
  int64_t state_floats(const Variable& variable) const;  // that it has by now
  std::vector<std::string> slot_names() const { return slot_names(spec_); }
  // The same names as Keras orders the arrays of several variables: those of a group alternate.
  std::vector<std::vector<std::string>> slot_groups() const;
  // A variable without, or again with, weight decay. Not while a step runs.
  void set_decays(const std::shared_ptr<Variable>& variable, bool decays);

  int64_t iterations = 0;  // steps done

  // Before the ranges of one step: counts it and fixes what depends on the count.
  void begin_step(float learning_rate);
  // w[begin, begin + n) of a variable by its gradient g.
  void update(const KernelTable& kernels, const Variable& variable, int64_t begin, const float* g, int64_t n) const;
  // A whole step by gradients that the caller brings, one of each variable, which are all different.
  void apply(const KernelTable& kernels, const std::vector<std::shared_ptr<Variable>>& variables,
             const std::vector<const float*>& gradients, float learning_rate);

 private:
  struct State {
    std::shared_ptr<Variable> variable;  // kept alive, so that no other one gets its address
    std::vector<AlignedFloats> memory;
    std::vector<float*> arrays;
    float* slots[kMaxStateArrays] = {};  // as the kernel takes them: null where one is not kept
    bool decays = true;
  };
  static std::vector<std::string> slot_names(const OptimizerSpec& spec);
  State& state_of(const std::shared_ptr<Variable>& variable);

  OptimizerSpec spec_;
  std::map<const Variable*, State> states_;
  float decay_ = 0;  // the share of w that a step takes away beforehand
  OptimizerStep step_{};
  MomentumProduct product_;
};

}  // namespace pycnn
