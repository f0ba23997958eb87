// An optimizer's state and its step on one range of one parameter.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/parameters.h"
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

class Optimizer {
 public:
  Optimizer(const OptimizerSpec& spec, const Parameters& parameters);

  const OptimizerSpec& spec() const { return spec_; }
  std::vector<std::string> slot_names() const;
  float* slot(const std::string& name) const;  // laid out like the parameters; throws std::invalid_argument

  int64_t iterations = 0;  // steps done

  // Before the ranges of one step: counts it and fixes what depends on the count.
  void begin_step(float learning_rate);
  // w[offset, offset + n) by its gradient g; offsets are those of the flat parameters.
  void update(const KernelTable& kernels, float* w, const float* g, int64_t offset, int64_t n) const;

 private:
  float* state(const char* name) const;

  OptimizerSpec spec_;
  std::map<std::string, AlignedFloats> slots_;
  float *first_ = nullptr, *second_ = nullptr, *third_ = nullptr;
  float decay_ = 0;  // the share of w that a step takes away beforehand
  SgdStep sgd_{};
  RmspropStep rmsprop_{};
  AdamStep adam_{};
};

}  // namespace pycnn
