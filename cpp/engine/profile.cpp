#include "engine/profile.h"

#include <algorithm>

#include "engine/runner.h"
#include "graph/graph.h"

namespace pycnn {
namespace {

// Rows of one layer, phase and algorithm are one.
void add(Profile& profile, ProfileRow row) {
  for (ProfileRow& other : profile.rows)
    if (other.layer == row.layer && other.phase == row.phase && other.algorithm == row.algorithm) {
      other.seconds += row.seconds;
      other.flops += row.flops;
      other.bytes += row.bytes;
      return;
    }
  profile.rows.push_back(std::move(row));
}

// The parameter that a value is, in whatever shape; -1 for all others.
int parameter_of(const Graph& graph, int node) {
  while (graph.as<ReshapeNode>(node)) node = graph.node(node).inputs[0];
  const auto* parameter = graph.as<ParameterNode>(node);
  return parameter ? parameter->variable : -1;
}

// Weights of a node, in bytes.
double weight_bytes(const Graph& graph, int node, const Parameters& parameters) {
  double floats = 0;
  if (node >= 0)
    for (int input : graph.node(node).inputs)
      if (const int p = parameter_of(graph, input); p >= 0) floats += static_cast<double>(parameters.size(p));
  return 4.0 * floats;
}

// The type of the samples that an input node is given.
SourceType type_of(const Graph& graph, int node, const Batch& batch) {
  size_t number = 0;
  for (int i = 0; i < node; ++i) number += graph.as<InputNode>(i) != nullptr;
  return batch.inputs[number].type;
}

double task_bytes(const Task& task, int64_t calls, const Plan& plan, const Graph& graph, const Parameters& parameters,
                  const Batch& batch) {
  const Program& program = plan.program;
  double sample = 0;
  for (int b : task.buffers) {
    const Buffer& buffer = program.buffers[static_cast<size_t>(b)];
    if (!buffer.common) sample += 4.0 * static_cast<double>(buffer.floats);
  }
  if (task.node >= 0 && graph.as<InputNode>(task.node))
    sample += static_cast<double>(graph.shape(task.node).size() * bytes_of(type_of(graph, task.node, batch)));
  const double samples = static_cast<double>(batch.samples);
  if (task.flops == 0) return samples * sample;
  // Pieces read a part of the weights each. A backward pass also adds to the gradient by them.
  const int64_t pieces = task.kind == Task::kSplit || program.cut.splits_samples ? task.pieces : 1;
  const double times = static_cast<double>(std::max<int64_t>(calls / pieces, 1));
  const double own = weight_bytes(graph, task.node, parameters);
  const double read = task.weights > 0 ? 4.0 * static_cast<double>(task.weights) : own;
  return samples * sample + times * (read + (task.backward ? own : 0));
}

void add_tasks(Profile& profile, const Timers& timers, const Plan& plan, const Graph& graph,
               const Parameters& parameters, const Batch& batch) {
  for (size_t i = 0; i < plan.program.tasks.size(); ++i) {
    const Task& task = plan.program.tasks[i];
    if (task.packs) {
      add(profile, {graph.node(task.node).name, Phase::kPacking, "", timers.seconds(i), 0,
                    2 * weight_bytes(graph, task.node, parameters)});
      continue;
    }
    add(profile,
        {task.node >= 0 ? graph.node(task.node).name : task.name, task.backward ? Phase::kBackward : Phase::kForward,
         task.algorithm, timers.seconds(i), task.flops * static_cast<double>(batch.samples),
         task_bytes(task, timers.calls(i), plan, graph, parameters, batch)});
  }
}

void add_preparations(Profile& profile, const Timers& timers, const Plan& plan, const Graph& graph,
                      const Parameters& parameters) {
  const auto& preparations = plan.program.preparations;
  for (size_t i = 0; i < preparations.size(); ++i) {
    const size_t item = plan.program.tasks.size() + i;
    if (timers.calls(item) == 0) continue;
    const int node = preparations[i].node;
    const auto of_node = [&](const Preparation& p) { return p.node == node; };
    const double pieces = static_cast<double>(std::count_if(preparations.begin(), preparations.end(), of_node));
    add(profile, {graph.node(node).name, Phase::kPacking, "", timers.seconds(item), 0,
                  2 * weight_bytes(graph, node, parameters) / pieces});
  }
}

// The name of the first node that computes with a parameter.
std::string owner_of(const Graph& graph, int parameter) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    if (parameter_of(graph, i) >= 0) continue;
    for (int input : graph.node(i).inputs)
      if (parameter_of(graph, input) == parameter) return graph.node(i).name;
  }
  return "";
}

void add_updates(Profile& profile, const Timers& timers, const Plan& plan, const Graph& graph,
                 const Parameters& parameters, const Batch& batch, const Optimizer* optimizer) {
  const int64_t samples = std::min(plan.program.capacity(), batch.samples);
  for (int p = 0; p < parameters.count(); ++p) {
    const size_t item = plan.program.tasks.size() + plan.program.preparations.size() + static_cast<size_t>(p);
    if (timers.calls(item) == 0) continue;
    const GradientParts& parts = plan.gradients[static_cast<size_t>(p)];
    const int64_t read = static_cast<int64_t>(parts.slots.size()) * plan.program.slot_count(samples) +
                         static_cast<int64_t>(parts.further.size());
    double arrays = read > 0 ? static_cast<double>(read + 1) : 0;  // and their sum written
    // The gradient, and weights and state, both read and written.
    if (optimizer && parameters.trainable(p)) arrays += 3 + 2 * static_cast<double>(optimizer->slot_names().size());
    add(profile, {owner_of(graph, p), Phase::kUpdate, "", timers.seconds(item), 0,
                  4.0 * arrays * static_cast<double>(parameters.size(p))});
  }
}

std::vector<std::pair<std::string, std::string>> fused(const Profile& profile, const Program& program,
                                                       const Graph& graph) {
  std::vector<std::pair<std::string, std::string>> found;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const std::string& name = graph.nodes()[i].name;
    const int node = static_cast<int>(i);
    if (graph.as<ConstantNode>(node) || parameter_of(graph, node) >= 0) continue;
    const auto named = [&](const ProfileRow& row) { return row.layer == name; };
    if (std::any_of(profile.rows.begin(), profile.rows.end(), named)) continue;
    const int by = program.done_by[i];
    const bool alone = by == -1 || by == node;
    found.emplace_back(name, alone ? "" : by == kByLoss ? "loss" : graph.node(by).name);
  }
  return found;
}

void add_stage(Profile& profile, std::string name, std::vector<StageCost::Alike> work) {
  const auto is_idle = [](const StageCost::Alike& each) { return each.pieces == 0; };
  work.erase(std::remove_if(work.begin(), work.end(), is_idle), work.end());
  if (!work.empty()) profile.stages.push_back({std::move(name), std::move(work)});
}

// Into how many pieces threads can share a stage of so many samples.
int64_t pieces_of(const Stage& stage, const Program& program, int64_t samples) {
  if (stage.kind == Task::kOnce || !stage.is_shared()) return 1;
  if (program.cut.splits_samples) return program.tasks[static_cast<size_t>(stage.begin)].pieces;
  return program.by_slots ? program.piece_count(stage, samples, 1) : samples;
}

void add_stages(Profile& profile, const Timers& timers, const Plan& plan, const Batch& batch) {
  const Program& program = plan.program;
  const double chunks = static_cast<double>((batch.samples + program.capacity() - 1) / program.capacity());
  const double repeats = program.cut.splits_samples ? static_cast<double>(timers.threads()) : 1.0;
  for (int64_t begin = 0; begin < batch.samples; begin += program.capacity()) {
    const int64_t samples = std::min(program.capacity(), batch.samples - begin);
    for (const Stage& stage : program.stages()) {
      std::vector<StageCost::Alike> work;
      double together = 0;
      const auto pieces_of_task = [&](int t) {
        return std::count_if(stage.pieces.begin(), stage.pieces.end(), [&](const Piece& piece) {
          const Task& task = program.tasks[static_cast<size_t>(t)];
          return piece.task == t && (!stage.is_cut || piece.group < program.group_count(task, samples));
        });
      };
      for (int t = stage.begin; t < stage.end; ++t) {
        const double seconds = timers.seconds(static_cast<size_t>(t)) / chunks;
        const int64_t pieces = pieces_of_task(t);
        if (pieces > 0) work.push_back({pieces, seconds / static_cast<double>(pieces)});
        else together += stage.repeated ? seconds / repeats : seconds;
      }
      const int64_t pieces = pieces_of(stage, program, samples);
      if (stage.pieces.empty()) work.push_back({pieces, together / static_cast<double>(pieces)});
      add_stage(profile, program.tasks[static_cast<size_t>(stage.begin)].name, std::move(work));
    }
  }
}

// Items of the timers, one by one.
void add_items(Profile& profile, const char* name, const Timers& timers, size_t first, size_t count) {
  std::vector<StageCost::Alike> work;
  for (size_t i = first; i < first + count; ++i) {
    const int64_t calls = timers.calls(i);
    if (calls > 0) work.push_back({calls, timers.seconds(i) / static_cast<double>(calls)});
  }
  add_stage(profile, name, std::move(work));
}

}  // namespace

void Timers::begin(int threads, size_t items) {
  threads_.assign(static_cast<size_t>(threads), std::vector<Cell>(items));
  start_ = Clock::now();
}

double Timers::seconds(size_t item) const {
  Clock::duration sum{};
  for (const std::vector<Cell>& thread : threads_) sum += thread[item].time;
  return std::chrono::duration<double>(sum).count();
}

int64_t Timers::calls(size_t item) const {
  int64_t sum = 0;
  for (const std::vector<Cell>& thread : threads_) sum += thread[item].calls;
  return sum;
}

Profile describe(const Timers& timers, const Plan& plan, const Parameters& parameters, const Batch& batch,
                 const Optimizer* optimizer) {
  const Graph& graph = plan.graph;
  Profile profile;
  profile.threads = timers.threads();
  profile.seconds = timers.seconds();
  profile.samples = batch.samples;
  add_tasks(profile, timers, plan, graph, parameters, batch);
  if (plan.has_gradients) add_updates(profile, timers, plan, graph, parameters, batch, optimizer);
  add_preparations(profile, timers, plan, graph, parameters);
  profile.fused = fused(profile, plan.program, graph);
  const size_t tasks = plan.program.tasks.size(), preparations = plan.program.preparations.size();
  add_items(profile, "packing", timers, tasks, preparations);
  add_stages(profile, timers, plan, batch);
  if (plan.has_gradients)
    add_items(profile, "update", timers, tasks + preparations, static_cast<size_t>(parameters.count()));
  return profile;
}

}  // namespace pycnn
