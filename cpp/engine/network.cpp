#include "engine/network.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "passes/passes.h"
#include "runtime/dispatch.h"
#include "runtime/exact.h"
#include "runtime/threads.h"

namespace pycnn {
namespace {

std::vector<int> inputs_of(const Graph& graph) {
  std::vector<int> inputs;
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i)
    if (graph.as<InputNode>(i)) inputs.push_back(i);
  return inputs;
}

// A term compares predictions of every sample with a target; all that read one target expect the same of it.
class TargetChecks {
 public:
  explicit TargetChecks(const Graph& graph) : graph_(graph) {}

  void check(int node, int target, bool sparse) {
    const Node& n = graph_.node(node);
    if (!n.batched)
      throw std::invalid_argument("a loss or metric needs predictions of every sample, but " + n.name +
                                  " has no batch axis");
    if (target < 0)
      throw std::invalid_argument("objective: " + n.name + " needs a target, not " + std::to_string(target));
    const auto [known, is_new] = known_.insert({target, {n.shape.dims, sparse}});
    if (!is_new && known->second != Expected{n.shape.dims, sparse})
      throw std::invalid_argument("objective: target " + std::to_string(target) + " is " + text(known->second) +
                                  " for one term and " + text({n.shape.dims, sparse}) + " for another");
  }

 private:
  using Expected = std::pair<std::vector<int64_t>, bool>;
  static std::string text(const Expected& e) {
    return std::string(e.second ? "class numbers" : "values") + " for predictions of shape " + text_of(e.first);
  }

  const Graph& graph_;
  std::map<int, Expected> known_;
};

}  // namespace

Network::Network(Graph graph, std::vector<int> outputs)
    : graph_(std::move(graph)), inputs_(inputs_of(graph_)), outputs_(std::move(outputs)),
      parameters_(graph_.variables()), kernels_(active_kernels()) {
  for (int output : outputs_)
    if (output < 0 || output >= static_cast<int>(graph_.nodes().size()))
      throw std::invalid_argument("output: there is no node " + std::to_string(output));
  if (inputs_.empty()) throw std::invalid_argument("a network needs an input, but the graph has none");
}

std::vector<int> Network::ends(const Request& request) const {
  std::vector<int> ends;
  if (request.outputs) ends = outputs_;
  if (!request.objective) return ends;
  for (const LossTerm& term : objective_.losses) ends.push_back(term.node);
  for (const MetricTerm& term : objective_.metrics) ends.push_back(term.node);
  return ends;
}

bool Network::needs_input(int number, bool objective) const {
  Request request;
  request.objective = objective;
  return needed_for(graph_, ends(request))[static_cast<size_t>(inputs_.at(static_cast<size_t>(number)))];
}

// What the thread of a parent was at work on is left as it is, not freed: it may be in any state.
std::unique_lock<ForkMutex> Network::exclusive() {
  std::unique_lock<ForkMutex> lock(mutex_);
  if (mutex_.interrupted()) {
    new (&plans_) Plans;
    new (&workspace_) Workspace;
  }
  return lock;
}

void Network::forget_plans(const std::function<bool(const Request&)>& which) {
  for (auto it = plans_.begin(); it != plans_.end();)
    it = which(std::get<0>(it->first)) ? plans_.erase(it) : std::next(it);
}

void Network::compile(const Objective& objective, std::shared_ptr<Optimizer> optimizer) {
  const auto lock = exclusive();
  const auto check = [&](int node) {
    if (node < 0 || node >= static_cast<int>(graph_.nodes().size()))
      throw std::invalid_argument("objective: there is no node " + std::to_string(node));
  };
  TargetChecks targets(graph_);
  for (const MetricTerm& term : objective.metrics) {
    check(term.node);
    if (term.kind != MetricKind::kValue)
      targets.check(term.node, term.target, term.kind == MetricKind::kSparseCategoricalAccuracy);
  }
  for (const LossTerm& term : objective.losses) {
    check(term.node);
    const Shape& y = graph_.shape(term.node);
    if (term.kind == LossKind::kSparseCategoricalCrossentropy && y.c() < 2)
      throw std::invalid_argument(
          "sparse_categorical_crossentropy needs at least two classes, but the output has shape " + y.text());
    if (term.kind != LossKind::kValue)
      targets.check(term.node, term.target, term.kind == LossKind::kSparseCategoricalCrossentropy);
  }
  objective_ = objective;
  optimizer_ = std::move(optimizer);
  forget_plans([](const Request& r) { return r.objective; });
  compiled_ = true;
}

void Network::set_trainable(int parameter, bool trainable) {
  const auto lock = exclusive();
  if (parameters_.trainable(parameter) == trainable) return;
  parameters_.set_trainable(parameter, trainable);
  forget_plans([](const Request& r) { return r.gradients; });
}

void Network::require_compiled() const {
  if (!compiled_) throw std::invalid_argument("the network has no loss yet: call compile first");
}

std::unique_ptr<Plan> Network::make_plan(const Request& request, const Cut& cut, bool direct) const {
  auto plan = std::make_unique<Plan>();
  plan->kernels = &kernels_;
  plan->program.cut = cut;
  plan->has_gradients = request.gradients;
  plan->graph = graph_;
  merge_padding(plan->graph, ends(request));
  simplify(plan->graph, ends(request));
  fuse_expressions(plan->graph, ends(request));
  Planner planner(plan->graph, outputs_, parameters_, kernels_, request, objective_, direct, plan->program);
  planner.plan();
  plan->gradients = std::move(planner.gradients);
  plan->cut_updates(parameters_);
  return plan;
}

Plan& Network::plan(const Request& request, int64_t samples) {
  // A batch smaller than the team is cut inside its samples. All cuts give the same bits: algorithms depend on the
  // batch only, not on the team.
  const int planned = planned_threads_, threads = planned > 0 ? planned : num_threads();
  const bool plain = !request.training && !request.objective;
  Cut cut;
  cut.single_sample = plain && samples == 1;
  cut.splits_samples = plain && (cut.single_sample || samples < threads);
  cut.large_tasks = !plain && threads > kFewSlots;
  const bool direct = exact();
  if (request.gradients) parameters_.gradients();  // memory is taken here, and not in a thread of the call
  std::unique_ptr<Plan>& plan = plans_[{request, cut, direct}];
  if (!plan) {
    plan = make_plan(request, cut, direct);
    if (plan->program.by_slots && cut.splits_samples) {  // gradients are summed slot by slot: a split plan has none
      cut.splits_samples = false;
      plan = make_plan(request, cut, direct);
    }
  }
  Program& program = plan->program;
  const int64_t wanted = program.whole_batch || program.cut.splits_samples ? samples : std::min(samples, kChunkSamples);
  if (program.capacity() < wanted) program.finish(wanted);
  return *plan;
}

StepResult Network::result(int64_t samples) const {
  StepResult result;
  const double n = static_cast<double>(std::max<int64_t>(samples, 1));
  const auto means = [&](const std::vector<float>& values, size_t terms) {
    std::vector<double> sums(terms, 0.0);
    for (size_t t = 0; t < terms; ++t)
      for (int64_t i = 0; i < samples; ++i)
        sums[t] += static_cast<double>(values[t * static_cast<size_t>(samples) + static_cast<size_t>(i)]);
    for (double& sum : sums) sum /= n;
    return sums;
  };
  result.losses = means(workspace_.losses, objective_.losses.size());
  result.metrics = means(workspace_.metrics, objective_.metrics.size());
  for (size_t t = 0; t < result.losses.size(); ++t)
    result.loss += static_cast<double>(objective_.losses[t].weight) * result.losses[t];
  return result;
}

void Network::run(Plan& plan, const Batch& batch, uint64_t seed, Optimizer* optimizer, Profile* profile) {
  Runner runner(plan, parameters_, workspace_);
  if (!profile) return runner.run(batch, seed, optimizer);
  Timers timers;
  runner.run(batch, seed, optimizer, &timers);
  *profile = describe(timers, plan, parameters_, batch, optimizer);
  profile->chosen_threads = profile->threads;
  if (const ThreadChoice* choice = runner.thread_choice()) {
    profile->chosen_threads = choice->chosen();
    profile->thread_times = choice->times();
  }
  profile->memory = memory();
}

MemoryUse Network::memory() const {
  MemoryUse floats;
  for (const Node& node : graph_.nodes())
    if (const auto* constant = std::get_if<ConstantNode>(&node.attributes))
      floats.weights += static_cast<int64_t>(constant->values->size());
  for (int p = 0; p < parameters_.count(); ++p) {
    if (!parameters_.variable(p).in_file()) floats.weights += parameters_.size(p);
    if (optimizer_) floats.optimizer += optimizer_->state_floats(parameters_.variable(p));
  }
  for (const auto& [key, plan] : plans_) {
    if (!plan) continue;  // making it has failed
    floats.packed_weights += plan->program.memory_floats(MemoryKind::kPackedWeights);
    floats.activations += plan->program.memory_floats(MemoryKind::kValues);
    floats.gradients += plan->program.memory_floats(MemoryKind::kGradients);
  }
  floats.activations += workspace_.chunk_floats();
  floats.threads = workspace_.thread_floats();
  floats.gradients += parameters_.gradient_floats() + workspace_.slot_floats();
  const auto bytes = [](int64_t count) { return count * static_cast<int64_t>(sizeof(float)); };
  return {bytes(floats.weights), bytes(floats.packed_weights), bytes(floats.activations),
          bytes(floats.threads), bytes(floats.gradients),      bytes(floats.optimizer)};
}

// Of the step that is to come.
uint64_t Network::next_step_seed() {
  const uint64_t step = optimizer_ ? static_cast<uint64_t>(optimizer_->iterations) + 1 : ++calls_;
  return seed_ * 0xd1342543de82ef95u + step;
}

static Request step_request(const Batch& batch, bool gradients) {
  Request request;
  request.training = gradients;
  request.objective = true;
  request.gradients = gradients;
  request.outputs = std::any_of(batch.outputs.begin(), batch.outputs.end(), [](float* p) { return p != nullptr; });
  return request;
}

StepResult Network::train_step(const Batch& batch, float learning_rate, Profile* profile) {
  const auto lock = exclusive();
  require_compiled();
  if (batch.samples == 0) throw std::invalid_argument("a training step needs at least one sample");
  Plan& p = plan(step_request(batch, true), batch.samples);
  const uint64_t seed = next_step_seed();
  if (optimizer_) optimizer_->begin_step(learning_rate);
  try {
    run(p, batch, seed, optimizer_.get(), profile);
  } catch (...) {
    if (optimizer_) --optimizer_->iterations;  // the step was not made
    throw;
  }
  return result(batch.samples);
}

StepResult Network::compute_gradients(const Batch& batch) {
  const auto lock = exclusive();
  require_compiled();
  if (batch.samples == 0) throw std::invalid_argument("gradients need at least one sample");
  // The first gradients of a step have the dropout that train_step would have; further ones, which accumulate, their
  // own.
  const uint64_t seed = next_step_seed() + (static_cast<uint64_t>(computed_++) << 32);
  run(plan(step_request(batch, true), batch.samples), batch, seed, nullptr, nullptr);
  return result(batch.samples);
}

void Network::apply_gradients(float learning_rate) {
  const auto lock = exclusive();
  require_compiled();
  if (!optimizer_) throw std::invalid_argument("the network has no optimizer: give compile one");
  Request request;
  request.training = request.objective = request.gradients = true;
  request.outputs = false;
  computed_ = 0;
  optimizer_->begin_step(learning_rate);
  Runner(plan(request, 1), parameters_, workspace_).apply(*optimizer_);
}

StepResult Network::test_step(const Batch& batch) {
  const auto lock = exclusive();
  require_compiled();
  if (batch.samples == 0) {
    StepResult none;
    none.losses.assign(objective_.losses.size(), 0.0);
    none.metrics.assign(objective_.metrics.size(), 0.0);
    return none;
  }
  run(plan(step_request(batch, false), batch.samples), batch, 0, nullptr, nullptr);
  return result(batch.samples);
}

void Network::predict(const Batch& batch, bool training, Profile* profile) {
  const auto lock = exclusive();
  if (batch.samples == 0) return;
  Request request;
  request.training = training;
  const uint64_t call = training ? ++calls_ : ++predictions_;
  run(plan(request, batch.samples), batch, seed_ * 0xd1342543de82ef95u + (call << 32), nullptr, profile);
}

std::string Network::plan_text(const Request& request, int64_t batch) {
  const auto lock = exclusive();
  if (request.objective) require_compiled();
  return plan(request, std::max<int64_t>(batch, 1)).program.text();
}

}  // namespace pycnn
