#include "engine/planner.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pycnn {

Parameters::Parameters(const std::vector<Parameter>& descriptions) : descriptions_(descriptions) {
  for (const Parameter& p : descriptions_) {
    offsets_.push_back(total_);
    total_ += align_floats(p.size());
  }
  weights_ = AlignedFloats(total_);
  gradients_ = AlignedFloats(total_);
}

Planner::Planner(const Graph& graph, int output, const Parameters& parameters, const KernelTable& kernels, Mode mode,
                 const Objective& objective, bool exact, Program& program)
    : graph_(graph), output_(output), parameters_(parameters), kernels_(kernels), mode_(mode), objective_(objective),
      exact_(exact), program_(program) {
  const size_t n = graph.nodes().size();
  alias_.assign(n, -1);
  value_.assign(n, -1);
  gradient_.assign(n, -1);
  consumers_.assign(n, 0);
  needed_.assign(n, false);
  planned_.assign(n, false);
  placed_.assign(n, false);
  has_gradient_.assign(n, false);
  wants_gradient_.assign(n, false);
  program_.done_by.assign(n, -1);
  gradients.resize(static_cast<size_t>(parameters.count()));
}

// Behind a softmax or a sigmoid the loss starts from the logits: one pass, and no log of a rounded probability.
static int logits_behind(const Graph& graph, int output, const Objective& objective) {
  const Node& last = graph.node(output);
  if (objective.from_logits) return -1;
  if (objective.loss == LossKind::kBinaryCrossentropy) {
    const auto* f = std::get_if<ActivationNode>(&last.attributes);
    return f && f->activation.kind == ActivationKind::kSigmoid ? last.inputs[0] : -1;
  }
  if (objective.loss == LossKind::kMeanSquaredError) return -1;
  if (objective.metric == MetricKind::kBinaryAccuracy) return -1;  // its threshold is one of probabilities
  const auto* softmax = std::get_if<SoftmaxNode>(&last.attributes);
  return softmax && !softmax->log ? last.inputs[0] : -1;
}

void Planner::plan() {
  if (mode_ != Mode::kPredict) {
    const int logits = logits_behind(graph_, output_, objective_);
    if (logits >= 0) {
      program_.done_by[static_cast<size_t>(output_)] = kByLoss;
      output_ = logits;
      objective_.from_logits = true;
      const float t = objective_.threshold;  // of a sigmoid's output: the logit that gives it
      objective_.threshold = std::log(std::max(t, 0.0f) / std::max(1.0f - t, 0.0f));
    }
  }
  find_needed();
  for (int i = 0; i <= output_; ++i)
    if (needed_[static_cast<size_t>(i)] && !planned_[static_cast<size_t>(i)]) {
      plan_siblings(i);
      plan_node(i);
    }
  current_ = -1;
  if (mode_ == Mode::kPredict) return plan_output(*this, output_);
  plan_loss(*this, output_, objective_);
  if (!training()) return;
  in_backward_ = true;
  for (auto planned = backward_.rbegin(); planned != backward_.rend(); ++planned) {
    current_ = planned->first;
    planned->second();
  }
}

void Planner::find_needed() {
  needed_[static_cast<size_t>(output_)] = true;
  for (int i = output_; i >= 0; --i)
    if (needed_[static_cast<size_t>(i)])
      for (int input : node(i).inputs) {
        needed_[static_cast<size_t>(input)] = true;
        ++consumers_[static_cast<size_t>(input)];
      }
  for (int i = 0; i <= output_; ++i) {
    bool wants = !node(i).parameters.empty();
    for (int input : node(i).inputs) wants = wants || wants_gradient_[static_cast<size_t>(input)];
    wants_gradient_[static_cast<size_t>(i)] = wants;
  }
}

namespace {
struct PlanNode {
  Planner& planner;
  int i;
  void operator()(const InputNode&) const { plan_input(planner, i); }
  void operator()(const Conv2DNode&) const { plan_conv2d(planner, i); }
  void operator()(const DenseNode&) const { plan_dense(planner, i); }
  void operator()(const ActivationNode&) const { plan_activation(planner, i); }
  void operator()(const SoftmaxNode&) const { plan_softmax(planner, i); }
  void operator()(const MaxoutNode&) const { plan_maxout(planner, i); }
  void operator()(const Pool2DNode&) const { plan_pool2d(planner, i); }
  void operator()(const ReshapeNode&) const { planner.alias(i, planner.node(i).inputs[0]); }
  void operator()(const DropoutNode&) const { plan_dropout(planner, i); }
  void operator()(const BatchNormNode&) const { plan_batch_norm(planner, i); }
  void operator()(const Pad2DNode&) const { plan_pad2d(planner, i); }
  void operator()(const ScaleShiftNode&) const { plan_scale_shift(planner, i); }
  void operator()(const AddNode&) const { plan_add(planner, i); }
  void operator()(const MultiplyNode&) const { plan_multiply(planner, i); }
  void operator()(const ConcatNode&) const { plan_concat(planner, i); }
};
}  // namespace

void Planner::plan_node(int i) {
  current_ = i;
  mark_planned(i);
  std::visit(PlanNode{*this, i}, node(i).attributes);
}

// Whether this is a convolution whose output is kept until all samples have one, for the statistics of a normalization.
bool Planner::waits_for_batch(int i) const {
  if (!training() || !std::holds_alternative<Conv2DNode>(node(i).attributes)) return false;
  const int next = only_consumer(i);
  const auto* norm = next >= 0 ? std::get_if<BatchNormNode>(&node(next).attributes) : nullptr;
  return norm && !norm->frozen;
}

// Convolutions of the same input, such as that of a residual block's shortcut: behind such a wait they would have to
// fetch it from far away, and the way back its gradient.
void Planner::plan_siblings(int i) {
  if (!waits_for_batch(i)) return;
  for (int k = i + 1; k <= output_; ++k)
    if (needed_[static_cast<size_t>(k)] && !planned_[static_cast<size_t>(k)] && waits_for_batch(k) &&
        node(k).inputs == node(i).inputs)
      plan_node(k);
}

void Planner::mark_planned(int i) {
  planned_[static_cast<size_t>(i)] = true;
  program_.done_by[static_cast<size_t>(i)] = current_;
}

int Planner::root(int i) const {
  while (alias_[static_cast<size_t>(i)] >= 0) i = alias_[static_cast<size_t>(i)];
  return i;
}

void Planner::alias(int i, int of) { alias_[static_cast<size_t>(i)] = of; }

int Planner::value(int i) {
  const size_t r = static_cast<size_t>(root(i));
  if (value_[r] < 0) value_[r] = add_buffer(shape(static_cast<int>(r)).size());
  return value_[r];
}

Planner::Place Planner::place(int i) {
  const int next = training() ? -1 : only_consumer(i);
  if (next < 0 || !std::holds_alternative<ConcatNode>(node(next).attributes)) return own_place(i);
  Place found = place(next);
  for (int input : node(next).inputs) {
    if (input == i) break;
    found.channel += shape(input).c();
  }
  placed_[static_cast<size_t>(i)] = true;
  program_.buffers[static_cast<size_t>(found.buffer)].in_parts = true;
  return found;
}

int Planner::gradient(int i) {
  const size_t r = static_cast<size_t>(root(i));
  if (gradient_[r] < 0) gradient_[r] = add_buffer(shape(static_cast<int>(r)).size());
  return gradient_[r];
}

int Planner::stored_value(int i) {
  const int maker = program_.done_by[static_cast<size_t>(i)];
  const bool by_convolution = maker >= 0 && std::holds_alternative<Conv2DNode>(node(maker).attributes);
  return by_convolution && only_consumer(i) >= 0 ? stored(value_[static_cast<size_t>(i)]) : value(i);
}

int Planner::stored(int& buffer) {
  bool earlier = false;
  for (size_t i = program_.tasks.size(); i-- > 0;) {
    const Task& task = program_.tasks[i];
    earlier = earlier || task.kind == Task::kSplit;
    if (earlier && std::count(task.buffers.begin(), task.buffers.end(), buffer) > 0) return buffer;
  }
  return buffer = add_buffer(program_.buffers[static_cast<size_t>(buffer)].floats);
}

bool Planner::wants_gradient(int i) const { return wants_gradient_[static_cast<size_t>(root(i))]; }

int Planner::parameter(int i, const char* name) const {
  for (int p : node(i).parameters)
    if (parameters_.description(p).name == name) return p;
  return -1;
}

float* Planner::find_weights(int i, const char* name) const {
  const int p = parameter(i, name);
  return p >= 0 ? mutable_weights(p) : nullptr;
}

Task& Planner::add(Task task) {
  task.node = current_;
  task.backward = in_backward_;
  program_.tasks.push_back(std::move(task));
  return program_.tasks.back();
}

void Planner::on_backward(std::function<void()> add_tasks) {
  if (training()) backward_.emplace_back(current_, std::move(add_tasks));
}

void Planner::add_gradient(int i, const std::function<void(int dx)>& emit) {
  if (!wants_gradient(i)) return;
  const size_t r = static_cast<size_t>(root(i));
  const int target = gradient(i);
  if (!has_gradient_[r]) {
    has_gradient_[r] = true;
    return emit(target);
  }
  const int extra = add_buffer(shape(i).size());
  emit(extra);
  add_to(target, extra, node(i));
}

void Planner::pass_gradient(int i, int buffer) {
  if (!wants_gradient(i)) return;
  const size_t r = static_cast<size_t>(root(i));
  if (has_gradient_[r]) return add_to(gradient(i), buffer, node(i));
  gradient_[r] = buffer;
  has_gradient_[r] = true;
}

// To the gradient by the output of `node`.
void Planner::add_to(int sum, int other, const Node& node) {
  const int64_t n = node.shape.size();
  const auto add_up = kernels_.elementwise.add;
  Task task;
  task.name = "gradient sum of " + node.name;
  task.buffers = {sum, other};
  task.run = [=](const Work& w) {
    for (int64_t s = w.begin; s < w.end; ++s) add_up(w.at(sum, s), w.at(sum, s), w.at(other, s), n);
  };
  add(std::move(task));
}

void Planner::on_recall(int i, std::function<void(int y)> remake) {
  if (training() && only_consumer(i) >= 0) recalls_[root(i)] = {current_, std::move(remake)};
}

int Planner::recall(int i) {
  const auto found = recalls_.find(root(i));
  if (found == recalls_.end()) return value(i);
  Recall& recall = found->second;
  if (recall.buffer < 0) {
    recall.buffer = add_buffer(shape(i).size());
    const int caller = current_;
    current_ = recall.maker;
    recall.remake(recall.buffer);
    current_ = caller;
  }
  return recall.buffer;
}

int64_t Planner::reserve_slot(int p, bool transposed) {
  const int64_t offset = program_.slot_floats;
  program_.slot_floats += align_floats(parameters_.size(p));
  gradients[static_cast<size_t>(p)].slots.push_back({offset, transposed});
  return offset;
}

float* Planner::gradient_of(int p) {
  GradientParts& parts = gradients[static_cast<size_t>(p)];
  if (!parts.whole) {
    parts.whole = true;
    return parameters_.gradient(p);
  }
  parts.further.emplace_back(parameters_.size(p));
  return parts.further.back().data();
}

void Planner::prepare(int64_t pieces, const std::function<void(int64_t)>& run) {
  for (int64_t i = 0; i < pieces; ++i)
    program_.preparations.push_back({current_, [=] { run(i); }, middle(i, i + 1, pieces)});
}

int Planner::only_consumer(int i) const {
  if (i == output_ || consumers_[static_cast<size_t>(i)] != 1) return -1;
  for (int k = i + 1; k <= output_; ++k)
    if (needed_[static_cast<size_t>(k)])
      for (int input : node(k).inputs)
        if (input == i) return k;
  return -1;
}

int Planner::fusable_activation(int i) const {
  const int next = only_consumer(i);
  if (next < 0) return -1;
  const auto* f = std::get_if<ActivationNode>(&node(next).attributes);
  if (!f || (training() && !derivative_from_output(f->activation))) return -1;
  return next;
}

int Planner::foldable_batch_norm(int i) const {
  const int next = training() ? -1 : only_consumer(i);
  return next >= 0 && std::holds_alternative<BatchNormNode>(node(next).attributes) ? next : -1;
}

int Planner::fusable_sum(int i) const {
  const int next = only_consumer(i);
  if (next < 0 || !std::holds_alternative<AddNode>(node(next).attributes)) return -1;
  const std::vector<int>& inputs = node(next).inputs;
  return inputs.size() == 2 && std::max(inputs[0], inputs[1]) == i ? next : -1;
}

int Planner::fusable_pool(int i) const {
  const int next = only_consumer(i);
  if (next < 0) return -1;
  const auto* pool = std::get_if<Pool2DNode>(&node(next).attributes);
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
