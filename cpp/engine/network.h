// A graph with its parameters and the plans that run it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "engine/optimizer.h"
#include "engine/planner.h"
#include "engine/runner.h"
#include "runtime/fork.h"

namespace pycnn {

struct StepResult {
  std::vector<double> losses;   // of each term: the sum of its weighted losses / samples
  std::vector<double> metrics;  // of each term: its mean
  double loss = 0;              // what is minimized: the sum of the losses, each times the term's weight
};

// One call at a time computes; other threads wait for it.
class Network {
 public:
  // Inputs are the graph's, in the order in which they were added.
  Network(Graph graph, std::vector<int> outputs);

  const Graph& graph() const { return graph_; }
  const std::vector<int>& inputs() const { return inputs_; }  // nodes
  const std::vector<int>& outputs() const { return outputs_; }
  // Whether outputs or, with the objective, losses and metrics need an input.
  bool needs_input(int number, bool objective) const;
  const Shape& input_shape(int number = 0) const { return graph_.shape(inputs_.at(static_cast<size_t>(number))); }
  const Shape& output_shape(int number = 0) const { return graph_.shape(outputs_.at(static_cast<size_t>(number))); }
  Parameters& parameters() { return parameters_; }
  const std::shared_ptr<Optimizer>& optimizer() { return optimizer_; }
  const Objective& objective() const { return objective_; }
  bool compiled() const { return compiled_; }

  // The optimizer's state is its own; null where steps are not made here.
  void compile(const Objective& objective, std::shared_ptr<Optimizer> optimizer);
  void set_trainable(int parameter, bool trainable);
  void set_seed(uint64_t seed) { seed_ = seed; }
  // Cuts the work as for so many threads, however many there are; 0: for those that there are.
  void plan_for(int threads) { planned_threads_ = threads; }

  // Where the batch has outputs, they are written too. Where a profile is given, it gets the time of everything; the
  // results are the same.
  StepResult train_step(const Batch& batch, float learning_rate, Profile* profile = nullptr);
  StepResult test_step(const Batch& batch);
  void predict(const Batch& batch, bool training = false, Profile* profile = nullptr);
  // A training step in two parts: in between the gradients, parameters().gradient(i), may be looked at and changed.
  StepResult compute_gradients(const Batch& batch);
  void apply_gradients(float learning_rate);

  std::string plan_text(const Request& request, int64_t batch);

 private:
  typedef std::map<std::tuple<Request, Cut, bool>, std::unique_ptr<Plan>> Plans;

  std::unique_lock<ForkMutex> exclusive();
  Plan& plan(const Request& request, int64_t samples);
  std::unique_ptr<Plan> make_plan(const Request& request, const Cut& cut, bool direct) const;
  void run(Plan& plan, const Batch& batch, uint64_t seed, Optimizer* optimizer, Profile* profile);
  StepResult result(int64_t samples) const;
  MemoryUse memory() const;
  void require_compiled() const;
  std::vector<int> ends(const Request& request) const;  // the nodes whose values are asked for
  uint64_t next_step_seed();
  void forget_plans(const std::function<bool(const Request&)>& which);

  Graph graph_;
  std::vector<int> inputs_, outputs_;
  Parameters parameters_;
  const KernelTable& kernels_;
  Objective objective_;
  bool compiled_ = false;
  std::shared_ptr<Optimizer> optimizer_;
  uint64_t seed_ = 0, calls_ = 0, predictions_ = 0;
  std::atomic<int> planned_threads_{0};
  int64_t computed_ = 0;  // compute_gradients since the last apply_gradients
  // By what is to be done, how it is cut, and whether convolutions are direct sums only.
  Plans plans_;
  Workspace workspace_;
  ForkMutex mutex_;
};

}  // namespace pycnn
