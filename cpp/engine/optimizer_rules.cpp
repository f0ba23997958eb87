#include "engine/optimizer_rules.h"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace pycnn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Number {
  const char* name;
  double OptimizerSpec::*member;
  double low, high;
};
constexpr Number kNumbers[] = {
    {"momentum", &OptimizerSpec::momentum, 0, 1},
    {"epsilon", &OptimizerSpec::epsilon, 0, kInfinity},
    {"weight_decay", &OptimizerSpec::weight_decay, 0, kInfinity},
    {"rho", &OptimizerSpec::rho, 0, 1},
    {"beta_1", &OptimizerSpec::beta_1, 0, 1},
    {"beta_2", &OptimizerSpec::beta_2, 0, 1},
    {"initial_accumulator_value", &OptimizerSpec::initial_accumulator_value, 0, kInfinity},
    {"learning_rate_power", &OptimizerSpec::learning_rate_power, -kInfinity, 0},
    {"beta", &OptimizerSpec::beta, -kInfinity, kInfinity},
    {"l1_regularization_strength", &OptimizerSpec::l1_regularization_strength, 0, kInfinity},
    {"l2_regularization_strength", &OptimizerSpec::l2_regularization_strength, 0, kInfinity},
    {"l2_shrinkage_regularization_strength", &OptimizerSpec::l2_shrinkage_regularization_strength, 0, kInfinity},
};

struct Flag {
  const char* name;
  bool OptimizerSpec::*member;
};
constexpr Flag kFlags[] = {{"nesterov", &OptimizerSpec::nesterov},
                           {"centered", &OptimizerSpec::centered},
                           {"amsgrad", &OptimizerSpec::amsgrad}};

bool has_momentum(const OptimizerSpec& spec) { return spec.momentum != 0; }
bool is_centered(const OptimizerSpec& spec) { return spec.centered; }
bool is_amsgrad(const OptimizerSpec& spec) { return spec.amsgrad; }

// Dozat 2016: the momentum of a step grows to beta_1.
double nadam_momentum(double beta_1, int64_t step) {
  return beta_1 * (1.0 - 0.5 * std::pow(0.96, static_cast<double>(step)));
}

}  // namespace

void OptimizerSpec::set(const std::string& name, double value) {
  for (const Flag& flag : kFlags)
    if (name == flag.name) {
      this->*flag.member = value != 0;
      return;
    }
  for (const Number& number : kNumbers)
    if (name == number.name) {
      if (!(value >= number.low && value <= number.high && std::isfinite(value)))
        throw std::invalid_argument(name + " cannot be " + std::to_string(value));
      // All but Lion divide by 1 - beta^t.
      const bool is_beta = number.member == &OptimizerSpec::beta_1 || number.member == &OptimizerSpec::beta_2;
      if (is_beta && value == 1 && kind != OptimizerKind::kLion)
        throw std::invalid_argument(name + " cannot be 1; expected a number below");
      this->*number.member = value;
      return;
    }
  throw std::invalid_argument("unknown optimizer option '" + name + "'");
}

const std::vector<OptimizerRule>& optimizer_rules() {
  using Kind = OptimizerKind;
  using Kernels = OptimizerKernels;
  static const std::vector<OptimizerRule> kRules = {
      {Kind::kNone, "none", nullptr, {}},
      {Kind::kSgd, "sgd", &Kernels::gradient_descent, {{"momentum", has_momentum}}},
      {Kind::kAdagrad,
       "adagrad",
       &Kernels::adagrad,
       {{"accumulator", nullptr, &OptimizerSpec::initial_accumulator_value}}},
      {Kind::kAdadelta, "adadelta", &Kernels::adadelta, {{"accumulated_grad"}, {"accumulated_delta_var"}}},
      {Kind::kRmsprop,
       "rmsprop",
       &Kernels::rmsprop,
       {{"velocity"}, {"momentum", has_momentum}, {"average_gradient", is_centered}}},
      {Kind::kAdam, "adam", &Kernels::adam, {{"momentum"}, {"velocity"}, {"velocity_hat", is_amsgrad}}},
      {Kind::kAdamax, "adamax", &Kernels::adamax, {{"momentum"}, {"norm"}}},
      {Kind::kNadam, "nadam", &Kernels::nadam, {{"momentum"}, {"velocity"}}},
      {Kind::kLion, "lion", &Kernels::lion, {{"momentum"}}},
      {Kind::kFtrl,
       "ftrl",
       &Kernels::ftrl,
       {{"accumulator", nullptr, &OptimizerSpec::initial_accumulator_value}, {"linear"}}},
  };
  return kRules;
}

const OptimizerRule& rule_of(OptimizerKind kind) {
  for (const OptimizerRule& rule : optimizer_rules())
    if (rule.kind == kind) return rule;
  throw std::invalid_argument("no such kind of optimizer");
}

void MomentumProduct::advance_to(int64_t to, double beta_1) {
  if (step > to) *this = {};
  // Once it is zero it stays so.
  for (; step < to && value > 0; ++step) value *= nadam_momentum(beta_1, step + 1);
  step = to;
}

OptimizerStep step_of(const OptimizerSpec& spec, float learning_rate, int64_t step, MomentumProduct& product) {
  const double t = static_cast<double>(step);
  OptimizerStep s;
  s.learning_rate = learning_rate;
  s.momentum = static_cast<float>(spec.momentum);
  s.epsilon = static_cast<float>(spec.epsilon);
  s.rho = spec.rho;
  s.beta_1 = spec.beta_1;
  s.beta_2 = spec.beta_2;
  s.nesterov = spec.nesterov;
  s.amsgrad = spec.amsgrad;
  const double corrected = learning_rate / (1.0 - std::pow(spec.beta_1, t)), rest = 1.0 - std::pow(spec.beta_2, t);
  switch (spec.kind) {
    case OptimizerKind::kAdam: s.step_size = static_cast<float>(corrected * std::sqrt(rest)); break;
    case OptimizerKind::kAdamax: s.step_size = static_cast<float>(corrected); break;
    case OptimizerKind::kNadam: {
      const double now = nadam_momentum(spec.beta_1, step), next = nadam_momentum(spec.beta_1, step + 1);
      product.advance_to(step, spec.beta_1);
      s.mean_share = static_cast<float>(next / (1.0 - product.value * next));
      s.gradient_share = static_cast<float>((1.0 - now) / (1.0 - product.value));
      s.square_scale = static_cast<float>(1.0 / rest);
      break;
    }
    case OptimizerKind::kFtrl:
      s.power = static_cast<float>(-spec.learning_rate_power);
      s.l1 = static_cast<float>(spec.l1_regularization_strength);
      s.l2 = static_cast<float>(spec.l2_regularization_strength + spec.beta / (2.0 * learning_rate));
      s.l2_shrinkage = static_cast<float>(spec.l2_shrinkage_regularization_strength);
      break;
    default: break;
  }
  return s;
}

}  // namespace pycnn
