// Graphs of values for tests: parameters, constants and inputs, and what is computed of them.
#pragma once

#include "tests/graph_reference.h"
#include "tests/networks.h"

namespace pycnn::testing {

inline MapInstruction step(MapOp op, int32_t a = 0, int32_t b = 0, int32_t c = 0, float value = 0.0f) {
  return {op, a, b, c, value, {}};
}

struct Values {
  int input(const Dims& dims) { return graph.add(next_name("input"), InputNode{}, {}, {dims}); }
  int parameter(const Dims& dims) { return graph.parameter(std::make_shared<Variable>(next_name("weight"), dims)); }
  int constant(const Dims& dims, const Floats& values) {
    return graph.add(next_name("constant"), ConstantNode{std::make_shared<const Floats>(values)}, {}, {dims});
  }
  int random(const Dims& dims) {
    return constant(dims, random_floats(Shape{dims}.size(), static_cast<uint32_t>(graph.nodes().size()), -1, 1));
  }
  int add(Attributes attributes, const std::vector<int>& inputs, const Dims& requested = {}) {
    return graph.add(next_name("node"), std::move(attributes), inputs, {requested});
  }
  int map(MapOp op, const std::vector<int>& inputs) { return add_map(graph, next_name("map"), op, inputs); }
  int tanh(int x) { return add(ActivationNode{{ActivationKind::kTanh}}, {x}); }
  int sum(int x) {
    const int64_t n = graph.shape(x).size();
    return add(ReduceNode{ReduceKind::kSum, 1, n, 1}, {x}, {});
  }
  int gradient(int of, int by) { return add(GradientNode{}, {of, by}); }
  // Losses that no two values of y share: their gradients all differ.
  int weighted(int y) { return map(MapOp::kMultiply, {y, random(graph.shape(y).dims)}); }

  Graph graph;

 private:
  std::string next_name(const char* kind) const {
    return std::string(kind) + " " + std::to_string(graph.nodes().size());
  }
};

// Inputs for a network, and a batch of them.
struct Inputs {
  Inputs(const Network& network, int64_t samples) : samples(samples) {
    for (const int node : network.inputs())
      x.push_back(
          random_floats(samples * network.graph().shape(node).size(), 100 + static_cast<uint32_t>(node), -1, 1));
  }
  Batch batch() const {
    Batch b;
    b.samples = samples;
    for (const Floats& values : x) b.inputs.push_back({values.data()});
    return b;
  }

  int64_t samples;
  std::vector<Floats> x;
};

inline Objective value_losses(const std::vector<int>& nodes) {
  Objective objective;
  for (const int node : nodes) {
    objective.losses.push_back({node, LossKind::kValue});
    objective.losses.back().target = -1;
  }
  return objective;
}

inline void fill_evenly(Network& network) {
  for (int p = 0; p < network.parameters().count(); ++p) {
    const Floats values = random_floats(network.parameters().size(p), 50 + static_cast<uint32_t>(p), -1, 1);
    std::copy(values.begin(), values.end(), network.parameters().weights(p));
  }
  network.parameters().touch();
}

inline std::unique_ptr<Network> make_values_network(const KernelTable& kernels, const Graph& graph,
                                                    const std::vector<int>& outputs) {
  auto network = make_network(kernels, graph, outputs);
  fill_evenly(*network);
  return network;
}

// All outputs of a prediction.
inline std::vector<Floats> predict_all(Network& network, Batch batch, bool training = false) {
  std::vector<Guarded> arrays;
  for (const int node : network.outputs()) {
    const Node& n = network.graph().node(node);
    arrays.emplace_back((n.batched ? batch.samples : 1) * n.shape.size());
  }
  batch.outputs.clear();
  for (Guarded& array : arrays) batch.outputs.push_back(array.data());
  network.predict(batch, training);
  std::vector<Floats> values;
  for (const Guarded& array : arrays) {
    CHECK(array.intact());
    values.push_back(array.values());
  }
  return values;
}

inline int node_of(const Graph& graph, int parameter) {
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i)
    if (const auto* p = graph.as<ParameterNode>(i))
      if (p->variable == parameter) return i;
  return -1;
}

inline Floats gradient_of(Network& network, int parameter) {
  const Parameters& all = network.parameters();
  return Floats(all.gradient(parameter), all.gradient(parameter) + all.size(parameter));
}

// Outputs, losses and their gradients by all parameters, against the reference. Losses are means of nodes.
inline void check_values(const KernelTable& kernels, const std::string& name, const Graph& graph,
                         const std::vector<int>& outputs, const std::vector<int>& losses,
                         const std::vector<int64_t>& batches = {1, 3, 9}) {
  const auto network = make_values_network(kernels, graph, outputs);
  network->compile(value_losses(losses), make_optimizer());
  for (const int64_t samples : batches) {
    const std::string text = name + ", batch of " + std::to_string(samples);
    const Inputs inputs(*network, samples);
    Reference reference(network->graph(), inputs.x, samples);
    const std::vector<Floats> got = predict_all(*network, inputs.batch());
    for (size_t k = 0; k < outputs.size(); ++k)
      check_all_near(got[k], reference.value(outputs[k]), text + ", output " + std::to_string(k));
    const StepResult result = network->compute_gradients(inputs.batch());
    for (size_t k = 0; k < losses.size(); ++k)
      check_all_near({static_cast<float>(result.losses[k])}, {mean_of(reference.value(losses[k]))}, text + ", loss");
    for (int p = 0; p < network->parameters().count(); ++p) {
      Doubles slopes(static_cast<size_t>(network->parameters().size(p)));
      for (const int loss : losses) {
        const Doubles of_loss = reference.slopes(loss, node_of(network->graph(), p), mean_of);
        for (size_t i = 0; i < slopes.size(); ++i) slopes[i] += of_loss[i];
      }
      check_all_near(gradient_of(*network, p), slopes, text + ", gradient by weight " + std::to_string(p));
    }
  }
}

}  // namespace pycnn::testing
