// What an optimizer is: its settings, and of each kind one description of its name, its state arrays and its kernel.
// Everything else that tells optimizers apart comes from here.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.h"

namespace pycnn {

// kNone changes nothing: the steps are made by somebody else.
enum class OptimizerKind { kNone, kSgd, kAdagrad, kAdadelta, kRmsprop, kAdam, kAdamax, kNadam, kLion, kFtrl };

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::kNone;
  double momentum = 0, epsilon = 1e-7;
  double weight_decay = 0;  // decoupled (Loshchilov & Hutter 2019): w -= learning_rate * weight_decay * w comes first
  double rho = 0.9, beta_1 = 0.9, beta_2 = 0.999;
  double initial_accumulator_value = 0.1;
  double learning_rate_power = -0.5, beta = 0;
  double l1_regularization_strength = 0, l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0;
  bool nesterov = false, centered = false, amsgrad = false;

  // Sets the number or flag of that name; std::invalid_argument where there is none, or it cannot have that value.
  void set(const std::string& name, double value);
};

// A state array of every variable.
struct StateSlot {
  const char* name;
  bool (*is_optional)(const OptimizerSpec&) = nullptr;  // whether settings ask for it; null: it is always kept
  double OptimizerSpec::*initial = nullptr;             // what it begins with; null: zeros

  bool is_kept(const OptimizerSpec& spec) const { return !is_optional || is_optional(spec); }
};

constexpr int kMaxStateArrays = 3;

struct OptimizerRule {
  OptimizerKind kind;
  const char* name;
  OptimizerKernel OptimizerKernels::*kernel;
  std::vector<StateSlot> slots;  // in the order in which the kernel takes them
};

const std::vector<OptimizerRule>& optimizer_rules();
const OptimizerRule& rule_of(OptimizerKind kind);

// The product of nadam's momenta up to a step, which is kept from step to step.
struct MomentumProduct {
  int64_t step = 0;
  double value = 1;

  void advance_to(int64_t step, double beta_1);
};

// The scalars of step number `step`, from 1.
OptimizerStep step_of(const OptimizerSpec& spec, float learning_rate, int64_t step, MomentumProduct& product);

}  // namespace pycnn
