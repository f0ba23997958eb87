// The words that Python uses for the core's enumerations.
#pragma once

#include <string>

#include "bindings/arrays.h"
#include "engine/optimizer.h"
#include "engine/planner.h"
#include "graph/fields.h"

namespace pycnn::bindings {

template <class T>
struct Named {
  const char* name;
  T value;
};

// `known` is an array or vector of Named.
template <class Table>
auto find_named(const Table& known, const std::string& name, const char* what) {
  std::string list;
  for (const auto& k : known) {
    if (name == k.name) return k.value;
    list += (list.empty() ? "" : ", ") + std::string(k.name);
  }
  fail("unknown " + std::string(what) + " '" + name + "'; known: " + list);
}

// The index of a name in a table of the graph's.
template <size_t N>
int number_of(const char* const (&names)[N], const std::string& name, const char* what) {
  std::string list;
  for (size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int>(i);
    list += (list.empty() ? "" : ", ") + std::string(names[i]);
  }
  fail("unknown " + std::string(what) + " '" + name + "'; known: " + list);
}

inline ActivationKind activation_kind(const std::string& name) {
  return static_cast<ActivationKind>(number_of(kActivationNames, name, "activation"));
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
                                        {"mean_squared_error", K::kMeanSquaredError},
                                        {"value", K::kValue}};
  return find_named(kKnown, name, "loss");
}

inline MetricKind metric_kind(const std::string& name) {
  using K = MetricKind;
  static constexpr Named<K> kKnown[] = {{"sparse_categorical_accuracy", K::kSparseCategoricalAccuracy},
                                        {"categorical_accuracy", K::kCategoricalAccuracy},
                                        {"binary_accuracy", K::kBinaryAccuracy},
                                        {"value", K::kValue}};
  return find_named(kKnown, name, "metric");
}

inline OptimizerKind optimizer_kind(const std::string& name) {
  std::vector<Named<OptimizerKind>> known;
  for (const OptimizerRule& rule : optimizer_rules()) known.push_back({rule.name, rule.kind});
  return find_named(known, name, "optimizer");
}

}  // namespace pycnn::bindings
