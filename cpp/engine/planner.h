// Turns a graph into a program. Each operation is a function plan_<operation> (operations/): it adds its forward tasks
// at once and leaves a closure that adds its backward tasks; the closures run in reverse order.
#pragma once

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "engine/parameters.h"
#include "engine/program.h"
#include "graph/graph.h"
#include "kernels/table.h"

namespace pycnn {

enum class Mode { kPredict, kTest, kTrain };

enum class LossKind {
  kSparseCategoricalCrossentropy,
  kCategoricalCrossentropy,
  kBinaryCrossentropy,
  kMeanSquaredError
};
enum class MetricKind { kNone, kSparseCategoricalAccuracy, kCategoricalAccuracy, kBinaryAccuracy };

struct Objective {
  LossKind loss = LossKind::kMeanSquaredError;
  bool from_logits = false;
  MetricKind metric = MetricKind::kNone;
  float threshold = 0.5f;  // of binary accuracy
};

class Planner {
 public:
  Planner(const Graph& graph, int output, const Parameters& parameters, const KernelTable& kernels, Mode mode,
          const Objective& objective, bool exact, Program& program);
  void plan();

  // --- for the operations ---
  const KernelTable& kernels() const { return kernels_; }
  const Conv2DKernels& conv2d(Precision p) const {
    return p == Precision::kBfloat16 ? kernels_.bf16.conv2d : kernels_.conv2d;
  }
  const GemmKernels& gemm(Precision p) const { return p == Precision::kBfloat16 ? kernels_.bf16.gemm : kernels_.gemm; }
  bool training() const { return mode_ == Mode::kTrain; }
  bool splits_samples() const { return program_.split_samples; }
  int64_t samples_together() const { return program_.single_sample ? 1 : kGroup; }  // that share a look at weights
  bool exact() const { return exact_; }                                             // convolutions by direct sums only
  const Node& node(int i) const { return graph_.node(i); }
  const Shape& shape(int i) const { return node(i).shape; }
  template <class T>
  const T& attributes(int i) const {
    return std::get<T>(node(i).attributes);
  }

  const float* weights(int parameter) const { return parameters_.weights(parameter); }
  float* mutable_weights(int parameter) const { return parameters_.weights(parameter); }
  // Of the parameter that the node calls so; null where it has none of that name.
  float* find_weights(int node_index, const char* name) const;
  float* gradient_of(int parameter);                      // memory for the whole gradient by this use of it
  int parameter(int node_index, const char* name) const;  // -1 where the node has none of that name

  int value(int node_index);     // the buffer of a node's output
  int gradient(int node_index);  // the buffer of the loss's gradient by it
  // For the only consumer of a value, or of a gradient, that lets it wait for the whole batch: the buffer from which
  // later stages read it. Where only the present stage has worked on it this is a new one, which the caller fills: a
  // convolution that writes here and there waits less for a thread's own memory.
  int stored_value(int node_index);
  int stored_gradient(int node_index) { return stored(gradient_[static_cast<size_t>(root(node_index))]); }
  // Where a node's output is written: its channels begin at `channel` of pixels `pixel` floats apart.
  struct Place {
    int buffer;
    int64_t channel, pixel;
  };
  Place own_place(int node_index) { return {value(node_index), 0, shape(node_index).c()}; }
  // For an operation that can leave gaps between pixels: in inference, a concatenation that alone takes the output has
  // it written where it belongs.
  Place place(int node_index);
  bool is_placed(int node_index) const { return placed_[static_cast<size_t>(node_index)]; }
  // The node's output is its input's, unchanged.
  void alias(int node_index, int of);
  bool wants_gradient(int node_index) const;
  bool has_gradient(int node_index) const { return has_gradient_[static_cast<size_t>(root(node_index))]; }

  // Tells how to make the value of a node again, for the way back of the one that takes it: `remake(y)` adds the task
  // that writes it to buffer y. Nobody then has to keep it. Where several take it, it is kept.
  void on_recall(int node_index, std::function<void(int y)> remake);
  int recall(int node_index);  // in the way back: the buffer that holds the value

  Task& add(Task task);
  void on_backward(std::function<void()> add_tasks);
  // Lets `emit` add the tasks that overwrite buffer `dx` with the gradient by a node's output; where an earlier task
  // has written that gradient, the two are added. Does nothing where nobody wants it.
  void add_gradient(int node_index, const std::function<void(int dx)>& emit);
  // Adds `buffer`, which no later task of the caller reads, to the gradient by a node's output: it becomes that
  // gradient where there is none yet.
  void pass_gradient(int node_index, int buffer);

  // Room for a parameter's gradient in every slot; the update step sums the slots. `transposed`: the tasks write it as
  // (last axis, all others).
  int64_t reserve_slot(int parameter, bool transposed = false);
  void prepare(int64_t pieces, const std::function<void(int64_t)>& run);
  void needs_whole_batch() { program_.whole_batch = true; }
  int add_buffer(int64_t floats) { return program_.add_buffer(floats); }

  int only_consumer(int node_index) const;  // -1 where there are none or several
  // The activation, pool, batch normalization or sum that a node's only consumer is, and that may be fused behind it;
  // -1 if none.
  int fusable_activation(int node_index) const;
  int fusable_pool(int node_index) const;
  int foldable_batch_norm(int node_index) const;  // in inference only: its statistics are constants there
  int fusable_sum(int node_index) const;          // of two, the other one planned before
  void mark_planned(int node_index);
  bool is_planned(int node_index) const { return planned_[static_cast<size_t>(root(node_index))]; }

 private:
  int root(int node_index) const;
  int stored(int& buffer);
  void add_to(int sum, int other, const Node& node);
  void plan_node(int node_index);
  bool waits_for_batch(int node_index) const;
  void plan_siblings(int node_index);
  void find_needed();

  const Graph& graph_;
  int output_;
  const Parameters& parameters_;
  const KernelTable& kernels_;
  Mode mode_;
  Objective objective_;
  bool exact_;
  Program& program_;
  std::vector<int> alias_, value_, gradient_, consumers_;
  std::vector<bool> needed_, planned_, placed_, has_gradient_, wants_gradient_;
  std::vector<std::pair<int, std::function<void()>>> backward_;  // by node
  int current_ = -1;                                             // the node that is being planned
  bool in_backward_ = false;
  struct Recall {
    int maker;  // a node
    std::function<void(int)> remake;
    int buffer = -1;  // once remade
  };
  std::map<int, Recall> recalls_;  // by node

 public:
  std::vector<GradientParts> gradients;  // of each parameter
};

// operations/, one file each
void plan_input(Planner&, int node);
void plan_conv2d(Planner&, int node);
void plan_dense(Planner&, int node);
void plan_activation(Planner&, int node);
void plan_softmax(Planner&, int node);
void plan_maxout(Planner&, int node);
void plan_pool2d(Planner&, int node);
void plan_dropout(Planner&, int node);
void plan_batch_norm(Planner&, int node);
void plan_pad2d(Planner&, int node);
void plan_scale_shift(Planner&, int node);
void plan_add(Planner&, int node);
void plan_multiply(Planner&, int node);
void plan_concat(Planner&, int node);
void plan_output(Planner&, int node);
void plan_loss(Planner&, int node, const Objective&);

// Whether f is a bound from below that a product's epilogue applies for free; if so *lower is that bound.
bool is_clamp(const Activation& f, float* lower);

}  // namespace pycnn
