// What a step is for: losses and metrics on values of the graph.
#pragma once

#include <vector>

namespace pycnn {

enum class LossKind {
  kSparseCategoricalCrossentropy,
  kCategoricalCrossentropy,
  kBinaryCrossentropy,
  kMeanSquaredError,
  kValue,  // the node's values are losses themselves
};
enum class MetricKind {
  kSparseCategoricalAccuracy,
  kCategoricalAccuracy,
  kBinaryAccuracy,
  kValue,  // the mean of the node's values
};

struct LossTerm {
  int node = -1;
  LossKind kind = LossKind::kMeanSquaredError;
  bool from_logits = false;
  float weight = 1;  // of the mean over all values, in the sum that is minimized
  int target = 0;    // of Batch::targets and Batch::weights; -1 for a value that has none
};
struct MetricTerm {
  int node = -1;
  MetricKind kind = MetricKind::kValue;
  float threshold = 0.5f;  // of binary accuracy
  int target = 0;
};
struct Objective {
  std::vector<LossTerm> losses;
  std::vector<MetricTerm> metrics;
};

}  // namespace pycnn
