#include "engine/network.h"

#include <algorithm>
#include <stdexcept>

#include "runtime/dispatch.h"
#include "runtime/exact.h"
#include "runtime/threads.h"

namespace pycnn {

Network::Network(Graph graph, int output)
    : graph_(std::move(graph)), output_(output), parameters_(graph_.parameters()), kernels_(active_kernels()) {
  if (output < 0 || output >= static_cast<int>(graph_.nodes().size()))
    throw std::invalid_argument("output: there is no node " + std::to_string(output));
  int inputs = 0;
  for (const Node& node : graph_.nodes()) inputs += std::holds_alternative<InputNode>(node.attributes);
  if (inputs != 1)
    throw std::invalid_argument("a network needs one input, but the graph has " + std::to_string(inputs));
  optimizer_ = std::make_shared<Optimizer>(OptimizerSpec{}, parameters_);
}

const Shape& Network::input_shape() const {
  for (const Node& node : graph_.nodes())
    if (std::holds_alternative<InputNode>(node.attributes)) return node.shape;
  throw std::logic_error("a network without input");
}

void Network::compile(const Objective& objective, const OptimizerSpec& optimizer) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Shape& y = output_shape();
  if (objective.loss == LossKind::kSparseCategoricalCrossentropy && y.c() < 2)
    throw std::invalid_argument(
        "sparse_categorical_crossentropy needs at least two classes, but the output has shape " + y.text());
  objective_ = objective;
  if (!(optimizer_->spec() == optimizer)) optimizer_ = std::make_shared<Optimizer>(optimizer, parameters_);
  for (auto it = plans_.begin(); it != plans_.end();)
    it = std::get<0>(it->first) == Mode::kPredict ? std::next(it) : plans_.erase(it);
  compiled_ = true;
}

void Network::require_compiled() const {
  if (!compiled_) throw std::invalid_argument("the network has no loss yet: call compile first");
}

Plan& Network::plan(Mode mode, int64_t samples) {
  // A batch smaller than the team is cut inside its samples. Both cuts give the same bits: algorithms depend on the
  // batch only, not on the team.
  const bool single = mode == Mode::kPredict && samples == 1;
  const bool split = mode == Mode::kPredict && (single || samples < num_threads());
  const bool direct = exact();
  std::unique_ptr<Plan>& plan = plans_[{mode, split, single, direct}];
  if (!plan) {
    plan = std::make_unique<Plan>();
    plan->kernels = &kernels_;
    plan->program.split_samples = split;
    plan->program.single_sample = single;
    Planner planner(graph_, output_, parameters_, kernels_, mode, objective_, direct, plan->program);
    planner.plan();
    plan->gradients = std::move(planner.gradients);
    plan->cut_updates(parameters_);
  }
  Program& program = plan->program;
  const int64_t wanted = program.whole_batch || split ? samples : std::min(samples, kChunkSamples);
  if (program.capacity() < wanted) program.finish(wanted);
  return *plan;
}

StepResult Network::result(int64_t samples) const {
  double loss = 0, correct = 0;
  for (int64_t i = 0; i < samples; ++i) {
    loss += static_cast<double>(workspace_.loss[static_cast<size_t>(i)]);
    correct += static_cast<double>(workspace_.correct[static_cast<size_t>(i)]);
  }
  const double n = static_cast<double>(std::max<int64_t>(samples, 1));
  return {loss / n, correct / n};
}

void Network::run(Plan& plan, const Batch& batch, uint64_t seed, bool update, Profile* profile) {
  Runner runner(plan, parameters_, workspace_);
  if (!profile) return runner.run(batch, seed, update, optimizer_.get());
  Timers timers;
  runner.run(batch, seed, update, optimizer_.get(), &timers);
  *profile = describe(timers, plan, graph_, parameters_, batch, update ? optimizer_.get() : nullptr);
}

StepResult Network::train_step(const Batch& batch, float learning_rate, Profile* profile) {
  std::lock_guard<std::mutex> lock(mutex_);
  require_compiled();
  if (batch.samples == 0) throw std::invalid_argument("a training step needs at least one sample");
  Plan& p = plan(Mode::kTrain, batch.samples);
  optimizer_->begin_step(learning_rate);
  const uint64_t step_seed = seed_ * 0xd1342543de82ef95u + static_cast<uint64_t>(optimizer_->iterations);
  run(p, batch, step_seed, true, profile);
  return result(batch.samples);
}

StepResult Network::test_step(const Batch& batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  require_compiled();
  if (batch.samples == 0) return {0, 0};
  run(plan(Mode::kTest, batch.samples), batch, 0, false, nullptr);
  return result(batch.samples);
}

void Network::predict(const Batch& batch, Profile* profile) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (batch.samples == 0) return;
  run(plan(Mode::kPredict, batch.samples), batch, 0, false, profile);
}

std::string Network::plan_text(Mode mode, int64_t batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (mode != Mode::kPredict) require_compiled();
  return plan(mode, std::max<int64_t>(batch, 1)).program.text();
}

}  // namespace pycnn
