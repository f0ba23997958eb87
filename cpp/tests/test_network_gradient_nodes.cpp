// Gradients that are values of a graph.
#include "tests/values.h"

namespace pycnn::testing {
namespace {

// Outputs in a prediction and in a training step, for batches that are split, and for several chunks.
void check_outputs(const KernelTable& kernels, const std::string& name, const Graph& graph,
                   const std::vector<int>& outputs, const std::vector<int64_t>& batches = {1, 3}) {
  const auto network = make_values_network(kernels, graph, outputs);
  for (const int64_t samples : batches) {
    const std::string text = name + ", batch of " + std::to_string(samples);
    const Inputs inputs(*network, samples);
    const Reference reference(network->graph(), inputs.x, samples);
    for (const int threads : {1, 4}) {
      const Threads set(threads);
      for (const bool training : {false, true}) {
        const std::vector<Floats> got = predict_all(*network, inputs.batch(), training);
        for (size_t k = 0; k < outputs.size(); ++k)
          check_all_near(got[k], reference.value(outputs[k]), text + ", output " + std::to_string(k));
      }
    }
  }
}

// Convolutions and dense layers with smooth activations between them, and the nodes on the way.
struct Chain {
  Values v;
  int input, first_kernel, map, second_kernel, flat, scores;
  Chain() {
    input = v.input({5, 5, 2});
    first_kernel = v.parameter({3, 3, 2, 4});
    map = v.tanh(v.add(Conv2DNode{{}, {}, {1, 1, 1, 1}}, {input, first_kernel}));
    second_kernel = v.parameter({3, 3, 4, 6});
    const int pooled = v.add(Pool2DNode{true, {2, 2}, {1, 1}, {}}, {v.tanh(v.add(Conv2DNode{}, {map, second_kernel}))});
    flat = v.add(ReshapeNode{}, {pooled}, {24});
    scores = v.add(SoftmaxNode{true}, {v.add(DenseNode{}, {flat, v.parameter({24, 3})})});
  }
  int score(int number) { return v.add(ReshapeNode{}, {v.add(StridedNode{number, {1}}, {scores}, {1})}, {}); }
};

}  // namespace

TEST(gradient_nodes_by_inputs_maps_and_weights) {
  Chain c;
  const int of = c.score(1);
  const std::vector<int> by = {c.input, c.map, c.flat, c.first_kernel, c.second_kernel, c.scores};
  std::vector<int> all;
  for (const int node : by) {
    const int g = c.v.gradient(of, node);
    all.push_back(g);
    const Node& n = c.v.graph.node(g);
    CHECK(n.shape.dims == c.v.graph.shape(node).dims && n.batched == c.v.graph.node(node).batched);
    check_outputs(kernels, "by " + c.v.graph.node(node).name, c.v.graph, {g});
  }
  check_outputs(kernels, "by all of them", c.v.graph, all);
}

TEST(gradient_nodes_by_what_they_are_of) {
  Values v;
  const int x = v.input({4}), y = v.tanh(x);
  check_outputs(kernels, "of itself", v.graph, {v.gradient(y, y), v.gradient(x, x)});
}

TEST(gradient_nodes_asked_for_twice) {
  Chain c;
  const int of = c.score(0), again = c.score(0);
  const std::vector<int> all = {c.v.gradient(of, c.map), c.v.gradient(of, c.map), c.v.gradient(again, c.map),
                                c.v.gradient(of, c.second_kernel), c.v.gradient(of, c.second_kernel)};
  check_outputs(kernels, "twice", c.v.graph, all);
}

TEST(gradient_nodes_of_several) {
  Chain c;
  const int first = c.score(0), second = c.score(2), norm = c.v.sum(c.v.map(MapOp::kSquare, {c.first_kernel}));
  check_outputs(kernels, "several", c.v.graph,
                {c.v.gradient(first, c.input), c.v.gradient(second, c.input), c.v.gradient(norm, c.first_kernel),
                 c.v.gradient(second, c.first_kernel)});
}

// What has no batch axis, of and by: means over the batch, and weights on the way.
TEST(gradient_nodes_without_a_batch_axis) {
  Values v;
  const int x = v.input({4}), p = v.parameter({4}), doubled = v.map(MapOp::kSin, {p});
  const int y = v.map(MapOp::kMultiply, {v.tanh(x), doubled});
  const int mean = v.add(BatchReduceNode{true}, {y}), squares = v.sum(v.map(MapOp::kSquare, {mean}));
  check_outputs(kernels, "of a mean", v.graph,
                {v.gradient(squares, x), v.gradient(squares, mean), v.gradient(squares, p)});
  check_outputs(kernels, "by weights that are computed", v.graph,
                {v.gradient(y, doubled), v.gradient(squares, doubled)});
}

// Values of gradients in what follows: an attribution map, and the step of a gradient descent inside the graph.
TEST(gradient_nodes_in_expressions) {
  Chain c;
  const int g = c.v.gradient(c.score(2), c.map);
  const int importance = c.v.add(ReduceNode{ReduceKind::kMean, 1, 25, 4}, {g}, {1, 1, 4});
  const int attribution =
      c.v.add(ReduceNode{ReduceKind::kSum, 25, 4, 1}, {c.v.map(MapOp::kMultiply, {importance, c.map})}, {5, 5});
  check_outputs(kernels, "attribution", c.v.graph, {attribution, importance});

  Values v;
  const int x = v.input({3}), start = v.parameter({3});
  const int energy = v.map(MapOp::kSquare, {v.map(MapOp::kSubtract, {v.map(MapOp::kSin, {start}), x})});
  const int moved = v.map(MapOp::kSubtract, {start, v.gradient(energy, start)});
  check_outputs(kernels, "descent", v.graph, {moved, v.map(MapOp::kMultiply, {moved, x})}, {1, 9, 130});
}

// Nodes that no gradient reaches: it is zero there.
TEST(gradient_nodes_through_steps) {
  Values v;
  const int x = v.input({2, 3}), p = v.parameter({3});
  const int y = v.map(MapOp::kMultiply, {x, p});
  const int highest = v.add(ReduceNode{ReduceKind::kArgmax, 2, 3, 1}, {y}, {2});
  const auto network = make_values_network(
      kernels, v.graph,
      {v.gradient(highest, x), v.gradient(highest, p), v.gradient(v.add(StopGradientNode{}, {y}), x)});
  const Inputs inputs(*network, 3);
  for (const Floats& g : predict_all(*network, inputs.batch()))
    for (const float value : g) CHECK_EQUAL(value, 0.0f, "a step");
}

// A node that is asked for is seen where activations and pools would otherwise be fused into what makes it.
TEST(gradient_nodes_within_fused_layers) {
  Values v;
  const int x = v.input({8, 8, 3}), kernel = v.parameter({3, 3, 3, 8}), bias = v.parameter({8});
  const int conv = v.add(Conv2DNode{}, {x, kernel, bias});
  const int relu = v.add(ActivationNode{{ActivationKind::kRelu}}, {conv});
  const int pool = v.add(Pool2DNode{false, {2, 2}, {2, 2}, {}}, {relu});
  const int of = v.sum(v.map(MapOp::kSquare, {pool}));
  for (const int by : {x, conv, relu, pool, kernel, bias})
    check_outputs(kernels, "by " + v.graph.node(by).name, v.graph, {v.gradient(of, by)});
}

// The values of a training step: those of compute_gradients, where they are the gradients of the same sum.
TEST(gradient_nodes_agree_with_compute_gradients) {
  Chain c;
  const int loss = c.score(1);
  const int by_first = c.v.gradient(loss, c.first_kernel), by_second = c.v.gradient(loss, c.second_kernel);
  const auto network = make_values_network(kernels, c.v.graph, {by_first, by_second});
  network->compile(value_losses({loss}), make_optimizer());
  for (const int64_t samples : {1, 8, 64}) {  // powers of two: the mean is the sum, scaled without rounding
    const Inputs inputs(*network, samples);
    Batch batch = inputs.batch();
    std::vector<Floats> outputs = predict_all(*network, batch);
    for (Floats& y : outputs) {
      y.assign(y.size(), kNan);
      batch.outputs.push_back(y.data());
    }
    network->compute_gradients(batch);  // both passes in one program
    for (int p = 0; p < 2; ++p) {
      for (float& g : outputs[static_cast<size_t>(p)]) g /= static_cast<float>(samples);
      CHECK(same_bits(outputs[static_cast<size_t>(p)], gradient_of(*network, p)));
    }
  }
}

// No second derivative: a gradient's value is a constant to what is behind it.
TEST(gradient_nodes_are_not_differentiated) {
  Values v;
  const int unused = v.input({1}), p = v.parameter({3});
  const int squares = v.sum(v.map(MapOp::kSquare, {p}));
  const int g = v.gradient(squares, p), loss = v.sum(v.map(MapOp::kMultiply, {g, p}));  // 2 p p, of which p is a factor
  const auto network = make_values_network(kernels, v.graph, {unused});
  network->compile(value_losses({loss}), make_optimizer());
  const Inputs inputs(*network, 2);
  network->compute_gradients(inputs.batch());
  const float* weights = network->parameters().weights(0);
  const Floats got = gradient_of(*network, 0);
  for (int i = 0; i < 3; ++i) CHECK_EQUAL(got[static_cast<size_t>(i)], 2.0f * weights[i], i);
}

}  // namespace pycnn::testing
