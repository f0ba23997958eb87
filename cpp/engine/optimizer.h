// An optimizer: its settings, its state of every variable, and its step on one range of one of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/variable.h"
#include "kernels/table.h"

namespace pycnn {

enum class OptimizerKind { kNone, kSgd, kRmsprop, kAdam };

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::kNone;
  float momentum = 0, epsilon = 1e-7f;
  float weight_decay = 0;  // decoupled (Loshchilov & Hutter 2019): w -= learning_rate * weight_decay * w comes first
  double rho = 0.9, beta_1 = 0.9, beta_2 = 0.999;
  bool nesterov = false, centered = false, amsgrad = false;

  bool operator==(const OptimizerSpec& o) const {
    return kind == o.kind && momentum == o.momentum && rho == o.rho && epsilon == o.epsilon && beta_1 == o.beta_1 &&
           beta_2 == o.beta_2 && weight_decay == o.weight_decay && nesterov == o.nesterov && centered == o.centered &&
           amsgrad == o.amsgrad;
  }
};

// Belongs to no network: those that train the same variables share its state.
class Optimizer {
 public:
  explicit Optimizer(const OptimizerSpec& spec) : spec_(spec) {}

  const OptimizerSpec& spec() const { return spec_; }
  // New settings of the same kind; std::invalid_argument where they need other state arrays.
  void configure(const OptimizerSpec& spec);

  // The state arrays of a variable, in the order of slot_names; zeros at first. Not while a step runs.
  const std::vector<float*>& state(const std::shared_ptr<Variable>& variable);
  std::vector<std::string> slot_names() const { return slot_names(spec_); }

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
  };
  static std::vector<std::string> slot_names(const OptimizerSpec& spec);

  OptimizerSpec spec_;
  std::map<const Variable*, State> states_;
  float decay_ = 0;  // the share of w that a step takes away beforehand
  SgdStep sgd_{};
  RmspropStep rmsprop_{};
  AdamStep adam_{};
};

}  // namespace pycnn
