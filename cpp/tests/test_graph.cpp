// Shapes, parameters and the error of every rule. A message names its node first.
#include <algorithm>
#include <functional>

#include "graph/graph.h"
#include "graph/infer.h"
#include "graph/layers.h"
#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::vector<int64_t> Dims;

// What a test adds to a graph after its input x, under the name y.
typedef std::function<int(Graph&, int x)> Added;

Added node(const Attributes& attributes, const Dims& requested = {}) {
  return [=](Graph& graph, int x) { return graph.add("y", attributes, {x}, {requested}); };
}
Added conv(int64_t filters, Pair kernel_size, Padding padding = {}, Pair strides = {}, Pair dilation = {},
           int64_t groups = 1) {
  return [=](Graph& graph, int x) {
    return add_conv2d(graph, "y", x, filters, kernel_size, {strides, dilation, padding, 0.0f, groups});
  };
}
Added dense(int64_t units, bool use_bias = true) {
  return [=](Graph& graph, int x) { return add_dense(graph, "y", x, units, use_bias); };
}
Added norm(const BatchNormNode& options) {
  return [=](Graph& graph, int x) { return add_batch_norm(graph, "y", x, options); };
}
Added pool(Pair size, Pair strides, Padding padding = {}) { return node(Pool2DNode{false, size, strides, padding}); }

Dims shape_after(const Dims& input, const Added& add) {
  Graph graph;
  return graph.shape(add(graph, graph.add("x", InputNode{}, {}, {input}))).dims;
}

void check_shape(const Dims& got, const Dims& want) {
  if (got != want) fail(__FILE__, __LINE__, "shape ", pycnn::text_of(got), ", not ", pycnn::text_of(want));
}

void check_error(const std::string& part, const std::function<void()>& run) {
  try {
    run();
    fail(__FILE__, __LINE__, "no error, but expected: ", part);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    if (message.rfind("y: ", 0) != 0 || message.find(part) == std::string::npos)
      fail(__FILE__, __LINE__, "the message is '", message, "', which lacks: ", part);
  }
}

void check_error_of(const std::string& part, const Dims& input, const Added& add) {
  check_error(part, [&] { shape_after(input, add); });
}

constexpr int64_t kHuge = int64_t{1} << 40;

}  // namespace

TEST(graph_shapes) {
  check_shape(shape_after({28, 28, 1}, conv(64, {3, 3})), {26, 26, 64});
  check_shape(shape_after({28, 27, 3}, conv(8, {3, 3}, {0, 1, 0, 1}, {2, 2})), {14, 13, 8});
  check_shape(shape_after({9, 9, 4}, conv(6, {3, 2}, {}, {1, 2}, {2, 3}, 2)), {5, 3, 6});
  check_shape(shape_after({5, 5, 2}, conv(1, {5, 5})), {1, 1, 1});
  check_shape(shape_after({7}, dense(3)), {3});
  check_shape(shape_after({4, 5, 7}, dense(3)), {4, 5, 3});
  check_shape(shape_after({4, 5}, node(ActivationNode{})), {4, 5});
  check_shape(shape_after({4, 5}, node(SoftmaxNode{})), {4, 5});
  check_shape(shape_after({4, 6}, node(MaxoutNode{3})), {4, 2});
  check_shape(shape_after({9, 8, 3}, pool({2, 3}, {2, 3})), {4, 2, 3});
  check_shape(shape_after({9, 8, 3}, pool({3, 3}, {1, 1}, {1, 1, 1, 1})), {9, 8, 3});
  check_shape(shape_after({4, 6}, node(ReshapeNode{}, {24})), {24});
  check_shape(shape_after({24}, node(ReshapeNode{}, {2, 3, 4})), {2, 3, 4});
  check_shape(shape_after({4}, node(DropoutNode{0.5f})), {4});
  check_shape(shape_after({4, 4, 3}, norm({0.9f, 1e-3f})), {4, 4, 3});
  check_shape(shape_after({4, 5, 3}, node(Pad2DNode{{1, 2, 3, 4}, PadMode::kReflect, 0.0f})), {7, 12, 3});
  check_shape(shape_after({4, 5}, [](Graph& g, int x) { return add_scale_shift(g, "y", x, 2.0f, 1.0f); }), {4, 5});

  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{4, 5, 3}});
  const int y = conv(6, {1, 1})(graph, x);
  check_shape(graph.node(graph.add("concat", ConcatNode{}, {x, y, x})).shape.dims, {4, 5, 12});
  check_shape(graph.node(graph.add("add", AddNode{}, {x, x})).shape.dims, {4, 5, 3});
  check_shape(graph.shape(add_map(graph, "multiply", MapOp::kMultiply, {y, y, y})).dims, {4, 5, 6});
}

TEST(graph_shape_as_an_image) {
  CHECK((Shape{{2, 3, 4, 5}}.h()) == 6 && (Shape{{2, 3, 4, 5}}.w()) == 4 && (Shape{{2, 3, 4, 5}}.c()) == 5);
  CHECK((Shape{{7}}.h()) == 1 && (Shape{{7}}.w()) == 1 && (Shape{{7}}.size()) == 7);
  CHECK((Shape{{7}}.text()) == "(7,)" && (Shape{{28, 28, 1}}.text()) == "(28, 28, 1)" && Shape{}.text() == "()");
}

TEST(graph_parameters) {
  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{8, 8, 4}});
  const int convolution = conv(6, {3, 2}, {}, {}, {}, 2)(graph, x);
  const int normalized = norm({0.9f, 1e-3f})(graph, convolution);
  const int frozen = norm({0.9f, 1e-3f, true, false, true})(graph, normalized);
  const int last = dense(5, false)(graph, frozen);
  struct Want {
    const char* name;
    Dims dims;
    int node;
    bool trainable;
  };
  const std::vector<Want> want = {{"kernel", {3, 2, 2, 6}, convolution, true},
                                  {"bias", {6}, convolution, true},
                                  {"gamma", {6}, normalized, true},
                                  {"beta", {6}, normalized, true},
                                  {"moving_mean", {6}, normalized, false},
                                  {"moving_variance", {6}, normalized, false},
                                  {"beta", {6}, frozen, false},
                                  {"moving_mean", {6}, frozen, false},
                                  {"moving_variance", {6}, frozen, false},
                                  {"kernel", {6, 5}, last, true}};
  CHECK(graph.variables().size() == want.size());
  for (size_t i = 0; i < want.size() && i < graph.variables().size(); ++i) {
    const Variable& p = *graph.variables()[i];
    CHECK(p.name() == want[i].name && p.dims() == want[i].dims && p.trainable() == want[i].trainable);
    const int read = graph.parameter(graph.variables()[i]);
    const std::vector<int>& inputs = graph.node(want[i].node).inputs;
    CHECK(graph.as<ParameterNode>(read)->variable == static_cast<int>(i) && !graph.node(read).batched);
    CHECK(std::count(inputs.begin(), inputs.end(), read) == 1);
  }
  CHECK(kernel_of(graph.node(convolution)) + 1 == bias_of(graph.node(convolution)) && bias_of(graph.node(last)) == -1);
  const BatchNormInputs inputs = batch_norm_inputs(graph.node(frozen));
  CHECK(inputs.x == normalized && inputs.gamma == -1 && inputs.beta == frozen - 3 && inputs.variance == frozen - 1);
}

TEST(graph_errors_of_shapes) {
  check_error("there is no node 3; the graph has 1", [] {
    Graph graph;
    graph.add("x", InputNode{}, {}, {{4}});
    graph.add("y", AddNode{}, {0, 3});
  });
  check_error("there is no node -1", [] { Graph().add("y", ActivationNode{}, {-1}); });
  check_error("an input has no inputs", [] {
    Graph graph;
    graph.add("y", InputNode{}, {graph.add("x", InputNode{}, {}, {{4}})}, {{4}});
  });
  check_error("every dimension must be at least 1, but the shape is (4, 0)", [] {
    Graph().add("y", InputNode{}, {}, {{4, 0}});
  });
  check_error("every dimension must be at least 1", [] { Graph().add("y", InputNode{}, {}, {{-3}}); });
  check_error("is too large", [] { Graph().add("y", InputNode{}, {}, {{1 << 16, 1 << 16}}); });
  check_error("is too large", [] { Graph().add("y", InputNode{}, {}, {{kHuge, kHuge, kHuge}}); });
  check_error("expected 2 to 3 inputs, not 0", [] { Graph().add("y", DenseNode{}, {}); });
  check_error("expected one input, not 2", [] {
    Graph graph;
    const int x = graph.add("x", InputNode{}, {}, {{4}});
    graph.add("y", SoftmaxNode{}, {x, x});
  });
}

TEST(graph_errors_of_operations) {
  check_error_of("expected images of shape (height, width, channels), but the input has shape (28, 28)", {28, 28},
                 conv(1, {3, 3}));
  check_error_of("expected images", {2, 28, 28, 1}, pool({2, 2}, {2, 2}));
  check_error_of("filters must be at least 1, not 0", {8, 8, 1}, conv(0, {3, 3}));
  check_error_of("kernel_size must be at least 1, not (3, 0)", {8, 8, 1}, conv(1, {3, 0}));
  check_error_of("kernel_size is too large", {8, 8, 1}, conv(1, {kHuge, 1}));
  check_error_of("strides must be at least 1, not (-1, 1)", {8, 8, 1}, conv(1, {3, 3}, {}, {-1, 1}));
  check_error_of("dilation must be at least 1, not (1, 0)", {8, 8, 1}, conv(1, {3, 3}, {}, {}, {1, 0}));
  check_error_of("dilation is too large", {8, 8, 1}, conv(1, {3, 3}, {}, {}, {1, kHuge}));
  check_error_of("groups must be at least 1, not 0", {8, 8, 1}, conv(1, {3, 3}, {}, {}, {}, 0));
  check_error_of("padding must not be negative, but is (top, bottom, left, right) = (0, 0, -1, 0)", {8, 8, 1},
                 conv(1, {3, 3}, {0, 0, -1, 0}));
  check_error_of("padding is too large", {8, 8, 1}, conv(1, {3, 3}, {0, kHuge, 0, 0}));
  check_error_of("the input has 6 channels, which 4 groups do not divide", {8, 8, 6}, conv(4, {3, 3}, {}, {}, {}, 4));
  check_error_of("6 filters cannot be divided into 4 groups", {8, 8, 8}, conv(6, {3, 3}, {}, {}, {}, 4));
  check_error_of("spans 9 pixels in height, but the input with its padding has only 8", {8, 9, 1}, conv(1, {9, 9}));
  check_error_of("spans 5 pixels in width, but the input with its padding has only 4", {9, 3, 1},
                 conv(1, {1, 3}, {0, 0, 1, 0}, {}, {1, 2}));
  check_error_of("the input with its padding is too large", {1, 1, 64},
                 conv(1, {1, 1}, {0, 1 << 14, 0, 1 << 14}, {1 << 14, 1 << 14}));
  check_error_of("its weights are too large", {1 << 15, 1 << 15, 2}, conv(1 << 15, {1 << 15, 1 << 15}));
  check_error_of("its weights are too large", {1 << 30}, dense(1 << 30));

  check_error_of("units must be at least 1, not -2", {4}, dense(-2));
  check_error_of("a sample of shape (1048576, 1048576) is too large", {1 << 20, 4}, dense(1 << 20));
  check_error_of("must be numbers", {4}, node(ActivationNode{{ActivationKind::kLeakyRelu, kNan}}));
  check_error_of("must be numbers", {4}, node(ActivationNode{{ActivationKind::kRelu, 0.0f, kNan}}));
  check_error_of("must be numbers", {4}, node(ActivationNode{{ActivationKind::kRelu, 0.0f, 6.0f, kNan}}));
  check_error_of("pieces must be at least 1, not 0", {4}, node(MaxoutNode{0}));
  check_error_of("4 channels cannot be divided into groups of 3", {2, 4}, node(MaxoutNode{3}));
  check_error_of("pool_size must be at least 1, not (0, 2)", {8, 8, 1}, pool({0, 2}, {2, 2}));
  check_error_of("strides must be at least 1, not (2, 0)", {8, 8, 1}, pool({2, 2}, {2, 0}));
  check_error_of("padding must not be negative", {8, 8, 1}, pool({2, 2}, {2, 2}, {-1, 0, 0, 0}));
  check_error_of("spans 3 pixels in width", {8, 2, 1}, pool({2, 3}, {2, 2}));
  check_error_of("cannot reshape (4, 6) (24 values) to (5, 5) (25)", {4, 6}, node(ReshapeNode{}, {5, 5}));
  check_error_of("every dimension must be at least 1", {4, 6}, node(ReshapeNode{}, {-4, -6}));
  check_error_of("at least one dimension besides the batch", {}, dense(2));
  check_error_of("rate must lie in [0, 1), but is 1", {4}, node(DropoutNode{1.0f}));
  check_error_of("rate must lie in [0, 1)", {4}, node(DropoutNode{-0.1f}));
  check_error_of("rate must lie in [0, 1)", {4}, node(DropoutNode{kNan}));
  check_error_of("momentum must lie in [0, 1], but is 1.5", {4}, norm({1.5f, 1e-3f}));
  check_error_of("momentum must lie in [0, 1]", {4}, norm({kNan, 1e-3f}));
  check_error_of("epsilon must be positive, but is 0", {4}, norm({0.9f, 0.0f}));
  check_error_of("expected images", {4}, node(Pad2DNode{{1, 1, 1, 1}, PadMode::kConstant, 0.0f}));
  check_error_of("padding must not be negative", {4, 4, 1}, node(Pad2DNode{{1, 1, 1, -1}, PadMode::kConstant, 0.0f}));
  check_error_of("reflection can pad at most the size - 1 of the image (4, 4, 1)", {4, 4, 1},
                 node(Pad2DNode{{0, 4, 0, 0}, PadMode::kReflect, 0.0f}));
  check_error_of("is too large", {1 << 10, 1 << 10, 64}, node(Pad2DNode{{0, 1 << 20, 0, 0}, PadMode::kConstant, 0.0f}));
}

// A layer that is used twice: two nodes take the same parameters.
TEST(graph_shares_parameters) {
  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{4}});
  const int first = dense(4)(graph, x);
  const std::vector<int> weights(graph.node(first).inputs.begin() + 1, graph.node(first).inputs.end());
  check_error("needs a kernel of shape (3, 4), but has one of shape (4, 4)", [&] {
    const int other = graph.add("z", InputNode{}, {}, {{3}});
    graph.add("y", DenseNode{}, {other, weights[0], weights[1]});
  });
  const int second = graph.add("second", DenseNode{}, {first, weights[0], weights[1]});
  CHECK(kernel_of(graph.node(second)) == weights[0] && bias_of(graph.node(second)) == weights[1]);
  CHECK(graph.variables().size() == 2);
  CHECK(graph.parameter(graph.variables()[0]) == weights[0]);  // the same node for the same variable
  const size_t nodes = graph.nodes().size();
  const int third = dense(4)(graph, second);
  CHECK(graph.variables().size() == 4 && graph.nodes().size() == nodes + 3);
  CHECK(graph.as<ParameterNode>(kernel_of(graph.node(third)))->variable == 2);
}

TEST(graph_errors_of_several_inputs) {
  const auto join = [](const Attributes& attributes, const std::vector<Dims>& inputs) {
    return [=] {
      Graph graph;
      std::vector<int> nodes;
      for (const Dims& dims : inputs) nodes.push_back(graph.add("x", InputNode{}, {}, {dims}));
      graph.add("y", attributes, nodes);
    };
  };
  check_error("expected at least two inputs, not 1", join(AddNode{}, {{4}}));
  check_error("all inputs must have one shape, but they have (4, 5) and (5, 4)", join(AddNode{}, {{4, 5}, {5, 4}}));
  check_error("all inputs must have one shape", join(AddNode{}, {{4}, {4}, {4, 1}}));
  check_error("expected at least two inputs, not 0", join(ConcatNode{}, {}));
  check_error("inputs may differ in the last axis only, but have shapes (4, 5) and (5, 5)",
              join(ConcatNode{}, {{4, 5}, {5, 5}}));
  check_error("inputs may differ in the last axis only", join(ConcatNode{}, {{4, 5}, {5}}));
  check_error("is too large", join(ConcatNode{}, {{1 << 16, 1 << 14}, {1 << 16, 1 << 15}}));
}

}  // namespace pycnn::testing
