// Turns a graph into a program. Each operation is a function plan_<operation> (operations/): it adds its forward tasks
// at once and leaves a closure that adds its backward tasks; the closures of a backward pass run in reverse order,
// those only that something which wants a gradient needs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/objective.h"
#include "engine/parameters.h"
#include "engine/program.h"
#include "graph/graph.h"
#include "kernels/table.h"

namespace pycnn {

// What a run shall do.
struct Request {
  bool training = false;   // dropout, and statistics of the batch
  bool outputs = true;     // write the outputs
  bool objective = false;  // evaluate losses and metrics
  bool gradients = false;  // and the gradients of the losses by what trains

  bool operator<(const Request& o) const {
    return std::tie(training, outputs, objective, gradients) <
           std::tie(o.training, o.outputs, o.objective, o.gradients);
  }
};

// A form of weights that kernels read: in memory of the program or, while a step goes on that will change them, in a
// buffer.
struct PackedWeights {
  const float* memory = nullptr;
  int buffer = -1;

  const float* at(const Work& w) const { return buffer >= 0 ? w.at(buffer, 0) : memory; }
  void add_to(std::vector<int>& buffers) const {  // what a task uses
    if (buffer >= 0) buffers.push_back(buffer);
  }
};

// Weights as a preparation finds them: in memory, or in a file.
class StoredWeights {
 public:
  explicit StoredWeights(const float* memory) : memory_(memory) {}
  explicit StoredWeights(const Variable& in_file) : variable_(&in_file) {}

  // Floats that at() needs for them: none where they are in memory.
  int64_t scratch_floats() const { return variable_ ? variable_->size() : 0; }
  const float* at(float* scratch) const { return variable_ ? variable_->read(scratch) : memory_; }  // FileError

 private:
  const float* memory_ = nullptr;
  const Variable* variable_ = nullptr;
};

class Planner {
 public:
  Planner(const Graph& graph, std::vector<int> outputs, const Parameters& parameters, const KernelTable& kernels,
          const Request& request, const Objective& objective, bool exact, Program& program);
  void plan();
  std::vector<GradientParts> gradients;  // of the losses by each parameter

  // --- for the operations ---
  const KernelTable& kernels() const { return kernels_; }
  const Conv2DKernels& conv2d(Precision p) const {
    return p == Precision::kBfloat16 ? kernels_.bf16.conv2d : kernels_.conv2d;
  }
  // What is computed where p is asked for.
  Precision precision(Precision p) const { return kernels_.bf16.rounds ? p : Precision::kFloat32; }
  const GemmKernels& gemm(Precision p) const { return p == Precision::kBfloat16 ? kernels_.bf16.gemm : kernels_.gemm; }
  bool training() const { return request_.training; }
  // Whether a backward pass will go through the operation that makes this value.
  bool differentiated(int node) const { return differentiated_[static_cast<size_t>(node)]; }
  bool cuts_large_tasks() const { return program_.cut.large_tasks; }
  bool splits_samples() const { return program_.cut.splits_samples; }
  int64_t samples_together() const {
    return program_.cut.single_sample ? 1 : kGroup;
  }                                      // that share a pass over weights
  bool exact() const { return exact_; }  // convolutions by direct sums only
  const Graph& graph() const { return graph_; }
  const Node& node(int i) const { return graph_.node(i); }
  const Shape& shape(int i) const { return graph_.shape(i); }
  template <class T>
  const T& attributes(int i) const {
    return std::get<T>(node(i).attributes);
  }

  int value(int node);     // the buffer of a node's output
  int gradient(int node);  // the buffer of the gradient by it
  // Memory of a value without a batch axis, and of the whole gradient by it for one more use of it; null for node -1.
  float* weights(int node);
  float* gradient_of(int node);
  // The parameter whose step may be made by the task that makes all of its gradient, or -1: nothing else reads it.
  int updated_by_task(int node);
  // For the only consumer of a value, or of a gradient, that lets it wait for the whole batch: the buffer from which
  // later stages read it. Where only the present stage has worked on it this is a new one, which the caller fills: a
  // convolution that writes here and there waits less for a thread's own memory.
  int stored_value(int node);
  int stored_gradient(int node) { return stored(pass().gradient[root(node)]); }
  // Where a node's output is written: its channels begin at `channel` of pixels `pixel` floats apart.
  struct ChannelSlice {
    int buffer;
    int64_t channel, pixel;
  };
  ChannelSlice own_channels(int node) { return {value(node), 0, shape(node).c()}; }
  // For an operation that can leave gaps between pixels: where nothing is differentiated, a concatenation that alone
  // takes the output has it written where it belongs.
  ChannelSlice channels(int node);
  bool is_written_in_place(int node) const { return in_place_[static_cast<size_t>(node)]; }
  // The node's output is its input's, unchanged: no copy is made where none can be told from it.
  void pass_through(int node);
  bool wants_gradient(int node) const { return node >= 0 && pass().wants[static_cast<size_t>(node)]; }
  bool has_gradient(int node) const { return pass().has[root(node)]; }

  // Rematerialization: how to make the value of a node again for the backward pass of the one that takes it, so that
  // nobody has to keep it. `remake(y)` adds the task that writes it to buffer y. Where several take it, it is kept.
  void on_rematerialize(int node, std::function<void(int y)> remake);
  int rematerialized(int node);  // in the backward pass: the buffer that holds the value

  // A block task of nothing but values without a batch axis becomes a once task.
  Task& add(Task task);
  // A task that runs after all others.
  void add_last(Task task) { last_.emplace_back(current_, std::move(task)); }
  // add_tasks runs in a backward pass in which the gradient by `output` is there.
  void on_backward(int output, std::function<void()> add_tasks);
  // Lets `emit` add the tasks that overwrite buffer `dx` with the gradient by a node's output; where an earlier task
  // has written that gradient, the two are added. Does nothing where nobody wants it. Where the node has no batch axis
  // and the present one has, dx is the gradient of each sample, and their sum is taken.
  void add_gradient(int node, const std::function<void(int dx)>& emit);
  // Adds `buffer`, which no later task of the caller reads, to the gradient by a node's output: it becomes that
  // gradient where there is none yet.
  void pass_gradient(int node, int buffer);

  // Room for the gradient by a value without a batch axis in every slot. `transposed`: the tasks write it as (last
  // axis, all others).
  int64_t reserve_slot(int node, bool transposed = false);
  // Weights for a preparation: they may stay in a file for it.
  StoredWeights stored_weights(int node);
  // run(piece, scratch) brings the value of `weights`, which has no batch axis, into another form whenever it has
  // changed. What it throws ends the run.
  void prepare(const std::vector<int>& weights, int64_t pieces, const std::function<void(int64_t, float*)>& run,
               int64_t scratch_floats = 0);
  // The same of one value, which may stay in a file for it.
  void prepare_weights(int weights, int64_t pieces,
                       const std::function<void(const float* weights, int64_t piece)>& run);
  // run(packed, weights, piece) brings the value of `weights` into a form of so many floats, which block tasks read: a
  // split task that need not wait for the one before it might read while others still pack.
  PackedWeights pack(int weights, int64_t floats, int64_t pieces,
                     const std::function<void(float* packed, const float* weights, int64_t piece)>& run);
  void needs_whole_batch() { program_.whole_batch = true; }
  void writes_parameters() { program_.writes_parameters = true; }
  void deal_by_slots() { program_.by_slots = true; }
  int add_buffer(int64_t floats) { return program_.add_buffer(floats); }
  int add_fixed(float* memory, int64_t floats) { return program_.add_fixed(memory, floats); }
  float* add_memory(int64_t floats, MemoryKind kind) { return program_.add_memory(floats, kind); }

  // A backward pass from `of` for all the gradients of it that are asked for. Their values are written.
  void plan_gradients_of(int of);

  int only_consumer(int node) const;  // -1 where there are none or several
  // The activation, pool, batch normalization or sum that a node's only consumer is, and that may be fused into it;
  // -1 if none.
  int fusable_activation(int node) const;
  int fusable_pool(int node) const;
  int foldable_batch_norm(int node) const;  // whose statistics are constants, and which nothing differentiates
  int fusable_sum(int node) const;          // of two, the other one planned before
  void mark_planned(int node);
  bool is_planned(int node) const { return planned_[root(node)]; }
  bool has_weights(int node) const;  // whether all inputs of a layer but the first are there
  bool is_parameter(int node) const { return graph_.as<ParameterNode>(node) || graph_.as<ConstantNode>(node); }

 private:
  // The state of one backward pass.
  struct Pass {
    std::vector<int> gradient;  // buffers
    std::vector<bool> has, wants;
    std::map<int, std::shared_ptr<GradientParts>> parts;  // of values without a batch axis
    std::map<int, int> asked;                             // node -> buffer for its gradient
    bool by_parameters = false;                           // gradients of the losses, which the update sums up
  };
  Pass& pass() const { return *pass_; }
  size_t root(int node) const;
  int stored(int& buffer);
  void add_to(int sum, int other, const Node& node);
  void add_slot_sum(int node, const std::function<void(int dx)>& emit);
  void plan_node(int node);
  void plan_values();
  void plan_losses();
  bool waits_for_batch(int node) const;
  void plan_siblings(int node);
  void start_from_logits();
  void find_consumers();
  void find_differentiated();
  std::vector<bool> wanting(const std::vector<bool>& sources) const;
  std::vector<bool> trained() const;
  std::unique_ptr<Pass> new_pass(std::vector<bool> wants) const;
  void run_pass();
  void collect(int node, int buffer);
  void write_asked(int node);  // what is asked for of the gradient by a node that is complete
  GradientParts& parts_of(int node);

  const Graph& graph_;
  std::vector<int> outputs_;
  const Parameters& parameters_;
  const KernelTable& kernels_;
  Request request_;
  Objective objective_;
  bool exact_;
  Program& program_;
  std::vector<int> alias_, value_, consumer_, consumers_;
  std::vector<bool> needed_, kept_, sought_, planned_, in_place_, differentiated_;
  struct Backward {
    int node, output;
    std::function<void()> add_tasks;
  };
  std::vector<Backward> backward_;
  std::vector<std::pair<int, Task>> last_;  // by node
  std::unique_ptr<Pass> pass_;
  int current_ = -1;  // the node that is being planned
  bool in_backward_ = false;
  struct Remake {
    int maker;  // a node
    std::function<void(int)> remake;
    int buffer = -1;  // once remade
  };
  std::map<size_t, Remake> remakes_;  // by node
};

// operations/, one file a kind
void plan_input(Planner&, int node);
void plan_conv2d(Planner&, int node);
void plan_dense(Planner&, int node);
void plan_activation(Planner&, int node);
void plan_softmax(Planner&, int node);
void plan_maxout(Planner&, int node);
void plan_pool2d(Planner&, int node);
void plan_dropout(Planner&, int node);
void plan_uniform(Planner&, int node);
void plan_batch_norm(Planner&, int node);
void plan_pad2d(Planner&, int node);
void plan_add(Planner&, int node);
void plan_concat(Planner&, int node);
void plan_map(Planner&, int node);
void plan_reduce(Planner&, int node);
void plan_strided(Planner&, int node);
void plan_scatter(Planner&, int node);
void plan_matmul(Planner&, int node);
void plan_take(Planner&, int node);
void plan_batch_reduce(Planner&, int node);
void plan_host(Planner&, int node);
void plan_output(Planner&, int node, int number);
void plan_objective(Planner&, const Objective&);

// Whether f is a bound from below that a product's epilogue applies for free; if so *lower is that bound.
bool is_clamp(const Activation& f, float* lower);

// Whether a concatenation, of this shape, is along the last axis.
bool joins_channels(const ConcatNode& concat, const Shape& y);

// Whether the gradient goes from the output of a node to its input number k.
bool is_differentiable(const Node& node, size_t k);

}  // namespace pycnn
