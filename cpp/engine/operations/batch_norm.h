// What the tasks of one batch normalization share: how it is fused, and the statistics that they hand to each other.
#pragma once

#include <limits>

#include "engine/planner.h"

namespace pycnn {

struct Norm {
  int64_t c, rows;  // a sample
  float momentum, epsilon;
  const float *gamma, *beta;  // null where not asked for
  float *moving_mean, *moving_variance;
  BatchNormInputs nodes;
  // What is fused after it: a sum with another node's value, then a ReLU, or a ReLU and then a max-pool.
  int other = -1;
  float lower = -std::numeric_limits<float>::infinity();
  bool has_pool = false;
  PooledMap map = {};
  int last = -1;  // the node whose value this makes

  bool bounded() const { return lower > -std::numeric_limits<float>::infinity(); }
  int64_t out_rows() const { return has_pool ? map.h / map.ph * (map.w / map.pw) : rows; }
};

// A mean and a sum of squares, or two sums, of each slot; and what they come to for the whole batch.
struct BatchStatistics {
  BatchStatistics(Planner& planner, int64_t c)
      : c(c), memory(planner.add_memory(c * (7 + 2 * kMaxSlots), MemoryKind::kValues)) {}
  int64_t c;
  float* memory;
  int64_t counts[kMaxSlots] = {};

  float* mean() const { return memory; }
  float* inv_std() const { return memory + c; }
  float* scale() const { return memory + 2 * c; }
  float* shift() const { return memory + 3 * c; }
  float* mean_dy() const { return memory + 4 * c; }
  float* mean_dy_x() const { return memory + 5 * c; }
  float* variance() const { return memory + 6 * c; }
  float* slot(int64_t s) const { return memory + (7 + 2 * s) * c; }  // two rows of c
  ScaleShift output(const Norm& n) const { return {scale(), shift(), n.lower}; }
  BatchNormGradient gradient(const Norm& n) const;

  void use_moving(const Norm& n);
  // One sample's mean and sum of squared deviations, into its slot's.
  void accumulate_sample(int64_t slot, const float* mean, const float* m2, int64_t rows);
  void finalize(const Norm& n);  // over the slots, in their order
  void move(const Norm& n);      // the moving ones towards these
  // The backward pass. One sample's sums, into its slot's; dgamma and dbeta may be null.
  void accumulate_gradient(int64_t slot, const float* sums, int64_t rows);
  void finalize_gradient(float* dgamma, float* dbeta);

 private:
  void set_scale(const Norm& n);
};

}  // namespace pycnn
