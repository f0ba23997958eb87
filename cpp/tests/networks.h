// Small networks with random weights, and batches for them.
#pragma once

#include <algorithm>
#include <cstring>

#include "engine/network.h"
#include "graph/layers.h"
#include "runtime/dispatch.h"
#include "runtime/threads.h"
#include "tests/check.h"

namespace pycnn::testing {

// Adds layers one behind the other; add returns the node, for those that need two.
class Layers {
 public:
  explicit Layers(std::vector<int64_t> input) { last_ = graph_.add("input", InputNode{}, {}, {std::move(input)}); }
  int add(Attributes attributes) { return add(std::move(attributes), {last_}); }
  int add(Attributes attributes, std::vector<int> inputs) {
    return last_ = graph_.add(next_name(), std::move(attributes), std::move(inputs));
  }
  int add(MapOp op, const std::vector<int>& inputs) { return last_ = add_map(graph_, next_name(), op, inputs); }
  int conv(int64_t filters, int64_t kernel, int64_t padding = 0, int64_t stride = 1, int64_t groups = 1) {
    return conv(last_, filters, {kernel, kernel},
                {{stride, stride}, {}, {padding, padding, padding, padding}, 0.0f, groups});
  }
  int conv(int x, int64_t filters, Pair kernel, const Conv2DNode& options, bool use_bias = true) {
    return last_ = add_conv2d(graph_, next_name(), x, filters, kernel, options, use_bias);
  }
  int max_pool(int64_t size) { return add(Pool2DNode{false, {size, size}, {size, size}, {}}); }
  int average_pool(int64_t size) { return add(Pool2DNode{true, {size, size}, {size, size}, {}}); }
  int activation(ActivationKind kind, float alpha = 0.0f) { return add(ActivationNode{{kind, alpha}}); }
  int relu() { return activation(ActivationKind::kRelu); }
  int tanh() { return activation(ActivationKind::kTanh); }
  int batch_norm(const BatchNormNode& options = {0.9f, 1e-3f}) {
    return last_ = add_batch_norm(graph_, next_name(), last_, options);
  }
  int scale_shift(float scale, float shift) {
    return last_ = add_scale_shift(graph_, next_name(), last_, scale, shift);
  }
  int flatten() { return last_ = graph_.add("flatten", ReshapeNode{}, {last_}, {{graph_.node(last_).shape.size()}}); }
  int dense(int64_t units) { return last_ = add_dense(graph_, next_name(), last_, units); }
  int softmax() { return add(SoftmaxNode{}); }

  const Graph& graph() const { return graph_; }
  int last() const { return last_; }

 private:
  std::string next_name() const { return "node " + std::to_string(graph_.nodes().size()); }

  Graph graph_;
  int last_;
};

// The deck's network, with fewer and odd channels.
inline Layers deck_layers() {
  Layers layers({12, 13, 1});
  layers.conv(18, 3), layers.relu(), layers.max_pool(2);
  layers.conv(17, 3), layers.relu(), layers.max_pool(2);
  layers.flatten();
  layers.dense(33), layers.relu();
  layers.dense(10), layers.softmax();
  return layers;
}

// Convolutions of shapes that suit Winograd's form, with every kind of epilogue behind them.
inline Layers winograd_layers() {
  Layers layers({12, 12, 16});
  layers.conv(16, 3, 1), layers.tanh(), layers.max_pool(2);
  layers.conv(24, 3, 1), layers.relu();
  layers.conv(40, 3, 1), layers.relu(), layers.max_pool(2);  // more weights than one range of the update
  layers.conv(16, 3, 1), layers.relu(), layers.max_pool(3);
  layers.flatten(), layers.dense(10), layers.softmax();
  return layers;
}

// Every operation that does not see the whole batch, on branches that meet again. All of it is smooth.
inline Layers branched_layers() {
  Layers layers({8, 9, 3});
  const int root = layers.add(Pad2DNode{{1, 1, 0, 2}, PadMode::kReflect, 0.0f});
  const int linear = layers.conv(6, 3, 1, 2);
  const int left = layers.tanh();
  layers.conv(root, 6, {3, 3}, {{2, 2}, {}, {1, 1, 1, 1}, 0.5f, 3});  // depthwise, 2 kernels a channel
  const int right = layers.activation(ActivationKind::kGelu);
  const int sum = layers.add(AddNode{}, {left, right, linear, left});
  const int product = layers.add(MapOp::kMultiply, {left, right, sum});
  layers.conv(sum, 4, {1, 2}, {{}, {1, 2}, {0, 0, 1, 1}, 0.0f, 2}, false);
  const int grouped = layers.activation(ActivationKind::kElu, 1.0f);
  layers.add(ConcatNode{}, {product, grouped, product});
  layers.scale_shift(1.5f, -0.25f);
  layers.add(Pool2DNode{true, {2, 2}, {1, 2}, {0, 1, 1, 0}, true});
  layers.dense(7), layers.activation(ActivationKind::kSilu);  // on every pixel
  layers.flatten(), layers.dense(12), layers.tanh();
  layers.dense(5), layers.softmax();
  return layers;
}

// What has kinks: max-pools that fuse in other ways or not at all, maxout, ReLUs.
inline Layers kinked_layers() {
  Layers layers({17, 22, 2});
  layers.conv(12, 2), layers.max_pool(2), layers.activation(ActivationKind::kLeakyRelu, 0.2f);
  layers.conv(12, 3, 1, 1, 12), layers.relu(), layers.add(Pool2DNode{false, {1, 2}, {1, 2}, {}});
  layers.conv(9, 1), layers.add(Pool2DNode{false, {3, 2}, {1, 1}, {}});
  layers.conv(7, 1), layers.add(Pool2DNode{false, {2, 2}, {2, 2}, {1, 1, 1, 0}});
  layers.conv(8, 2, 1), layers.activation(ActivationKind::kRelu, 0.1f), layers.max_pool(3);
  layers.add(MaxoutNode{2});
  layers.flatten(), layers.dense(9), layers.relu();
  layers.dense(4), layers.softmax();
  return layers;
}

// Batch normalization behind a convolution, with a ReLU, and behind a dense layer; one that is frozen.
inline Layers norm_layers() {
  Layers layers({7, 6, 3});
  layers.conv(9, 3, 1), layers.batch_norm(), layers.activation(ActivationKind::kSoftplus);
  layers.conv(8, 3), layers.batch_norm({0.9f, 1e-3f, true, true, true}), layers.tanh();
  layers.batch_norm({0.9f, 1e-3f, true, false});
  layers.flatten(), layers.dense(12), layers.batch_norm({0.9f, 1e-3f, false, true}), layers.tanh();
  layers.dense(5), layers.softmax();
  return layers;
}

// Dense layers that are split by outputs, and dropout.
inline Layers large_dense_layers(float rate) {
  Layers layers({260});
  layers.dense(257), layers.tanh();
  layers.add(DropoutNode{rate});
  layers.dense(320), layers.tanh();  // whole panels: its weights are read as they lie
  layers.add(DropoutNode{rate / 2});
  layers.dense(5), layers.softmax();
  return layers;
}

// Dense layers on several rows of a sample, the first with as many weights as one that is split.
inline Layers dense_rows_layers() {
  Layers layers({3, 257});
  layers.dense(260), layers.tanh();
  layers.dense(4), layers.softmax();
  return layers;
}

// Maps so large that a block is only a few samples.
inline Layers large_map_layers() {
  Layers layers({40, 41, 1});
  layers.conv(16, 3), layers.tanh();
  layers.conv(8, 3, 1, 2), layers.tanh();
  layers.average_pool(10), layers.flatten();
  layers.dense(4), layers.softmax();
  return layers;
}

inline void fill_weights(Network& network, uint32_t seed) {
  Parameters& parameters = network.parameters();
  for (int p = 0; p < parameters.count(); ++p) {
    const Variable& variable = parameters.variable(p);
    const int64_t n = variable.size(), fan_in = variable.dims().size() > 1 ? n / variable.dims().back() : 1;
    const float limit = std::sqrt(3.0f / static_cast<float>(fan_in));
    Floats values = random_floats(n, seed + static_cast<uint32_t>(p), -limit, limit);
    const bool around_one = variable.name() == "gamma" || variable.name() == "moving_variance";
    for (float& v : values) v = fan_in > 1 ? v : around_one ? 1.0f + 0.2f * v : 0.2f * v;
    std::memcpy(parameters.weights(p), values.data(), values.size() * sizeof(float));
  }
  parameters.touch();
}

// The same graph with variables of its own: a copy of a graph shares them.
inline Graph with_own_variables(const Graph& graph) {
  Graph copy;
  for (const Node& node : graph.nodes()) {
    const auto* parameter = std::get_if<ParameterNode>(&node.attributes);
    if (!parameter) {
      copy.add(node.name, node.attributes, node.inputs, node.shape);
      continue;
    }
    const Variable& v = *graph.variables()[static_cast<size_t>(parameter->variable)];
    copy.parameter(std::make_shared<Variable>(v.name(), v.dims(), v.trainable()));
  }
  return copy;
}

// A network with the kernels of one ISA and weights of its own.
inline std::unique_ptr<Network> make_network(const KernelTable& kernels, const Graph& graph, std::vector<int> outputs,
                                             uint32_t seed = 7) {
  set_active_isa(kernels.isa);
  auto network = std::make_unique<Network>(with_own_variables(graph), std::move(outputs));
  fill_weights(*network, seed);
  return network;
}
inline std::unique_ptr<Network> make_network(const KernelTable& kernels, const Layers& layers, uint32_t seed = 7) {
  return make_network(kernels, layers.graph(), {layers.last()}, seed);
}

// Samples for a network, with everything that a loss could ask for.
struct Data {
  Data(const Network& network, int64_t samples)
      : columns(network.output_shape().c()), rows(network.output_shape().size() / columns),
        x(random_floats(samples * network.input_shape().size(), 11, -1, 1)),
        targets(random_floats(samples * rows * columns, 12, 0, 1)), weight(random_floats(samples, 13, 0.5f, 1.5f)),
        samples(samples) {
    std::mt19937 generator(14);
    for (int64_t i = 0; i < samples * rows; ++i)
      labels.push_back(static_cast<int32_t>(generator() % static_cast<uint32_t>(columns)));
  }
  Batch batch(LossKind loss) const {
    Batch b;
    b.samples = samples;
    b.inputs = {{x.data()}};
    if (loss == LossKind::kSparseCategoricalCrossentropy) b.targets = {{labels.data()}};
    else b.targets = {{nullptr, targets.data()}};
    return b;
  }

  int64_t columns, rows;
  Floats x, targets, weight;
  std::vector<int32_t> labels;
  int64_t samples;
};

// One loss of a network's first output, and metrics of it.
inline Objective objective_of(const Network& network, LossKind loss, bool from_logits = false,
                              const std::vector<MetricKind>& metrics = {}) {
  Objective objective;
  objective.losses.push_back({network.outputs()[0], loss, from_logits});
  for (const MetricKind metric : metrics) objective.metrics.push_back({network.outputs()[0], metric});
  return objective;
}

inline std::shared_ptr<Optimizer> make_optimizer(OptimizerKind kind = OptimizerKind::kNone) {
  OptimizerSpec spec;
  spec.kind = kind;
  return std::make_shared<Optimizer>(spec);
}

inline void compile(Network& network, LossKind loss, OptimizerKind optimizer = OptimizerKind::kNone) {
  network.compile(objective_of(network, loss), make_optimizer(optimizer));
}

inline Floats predict(Network& network, const Floats& x) {
  const int64_t samples = static_cast<int64_t>(x.size()) / network.input_shape().size();
  Guarded out(samples * network.output_shape().size());
  Batch batch;
  batch.samples = samples;
  batch.inputs = {{x.data()}};
  batch.outputs = {out.data()};
  network.predict(batch);
  CHECK(out.intact());
  return out.values();
}

inline Floats all_weights(Network& network) {
  Floats all;
  for (int p = 0; p < network.parameters().count(); ++p)
    all.insert(all.end(), network.parameters().weights(p),
               network.parameters().weights(p) + network.parameters().size(p));
  return all;
}
inline Floats all_gradients(Network& network) {
  Floats all;
  for (int p = 0; p < network.parameters().count(); ++p)
    all.insert(all.end(), network.parameters().gradient(p),
               network.parameters().gradient(p) + network.parameters().size(p));
  return all;
}

// The number of threads, set back at the end of a test.
class Threads {
 public:
  explicit Threads(int threads) : before_(num_threads()) { set_num_threads(threads); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace pycnn::testing
