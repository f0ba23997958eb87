// Backward passes of the planner: gradients of the losses by what trains, and gradients that are values of the graph.
#include <algorithm>

#include "engine/gradients.h"
#include "engine/planner.h"

namespace pycnn {

std::unique_ptr<Planner::Pass> Planner::new_pass(std::vector<bool> sources) const {
  auto pass = std::make_unique<Pass>();
  pass->wants = wanting(sources);
  pass->gradient.assign(sources.size(), -1);
  pass->has.assign(sources.size(), false);
  return pass;
}

void Planner::on_backward(int output, std::function<void()> add_tasks) {
  if (differentiated(output)) backward_.push_back({current_, output, std::move(add_tasks)});
}

void Planner::run_pass() {
  in_backward_ = true;
  const int caller = current_;
  for (auto step = backward_.rbegin(); step != backward_.rend(); ++step) {
    current_ = step->node;
    write_asked(step->output);
    const Node& n = node(step->output);
    bool goes_on = false;
    for (size_t k = 0; k < n.inputs.size(); ++k)
      goes_on = goes_on || (wants_gradient(n.inputs[k]) && is_differentiable(n, k));
    if (goes_on && has_gradient(step->output)) step->add_tasks();
  }
  while (!pass().asked.empty()) write_asked(pass().asked.begin()->first);
  current_ = caller;
  in_backward_ = false;
}

// The gradient by a node is complete: all that read it have had their turn.
void Planner::write_asked(int i) {
  for (auto asked = pass().asked.begin(); asked != pass().asked.end();) {
    if (root(asked->first) != root(i)) {
      ++asked;
      continue;
    }
    const int caller = current_, y = asked->second;
    current_ = asked->first;
    asked = pass().asked.erase(asked);
    const int64_t n = shape(current_).size();
    if (has_gradient(current_) && !node(current_).batched) {
      collect(current_, y);
      current_ = caller;
      continue;
    }
    Task task;
    task.name = "gradient by " + node(current_).name;
    if (!has_gradient(current_)) {  // what depends on it does so in steps
      task.buffers = {y};
      task.run = [=, fill = kernels_.elementwise.fill](const Work& w) {
        for (int64_t s = w.begin; s < w.end; ++s) fill(w.at(y, s), 0.0f, n);
      };
    } else {
      const int dx = gradient(current_);
      task.buffers = {dx, y};
      task.run = [=, copy = kernels_.elementwise.copy_rows](const Work& w) {
        for (int64_t s = w.begin; s < w.end; ++s) copy(w.at(y, s), n, w.at(dx, s), n, 1, n);
      };
    }
    add(std::move(task));
    current_ = caller;
  }
}

void Planner::plan_gradients_of(int of) {
  std::vector<bool> sources(needed_.size(), false);
  std::map<int, int> asked;
  std::vector<std::pair<int, int>> copies;  // of a gradient that is asked for twice
  for (int g = 0; g < static_cast<int>(needed_.size()); ++g) {
    if (!needed_[static_cast<size_t>(g)] || !graph_.as<GradientNode>(g) || node(g).inputs[0] != of) continue;
    const int by = node(g).inputs[1];
    mark_planned(g);
    sources[static_cast<size_t>(by)] = true;
    const auto [earlier, is_new] = asked.emplace(by, value(g));
    if (!is_new) value_[static_cast<size_t>(g)] = earlier->second;
  }
  std::unique_ptr<Pass> outer = std::exchange(pass_, new_pass(std::move(sources)));
  pass_->asked = std::move(asked);
  const int caller = std::exchange(current_, of);
  in_backward_ = true;
  const int64_t n = shape(of).size();
  add_gradient(of, [&](int dx) {
    Task task;
    task.name = "gradient of " + node(of).name;
    task.buffers = {dx};
    task.run = [=, fill = kernels_.elementwise.fill](const Work& w) {
      for (int64_t s = w.begin; s < w.end; ++s) fill(w.at(dx, s), 1.0f, n);
    };
    add(std::move(task));
  });
  run_pass();
  current_ = caller;
  pass_ = std::move(outer);
}

// --- gradients by values without a batch axis ------------------------------------------------------------------------

GradientParts& Planner::parts_of(int i) {
  std::shared_ptr<GradientParts>& parts = pass().parts[static_cast<int>(root(i))];
  if (!parts) parts = std::make_shared<GradientParts>();
  pass().has[root(i)] = true;
  return *parts;
}

int64_t Planner::reserve_slot(int i, bool transposed) {
  const int64_t offset = program_.slot_floats;
  program_.slot_floats += align_floats(shape(i).size());
  program_.by_slots = true;
  parts_of(i).slots.push_back({offset, shape(i).size() / shape(i).c(), shape(i).c(), transposed});
  return offset;
}

float* Planner::gradient_of(int i) {
  if (i < 0) return nullptr;
  GradientParts& parts = parts_of(i);
  const int64_t size = shape(i).size();
  if (parts.whole) {
    float* const further = add_memory(size, MemoryKind::kGradients);
    parts.further.push_back(further);
    return further;
  }
  const auto* p = graph_.as<ParameterNode>(static_cast<int>(root(i)));
  parts.whole =
      p && pass().by_parameters ? parameters_.gradient(p->variable) : add_memory(size, MemoryKind::kGradients);
  return parts.whole;
}

int Planner::updated_by_task(int i) {
  const auto* p = graph_.as<ParameterNode>(i);
  if (!p || !pass().by_parameters || only_consumer(i) < 0 || !parameters_.trainable(p->variable)) return -1;
  program_.updated_by_tasks.push_back(p->variable);
  return p->variable;
}

// Sums up the parts of the gradient by a node in a fixed buffer.
void Planner::collect(int i, int buffer) {
  program_.whole_batch = true;
  const std::shared_ptr<GradientParts> parts = pass().parts.at(static_cast<int>(root(i)));
  const int64_t size = shape(i).size(), range = range_of(*parts);
  Task task;
  task.name = "gradient sum of " + node(i).name;
  task.kind = Task::kOnce;
  task.buffers = {buffer};
  task.run = [=, &program = program_, &k = kernels_.elementwise](const Work& w) {
    const GradientSum sum(k, w.slot_memory, program.slot_floats, program.slot_count(w.run.samples));
    for (int64_t from = 0; from < size; from += range)
      sum(w.at(buffer, 0) + from, *parts, from, std::min(range, size - from));
  };
  add(std::move(task));
}

int Planner::gradient(int i) {
  int& buffer = pass().gradient[root(i)];
  if (buffer >= 0) return buffer;
  const int64_t size = shape(i).size();
  if (graph_.nodes()[root(i)].batched) return buffer = add_buffer(size);
  buffer = program_.add_fixed(add_memory(size, MemoryKind::kGradients), size);
  collect(i, buffer);
  return buffer;
}

// --- adding up -------------------------------------------------------------------------------------------------------

void Planner::add_slot_sum(int i, const std::function<void(int dx)>& emit) {
  const int64_t n = shape(i).size(), slot = reserve_slot(i);
  const int dx = add_buffer(n);
  emit(dx);
  Task task;
  task.name = "gradient sum of " + node(i).name;
  task.buffers = {dx};
  task.by_slots = true;
  task.run = [=, &k = kernels_.elementwise](const Work& w) {
    float* sum = w.slot_gradient(slot);
    for (int64_t s = w.begin; s < w.end; ++s) {
      if (w.accumulate || s > w.begin) k.add(sum, sum, w.at(dx, s), n);
      else k.copy_rows(sum, n, w.at(dx, s), n, 1, n);
    }
  };
  add(std::move(task));
}

void Planner::add_gradient(int i, const std::function<void(int dx)>& emit) {
  if (!wants_gradient(i)) return;
  if (!node(i).batched) {
    const bool on_samples = current_ < 0 || node(current_).batched;
    return on_samples ? add_slot_sum(i, emit) : emit(program_.add_fixed(gradient_of(i), shape(i).size()));
  }
  const size_t r = root(i);
  const int target = gradient(i);
  if (!pass().has[r]) {
    pass().has[r] = true;
    return emit(target);
  }
  const int extra = add_buffer(shape(i).size());
  emit(extra);
  add_to(target, extra, node(i));
}

void Planner::pass_gradient(int i, int buffer) {
  if (!wants_gradient(i)) return;
  const size_t r = root(i);
  if (!node(i).batched) {
    const int64_t n = shape(i).size();
    return add_gradient(i, [&](int dx) {
      Task task;
      task.name = "gradient by " + node(i).name;
      task.buffers = {dx, buffer};
      task.run = [=, copy = kernels_.elementwise.copy_rows](const Work& w) {
        for (int64_t s = w.begin; s < w.end; ++s) copy(w.at(dx, s), n, w.at(buffer, s), n, 1, n);
      };
      add(std::move(task));
    });
  }
  if (pass().has[r]) return add_to(gradient(i), buffer, node(i));
  pass().gradient[r] = buffer;
  pass().has[r] = true;
}

// To the gradient by the output of `node`.
void Planner::add_to(int sum, int other, const Node& node) {
  const int64_t n = node.shape.size();
  Task task;
  task.name = "gradient sum of " + node.name;
  task.buffers = {sum, other};
  task.run = [=, add_up = kernels_.elementwise.add](const Work& w) {
    for (int64_t s = w.begin; s < w.end; ++s) add_up(w.at(sum, s), w.at(sum, s), w.at(other, s), n);
  };
  add(std::move(task));
}

}  // namespace pycnn
