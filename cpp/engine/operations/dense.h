// What the two ways of a dense layer share: as a block task, and cut over the whole chunk.
#pragma once

#include <string>

#include "engine/planner.h"

namespace pycnn {

struct Dense {
  int64_t rows;  // a sample
  int64_t inputs, units;
  Precision precision;
  bool large;
  Activation activation;
  float lower;
  bool clamp;
  int kernel, bias;  // nodes; bias is -1 where there is none
  int last;          // the node whose value this layer makes

  double flops() const { return 2.0 * static_cast<double>(rows * inputs) * static_cast<double>(units); }
};

std::string name_of(const Planner& planner, const Dense& d, int node);
int64_t panels(const KernelTable& kernels, int64_t columns);
// The layer's weights, or their transpose, as products read them.
const float* pack(Planner& planner, const Dense& d, bool transposed);

void plan_split(Planner& planner, const Dense& d, int node, int x, int y);
void plan_split_backward(Planner& planner, const Dense& d, int node, int x, int y);

}  // namespace pycnn
