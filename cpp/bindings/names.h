// The words that Python uses for the core's enumerations.
#pragma once

#include <string>

#include "bindings/arrays.h"
#include "engine/optimizer.h"
#include "engine/planner.h"

namespace pycnn::bindings {

template <class T>
struct Named {
  const char* name;
  T value;
};

template <class T, size_t N>
T find_named(const Named<T> (&known)[N], const std::string& name, const char* what) {
  std::string list;
  for (const auto& k : known) {
    if (name == k.name) return k.value;
    list += (list.empty() ? "" : ", ") + std::string(k.name);
  }
  fail("unknown " + std::string(what) + " '" + name + "'; known: " + list);
}

inline ActivationKind activation_kind(const std::string& name) {
  using K = ActivationKind;
  static constexpr Named<K> kKnown[] = {{"linear", K::kLinear},
                                        {"relu", K::kRelu},
                                        {"leaky_relu", K::kLeakyRelu},
                                        {"elu", K::kElu},
                                        {"selu", K::kSelu},
                                        {"gelu", K::kGelu},
                                        {"gelu_tanh", K::kGeluTanh},
                                        {"silu", K::kSilu},
                                        {"sigmoid", K::kSigmoid},
                                        {"tanh", K::kTanh},
                                        {"softplus", K::kSoftplus},
                                        {"softsign", K::kSoftsign},
                                        {"hard_sigmoid", K::kHardSigmoid},
                                        {"hard_silu", K::kHardSilu},
                                        {"mish", K::kMish},
                                        {"exponential", K::kExponential}};
  return find_named(kKnown, name, "activation");
}

inline Precision precision_of(const std::string& name) {
  static constexpr Named<Precision> kKnown[] = {{"float32", Precision::kFloat32}, {"bfloat16", Precision::kBfloat16}};
  return find_named(kKnown, name, "precision");
}

inline PadMode pad_mode(const std::string& name) {
  static constexpr Named<PadMode> kKnown[] = {
      {"constant", PadMode::kConstant}, {"reflect", PadMode::kReflect}, {"edge", PadMode::kEdge}};
  return find_named(kKnown, name, "padding mode");
}

inline LossKind loss_kind(const std::string& name) {
  using K = LossKind;
  static constexpr Named<K> kKnown[] = {{"sparse_categorical_crossentropy", K::kSparseCategoricalCrossentropy},
                                        {"categorical_crossentropy", K::kCategoricalCrossentropy},
                                        {"binary_crossentropy", K::kBinaryCrossentropy},
                                        {"mean_squared_error", K::kMeanSquaredError}};
  return find_named(kKnown, name, "loss");
}

inline MetricKind metric_kind(const std::string& name) {
  using K = MetricKind;
  static constexpr Named<K> kKnown[] = {{"none", K::kNone},
                                        {"sparse_categorical_accuracy", K::kSparseCategoricalAccuracy},
                                        {"categorical_accuracy", K::kCategoricalAccuracy},
                                        {"binary_accuracy", K::kBinaryAccuracy}};
  return find_named(kKnown, name, "metric");
}

inline OptimizerKind optimizer_kind(const std::string& name) {
  using K = OptimizerKind;
  static constexpr Named<K> kKnown[] = {
      {"none", K::kNone}, {"sgd", K::kSgd}, {"rmsprop", K::kRmsprop}, {"adam", K::kAdam}};
  return find_named(kKnown, name, "optimizer");
}

}  // namespace pycnn::bindings
