// A graph with its parameters, its optimizer and the plans that run it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "engine/optimizer.h"
#include "engine/planner.h"
#include "engine/runner.h"

namespace pycnn {

struct StepResult {
  double loss;     // sum of weighted losses / samples
  double correct;  // mean of the metric
};

// One call at a time computes; other threads wait for it.
class Network {
 public:
  Network(Graph graph, int output);

  const Graph& graph() const { return graph_; }
  const Shape& input_shape() const;
  const Shape& output_shape() const { return graph_.node(output_).shape; }
  Parameters& parameters() { return parameters_; }
  const std::shared_ptr<Optimizer>& optimizer() { return optimizer_; }
  const Objective& objective() const { return objective_; }
  bool compiled() const { return compiled_; }

  // Keeps the optimizer's state where its specification stays the same.
  void compile(const Objective& objective, const OptimizerSpec& optimizer);
  void set_seed(uint64_t seed) { seed_ = seed; }

  // Where a profile is given, it gets the time of everything; the results are the same.
  StepResult train_step(const Batch& batch, float learning_rate, Profile* profile = nullptr);
  StepResult test_step(const Batch& batch);
  void predict(const Batch& batch, Profile* profile = nullptr);
  std::string plan_text(Mode mode, int64_t batch);

 private:
  Plan& plan(Mode mode, int64_t samples);
  void run(Plan& plan, const Batch& batch, uint64_t seed, bool update, Profile* profile);
  StepResult result(int64_t samples) const;
  void require_compiled() const;

  Graph graph_;
  int output_;
  Parameters parameters_;
  const KernelTable& kernels_;
  Objective objective_;
  bool compiled_ = false;
  std::shared_ptr<Optimizer> optimizer_;  // shared with whoever looks at its state
  uint64_t seed_ = 0;
  // By mode, whether samples are split, whether there is but one, and whether convolutions are direct sums only.
  std::map<std::tuple<Mode, bool, bool, bool>, std::unique_ptr<Plan>> plans_;
  Workspace workspace_;
  std::mutex mutex_;
};

}  // namespace pycnn
