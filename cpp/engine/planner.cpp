#include "engine/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace pycnn {

Planner::Planner(const Graph& graph, std::vector<int> outputs, const Parameters& parameters, const KernelTable& kernels,
                 const Request& request, const Objective& objective, bool exact, Program& program)
    : graph_(graph), outputs_(std::move(outputs)), parameters_(parameters), kernels_(kernels), request_(request),
      objective_(objective), exact_(exact), program_(program) {
  const size_t n = graph.nodes().size();
  alias_.assign(n, -1);
  value_.assign(n, -1);
  consumer_.assign(n, -1);
  consumers_.assign(n, 0);
  for (std::vector<bool>* flags : {&kept_, &sought_, &planned_, &in_place_, &differentiated_}) flags->assign(n, false);
  program_.done_by.assign(n, -1);
  gradients.resize(static_cast<size_t>(parameters.count()));
}

// --- what there is to do ---------------------------------------------------------------------------------------------

// After a softmax or a sigmoid the loss starts from the logits: one pass, and no log of a rounded probability.
static int logits_of(const Graph& graph, const LossTerm& term) {
  if (term.from_logits || term.kind == LossKind::kValue || term.kind == LossKind::kMeanSquaredError) return -1;
  const Node& last = graph.node(term.node);
  if (term.kind == LossKind::kBinaryCrossentropy) {
    const auto* f = std::get_if<ActivationNode>(&last.attributes);
    return f && f->activation.kind == ActivationKind::kSigmoid ? last.inputs[0] : -1;
  }
  const auto* softmax = std::get_if<SoftmaxNode>(&last.attributes);
  return softmax && !softmax->log ? last.inputs[0] : -1;
}

void Planner::start_from_logits() {
  for (LossTerm& term : objective_.losses) {
    const int logits = logits_of(graph_, term), output = term.node;
    if (logits < 0) continue;
    for (MetricTerm& metric : objective_.metrics) {
      const bool binary = metric.kind == MetricKind::kBinaryAccuracy;
      if (metric.node != output || metric.kind == MetricKind::kValue) continue;
      if (binary != (term.kind == LossKind::kBinaryCrossentropy)) continue;
      metric.node = logits;
      const float t = metric.threshold;  // of a sigmoid's output: the logit that gives it
      if (binary) metric.threshold = std::log(std::max(t, 0.0f) / std::max(1.0f - t, 0.0f));
    }
    program_.done_by[static_cast<size_t>(output)] = kByLoss;
    term.node = logits;
    term.from_logits = true;
  }
}

void Planner::find_consumers() {
  std::vector<int> wanted;
  if (request_.outputs) wanted = outputs_;
  if (request_.objective) {
    for (const LossTerm& term : objective_.losses) wanted.push_back(term.node);
    for (const MetricTerm& metric : objective_.metrics) wanted.push_back(metric.node);
  }
  needed_ = needed_for(graph_, wanted);
  for (int i : wanted) kept_[static_cast<size_t>(i)] = true;
  for (size_t i = 0; i < needed_.size(); ++i) {
    if (!needed_[i]) continue;
    const Node& n = graph_.nodes()[i];
    for (int input : n.inputs) {
      consumer_[static_cast<size_t>(input)] = static_cast<int>(i);
      ++consumers_[static_cast<size_t>(input)];
      if (std::holds_alternative<GradientNode>(n.attributes)) kept_[static_cast<size_t>(input)] = true;
    }
    if (std::holds_alternative<GradientNode>(n.attributes)) sought_[static_cast<size_t>(n.inputs[1])] = true;
  }
}

bool is_differentiable(const Node& node, size_t k) {
  if (std::holds_alternative<StopGradientNode>(node.attributes)) return false;
  if (std::holds_alternative<GradientNode>(node.attributes)) return false;
  if (std::holds_alternative<TakeNode>(node.attributes)) return k == 0;
  if (const auto* host = std::get_if<HostNode>(&node.attributes)) return host->function->differentiable();
  if (const auto* reduce = std::get_if<ReduceNode>(&node.attributes)) return reduce->kind < ReduceKind::kArgmax;
  return true;
}

// Of each node, whether a gradient by one of the sources goes through it or ends at it.
std::vector<bool> Planner::wanting(const std::vector<bool>& sources) const {
  std::vector<bool> wants = sources;
  for (size_t i = 0; i < wants.size(); ++i) {
    const Node& n = graph_.nodes()[i];
    for (size_t k = 0; k < n.inputs.size() && !wants[i]; ++k)
      wants[i] = wants[static_cast<size_t>(n.inputs[k])] && is_differentiable(n, k);
  }
  return wants;
}

// The parameters that train.
std::vector<bool> Planner::trained() const {
  std::vector<bool> found(graph_.nodes().size(), false);
  for (size_t i = 0; i < found.size(); ++i)
    if (const auto* p = graph_.as<ParameterNode>(static_cast<int>(i))) found[i] = parameters_.trainable(p->variable);
  return found;
}

void Planner::find_differentiated() {
  if (request_.gradients) differentiated_ = wanting(trained());
  for (size_t g = 0; g < needed_.size(); ++g) {
    const Node& n = graph_.nodes()[g];
    if (!needed_[g] || !std::holds_alternative<GradientNode>(n.attributes)) continue;
    std::vector<bool> sources(needed_.size(), false);
    sources[static_cast<size_t>(n.inputs[1])] = true;
    const std::vector<bool> wants = wanting(sources), upstream = needed_for(graph_, {n.inputs[0]});
    for (size_t i = 0; i < wants.size(); ++i)
      if (wants[i] && upstream[i]) differentiated_[i] = true;
  }
}

// --- the order of planning -------------------------------------------------------------------------------------------

void Planner::plan() {
  if (request_.objective) start_from_logits();
  find_consumers();
  find_differentiated();
  program_.by_slots = request_.gradients;
  plan_values();
  current_ = -1;
  if (request_.outputs)
    for (size_t k = 0; k < outputs_.size(); ++k) plan_output(*this, outputs_[k], static_cast<int>(k));
  if (request_.objective) plan_losses();
  for (auto& [node, task] : last_) {
    current_ = node;
    add(std::move(task));
  }
}

void Planner::plan_values() {
  // What depends on no sample first, so that it does not cut the way of the samples in two.
  std::vector<bool> on_samples(needed_.size(), false);
  for (size_t i = 0; i < needed_.size(); ++i) {
    const Node& n = graph_.nodes()[i];
    on_samples[i] = n.batched;
    for (int input : n.inputs) on_samples[i] = on_samples[i] || on_samples[static_cast<size_t>(input)];
  }
  for (const bool samples : {false, true})
    for (size_t i = 0; i < needed_.size(); ++i)
      if (needed_[i] && !planned_[i] && on_samples[i] == samples) {
        if (samples && waits_for_batch(static_cast<int>(i))) plan_siblings(static_cast<int>(i));
        else plan_node(static_cast<int>(i));
      }
}

void Planner::plan_losses() {
  program_.losses = static_cast<int>(objective_.losses.size());
  program_.metrics = static_cast<int>(objective_.metrics.size());
  pass_ = new_pass(request_.gradients ? trained() : std::vector<bool>(needed_.size(), false));
  pass_->by_parameters = true;
  plan_objective(*this, objective_);
  if (!request_.gradients) return;
  run_pass();
  for (auto& [node, parts] : pass_->parts)
    if (const auto* p = graph_.as<ParameterNode>(node)) gradients[static_cast<size_t>(p->variable)] = std::move(*parts);
}

namespace {
struct PlanNode {
  Planner& planner;
  int i;
  void operator()(const InputNode&) const { plan_input(planner, i); }
  void operator()(const ParameterNode&) const {}
  void operator()(const ConstantNode&) const {}
  void operator()(const Conv2DNode&) const { plan_conv2d(planner, i); }
  void operator()(const DenseNode&) const { plan_dense(planner, i); }
  void operator()(const ActivationNode&) const { plan_activation(planner, i); }
  void operator()(const SoftmaxNode&) const { plan_softmax(planner, i); }
  void operator()(const MaxoutNode&) const { plan_maxout(planner, i); }
  void operator()(const Pool2DNode&) const { plan_pool2d(planner, i); }
  void operator()(const DropoutNode&) const { plan_dropout(planner, i); }
  void operator()(const UniformNode&) const { plan_uniform(planner, i); }
  void operator()(const BatchNormNode&) const { plan_batch_norm(planner, i); }
  void operator()(const Pad2DNode&) const { plan_pad2d(planner, i); }
  void operator()(const AddNode&) const { plan_add(planner, i); }
  void operator()(const ConcatNode&) const { plan_concat(planner, i); }
  void operator()(const ReshapeNode&) const { planner.pass_through(i); }
  void operator()(const MapNode&) const { plan_map(planner, i); }
  void operator()(const ReduceNode&) const { plan_reduce(planner, i); }
  void operator()(const StridedNode&) const { plan_strided(planner, i); }
  void operator()(const ScatterNode&) const { plan_scatter(planner, i); }
  void operator()(const MatmulNode&) const { plan_matmul(planner, i); }
  void operator()(const TakeNode&) const { plan_take(planner, i); }
  void operator()(const BatchReduceNode&) const { plan_batch_reduce(planner, i); }
  void operator()(const StopGradientNode&) const { planner.pass_through(i); }
  void operator()(const GradientNode&) const { planner.plan_gradients_of(planner.node(i).inputs[0]); }
  void operator()(const HostNode&) const { plan_host(planner, i); }
};
}  // namespace

void Planner::plan_node(int i) {
  current_ = i;
  mark_planned(i);
  std::visit(PlanNode{*this, i}, node(i).attributes);
}

// Whether this is a convolution whose output is kept until all samples have one, for the statistics of a normalization.
bool Planner::waits_for_batch(int i) const {
  if (!training() || !graph_.as<Conv2DNode>(i)) return false;
  const int next = only_consumer(i);
  const auto* norm = next >= 0 ? graph_.as<BatchNormNode>(next) : nullptr;
  return norm && !norm->frozen;
}

// Convolutions of the same input, such as that of a residual block's shortcut: after such a wait they would have to
// fetch it from far away, and in the backward pass its gradient.
void Planner::plan_siblings(int i) {
  bool is_first = true;
  const auto plan_beside = [&](int k) {
    plan_node(k);
    if (!std::exchange(is_first, false)) program_.tasks.back().with_previous = true;
  };
  for (int k = i + 1; k < static_cast<int>(needed_.size()); ++k)
    if (needed_[static_cast<size_t>(k)] && !planned_[static_cast<size_t>(k)] && waits_for_batch(k) &&
        node(k).inputs[0] == node(i).inputs[0] && has_weights(k))
      plan_beside(k);
  plan_beside(i);
}

bool Planner::has_weights(int i) const {
  const std::vector<int>& inputs = node(i).inputs;
  return std::all_of(inputs.begin() + 1, inputs.end(), [&](int input) { return is_planned(input); });
}

void Planner::mark_planned(int i) {
  planned_[static_cast<size_t>(i)] = true;
  program_.done_by[static_cast<size_t>(i)] = current_;
}

// --- values ----------------------------------------------------------------------------------------------------------

size_t Planner::root(int i) const {
  while (alias_[static_cast<size_t>(i)] >= 0) i = alias_[static_cast<size_t>(i)];
  return static_cast<size_t>(i);
}

void Planner::pass_through(int i) {
  const int input = node(i).inputs[0];
  const bool stops = graph_.as<StopGradientNode>(i) != nullptr;
  if (!sought_[static_cast<size_t>(i)] && !(stops && differentiated(input))) {
    alias_[static_cast<size_t>(i)] = input;
    return;
  }
  const int64_t n = shape(i).size();
  const auto copy = [=](int y, int x) {
    Task task;
    task.name = node(i).name;
    task.buffers = {x, y};
    task.run = [=, copy_rows = kernels_.elementwise.copy_rows](const Work& w) {
      for (int64_t s = w.begin; s < w.end; ++s) copy_rows(w.at(y, s), n, w.at(x, s), n, 1, n);
    };
    add(std::move(task));
  };
  copy(value(i), value(input));
  on_backward(i, [=] {
    const int dy = gradient(i);
    add_gradient(input, [&](int dx) { copy(dx, dy); });
  });
}

int Planner::value(int i) {
  const size_t r = root(i);
  if (value_[r] >= 0) return value_[r];
  const Node& n = graph_.nodes()[r];
  const int64_t size = n.shape.size();
  if (n.batched) return value_[r] = add_buffer(size);
  if (const auto* p = std::get_if<ParameterNode>(&n.attributes))
    return value_[r] = program_.add_fixed(parameters_.weights(p->variable), size);
  if (const auto* c = std::get_if<ConstantNode>(&n.attributes))
    return value_[r] = program_.add_fixed(const_cast<float*>(c->values->data()), size);
  return value_[r] = program_.add_fixed(add_memory(size, MemoryKind::kValues), size);
}

float* Planner::weights(int i) { return i < 0 ? nullptr : program_.buffers[static_cast<size_t>(value(i))].fixed; }

StoredWeights Planner::stored_weights(int i) {
  const size_t r = root(i);
  const auto* p = std::get_if<ParameterNode>(&graph_.nodes()[r].attributes);
  if (p && value_[r] < 0 && parameters_.variable(p->variable).in_file())
    return StoredWeights(parameters_.variable(p->variable));
  return StoredWeights(weights(i));
}

Planner::ChannelSlice Planner::channels(int i) {
  const int next = only_consumer(i);
  const auto* concat = next < 0 ? nullptr : graph_.as<ConcatNode>(next);
  if (!concat || !joins_channels(*concat, shape(next)) || differentiated(next) || !node(i).batched)
    return own_channels(i);
  ChannelSlice found = channels(next);
  for (int input : node(next).inputs) {
    if (input == i) break;
    found.channel += shape(input).c();
  }
  in_place_[static_cast<size_t>(i)] = true;
  program_.buffers[static_cast<size_t>(found.buffer)].in_parts = true;
  return found;
}

bool joins_channels(const ConcatNode& concat, const Shape& y) {
  return concat.axis == -1 || concat.axis == y.rank() - 1;
}

int Planner::stored_value(int i) {
  const int maker = program_.done_by[static_cast<size_t>(i)];
  const bool by_convolution = maker >= 0 && graph_.as<Conv2DNode>(maker);
  return by_convolution && only_consumer(i) >= 0 ? stored(value_[static_cast<size_t>(i)]) : value(i);
}

int Planner::stored(int& buffer) {
  bool earlier = false;
  for (size_t i = program_.tasks.size(); i-- > 0;) {
    const Task& task = program_.tasks[i];
    earlier = earlier || task.kind != Task::kBlock;
    if (earlier && std::count(task.buffers.begin(), task.buffers.end(), buffer) > 0) return buffer;
  }
  return buffer = add_buffer(program_.buffers[static_cast<size_t>(buffer)].floats);
}

void Planner::on_rematerialize(int i, std::function<void(int y)> remake) {
  if (differentiated(i) && only_consumer(i) >= 0) remakes_[root(i)] = {current_, std::move(remake)};
}

int Planner::rematerialized(int i) {
  const auto found = remakes_.find(root(i));
  if (found == remakes_.end()) return value(i);
  Remake& remake = found->second;
  if (remake.buffer < 0) {
    remake.buffer = add_buffer(shape(i).size());
    const int caller = current_;
    current_ = remake.maker;
    remake.remake(remake.buffer);
    current_ = caller;
  }
  return remake.buffer;
}

Task& Planner::add(Task task) {
  task.node = current_;
  task.backward = in_backward_;
  const auto is_fixed = [&](int b) { return program_.buffers[static_cast<size_t>(b)].home == Buffer::kFixed; };
  if (task.kind == Task::kBlock && !task.buffers.empty() &&
      std::all_of(task.buffers.begin(), task.buffers.end(), is_fixed))
    task.kind = Task::kOnce;
  program_.tasks.push_back(std::move(task));
  return program_.tasks.back();
}

void Planner::prepare(const std::vector<int>& weights, int64_t pieces, const std::function<void(int64_t, float*)>& run,
                      int64_t scratch_floats) {
  const auto is_fixed = [&](int i) { return i < 0 || is_parameter(static_cast<int>(root(i))); };
  if (std::all_of(weights.begin(), weights.end(), is_fixed)) {
    std::vector<int> read;
    for (int i : weights)
      if (const auto* p = i < 0 ? nullptr : graph_.as<ParameterNode>(static_cast<int>(root(i))))
        read.push_back(p->variable);
    for (int64_t i = 0; i < pieces; ++i)
      program_.preparations.push_back(
          {current_, [=](float* scratch) { run(i, scratch); }, scratch_floats, middle(i, i + 1, pieces), read});
    return;
  }
  Task task;
  task.name = node(current_).name + " packing";
  task.kind = Task::kOnce;
  for (int i : weights)
    if (i >= 0) task.buffers.push_back(value(i));
  task.scratch_floats = scratch_floats;
  task.run = [=](const Work& w) {
    for (int64_t i = 0; i < pieces; ++i) run(i, w.scratch);
  };
  add(std::move(task));
}

void Planner::prepare_weights(int weights, int64_t pieces, const std::function<void(const float*, int64_t)>& run) {
  const StoredWeights stored = stored_weights(weights);
  if (stored.scratch_floats() == 0) {
    prepare({weights}, pieces, [=, from = stored.at(nullptr)](int64_t i, float*) { run(from, i); });
    return;
  }
  const auto read_and_run = [=](int64_t, float* scratch) {
    const float* from = stored.at(scratch);
    for (int64_t i = 0; i < pieces; ++i) run(from, i);
  };
  prepare({weights}, 1, read_and_run, stored.scratch_floats());
}

// From so many floats on packed weights that train are not kept from one step to the next: they would have to be made
// again anyway, and in the meantime other values have their memory.
static constexpr int64_t kLargePacked = 1 << 18;

PackedWeights Planner::pack(int weights, int64_t floats, int64_t pieces,
                            const std::function<void(float*, const float*, int64_t)>& run) {
  const auto* parameter = graph_.as<ParameterNode>(weights);
  const bool trains = request_.gradients && parameter && parameters_.trainable(parameter->variable);
  std::vector<Task>& tasks = program_.tasks;
  // With the pieces of an earlier stage: it shall not cut the way of the samples in two.
  const auto split = std::find_if(tasks.rbegin(), tasks.rend(), [](const Task& t) { return t.kind == Task::kSplit; });
  if (!trains || floats < kLargePacked || split == tasks.rend()) {
    float* const memory = add_memory(floats, MemoryKind::kPackedWeights);
    prepare_weights(weights, pieces, [=](const float* from, int64_t piece) { run(memory, from, piece); });
    return {memory};
  }
  const int buffer = program_.add_common(floats);
  Task task;
  task.name = node(current_).name + " packing";
  task.kind = Task::kSplit;
  task.with_previous = true;
  task.packs = true;
  task.pieces = pieces;
  task.buffers = {buffer};
  task.node = current_;
  task.backward = in_backward_;
  task.run = [=, from = this->weights(weights)](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) run(w.at(buffer, 0), from, piece);
  };
  tasks.insert(split.base(), std::move(task));
  return {nullptr, buffer};
}

// --- what fuses ------------------------------------------------------------------------------------------------------

int Planner::only_consumer(int i) const {
  return kept_[static_cast<size_t>(i)] || consumers_[static_cast<size_t>(i)] != 1 ? -1
                                                                                  : consumer_[static_cast<size_t>(i)];
}

int Planner::fusable_activation(int i) const {
  const int next = only_consumer(i);
  if (next < 0) return -1;
  const auto* f = graph_.as<ActivationNode>(next);
  if (!f || (differentiated(next) && !derivative_from_output(f->activation))) return -1;
  return next;
}

int Planner::foldable_batch_norm(int i) const {
  const int next = only_consumer(i);
  const auto* norm = next < 0 ? nullptr : graph_.as<BatchNormNode>(next);
  const bool fixed = norm && (norm->frozen || !(training() || norm->always));
  return fixed && !differentiated(next) && has_weights(next) ? next : -1;
}

int Planner::fusable_sum(int i) const {
  const int next = only_consumer(i);
  if (next < 0 || !graph_.as<AddNode>(next)) return -1;
  const std::vector<int>& inputs = node(next).inputs;
  return inputs.size() == 2 && std::max(inputs[0], inputs[1]) == i ? next : -1;
}

int Planner::fusable_pool(int i) const {
  const int next = only_consumer(i);
  if (next < 0) return -1;
  const auto* pool = graph_.as<Pool2DNode>(next);
  if (!pool || pool->average) return -1;
  const Padding& p = pool->padding;
  if (pool->pool_size.h != pool->strides.h || pool->pool_size.w != pool->strides.w) return -1;
  if (p.top || p.bottom || p.left || p.right || pool->pool_size.h * pool->pool_size.w > 255) return -1;
  return next;
}

bool is_clamp(const Activation& f, float* lower) {
  *lower = -std::numeric_limits<float>::infinity();
  if (f.kind == ActivationKind::kLinear) return true;
  if (f.kind != ActivationKind::kRelu || f.alpha != 0 || f.threshold != 0 || f.max_value != -*lower) return false;
  *lower = 0.0f;
  return true;
}

}  // namespace pycnn
