// Shapes, parameters and the error of every rule. A message names its node first.
#include <functional>

#include "graph/graph.h"
#include "graph/infer.h"
#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::vector<int64_t> Dims;

Dims shape_behind(const Dims& input, const Attributes& attributes, const Dims& requested = {}) {
  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {input});
  return graph.node(graph.add("y", attributes, {x}, {requested})).shape.dims;
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

void check_error_of(const std::string& part, const Dims& input, const Attributes& attributes,
                    const Dims& requested = {}) {
  check_error(part, [&] { shape_behind(input, attributes, requested); });
}

Conv2DNode conv(int64_t filters, Pair kernel_size, Padding padding = {}, Pair strides = {}, Pair dilation = {},
                int64_t groups = 1) {
  return {filters, kernel_size, strides, dilation, padding, 0.0f, groups, true};
}

Pool2DNode pool(Pair size, Pair strides, Padding padding = {}) { return {false, size, strides, padding}; }

constexpr int64_t kHuge = int64_t{1} << 40;

}  // namespace

TEST(graph_shapes) {
  check_shape(shape_behind({28, 28, 1}, conv(64, {3, 3})), {26, 26, 64});
  check_shape(shape_behind({28, 27, 3}, conv(8, {3, 3}, {0, 1, 0, 1}, {2, 2})), {14, 13, 8});
  check_shape(shape_behind({9, 9, 4}, conv(6, {3, 2}, {}, {1, 2}, {2, 3}, 2)), {5, 3, 6});
  check_shape(shape_behind({5, 5, 2}, conv(1, {5, 5})), {1, 1, 1});
  check_shape(shape_behind({7}, DenseNode{3}), {3});
  check_shape(shape_behind({4, 5, 7}, DenseNode{3}), {4, 5, 3});
  check_shape(shape_behind({4, 5}, ActivationNode{}), {4, 5});
  check_shape(shape_behind({4, 5}, SoftmaxNode{}), {4, 5});
  check_shape(shape_behind({4, 6}, MaxoutNode{3}), {4, 2});
  check_shape(shape_behind({9, 8, 3}, pool({2, 3}, {2, 3})), {4, 2, 3});
  check_shape(shape_behind({9, 8, 3}, pool({3, 3}, {1, 1}, {1, 1, 1, 1})), {9, 8, 3});
  check_shape(shape_behind({4, 6}, ReshapeNode{}, {24}), {24});
  check_shape(shape_behind({24}, ReshapeNode{}, {2, 3, 4}), {2, 3, 4});
  check_shape(shape_behind({4}, DropoutNode{0.5f}), {4});
  check_shape(shape_behind({4, 4, 3}, BatchNormNode{0.9f, 1e-3f}), {4, 4, 3});
  check_shape(shape_behind({4, 5, 3}, Pad2DNode{{1, 2, 3, 4}, PadMode::kReflect, 0.0f}), {7, 12, 3});
  check_shape(shape_behind({4, 5}, ScaleShiftNode{2.0f, 1.0f}), {4, 5});

  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{4, 5, 3}});
  const int y = graph.add("y", conv(6, {1, 1}), {x});
  check_shape(graph.node(graph.add("concat", ConcatNode{}, {x, y, x})).shape.dims, {4, 5, 12});
  check_shape(graph.node(graph.add("add", AddNode{}, {x, x})).shape.dims, {4, 5, 3});
  check_shape(graph.node(graph.add("multiply", MultiplyNode{}, {y, y, y})).shape.dims, {4, 5, 6});
}

TEST(graph_shape_as_an_image) {
  CHECK((Shape{{2, 3, 4, 5}}.h()) == 6 && (Shape{{2, 3, 4, 5}}.w()) == 4 && (Shape{{2, 3, 4, 5}}.c()) == 5);
  CHECK((Shape{{7}}.h()) == 1 && (Shape{{7}}.w()) == 1 && (Shape{{7}}.size()) == 7);
  CHECK((Shape{{7}}.text()) == "(7,)" && (Shape{{28, 28, 1}}.text()) == "(28, 28, 1)" && Shape{}.text() == "()");
}

TEST(graph_parameters) {
  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{8, 8, 4}});
  const int convolution = graph.add("conv", conv(6, {3, 2}, {}, {}, {}, 2), {x});
  const int norm = graph.add("norm", BatchNormNode{0.9f, 1e-3f}, {convolution});
  const int frozen = graph.add("frozen", BatchNormNode{0.9f, 1e-3f, true, false, true}, {norm});
  graph.add("dense", DenseNode{5, false}, {frozen});
  struct Want {
    const char* name;
    Dims dims;
    int node;
    bool trainable;
  };
  const std::vector<Want> want = {{"kernel", {3, 2, 2, 6}, convolution, true},
                                  {"bias", {6}, convolution, true},
                                  {"gamma", {6}, norm, true},
                                  {"beta", {6}, norm, true},
                                  {"moving_mean", {6}, norm, false},
                                  {"moving_variance", {6}, norm, false},
                                  {"beta", {6}, frozen, false},
                                  {"moving_mean", {6}, frozen, false},
                                  {"moving_variance", {6}, frozen, false},
                                  {"kernel", {6, 5}, frozen + 1, true}};
  CHECK(graph.parameters().size() == want.size());
  for (size_t i = 0; i < want.size() && i < graph.parameters().size(); ++i) {
    const Parameter& p = graph.parameters()[i];
    CHECK(p.name == want[i].name && p.dims == want[i].dims && p.node == want[i].node);
    CHECK(p.trainable == want[i].trainable);
  }
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
  check_error("at least one dimension besides the batch", [] { Graph().add("y", InputNode{}, {}); });
  check_error("every dimension must be at least 1, but the shape is (4, 0)", [] {
    Graph().add("y", InputNode{}, {}, {{4, 0}});
  });
  check_error("every dimension must be at least 1", [] { Graph().add("y", InputNode{}, {}, {{-3}}); });
  check_error("is too large", [] { Graph().add("y", InputNode{}, {}, {{1 << 16, 1 << 16}}); });
  check_error("is too large", [] { Graph().add("y", InputNode{}, {}, {{kHuge, kHuge, kHuge}}); });
  check_error("expected one input, not 0", [] { Graph().add("y", DenseNode{3}, {}); });
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
  check_error_of("its weights are too large", {1 << 30}, DenseNode{1 << 30});

  check_error_of("units must be at least 1, not -2", {4}, DenseNode{-2});
  check_error_of("a sample of shape (1048576, 1048576) is too large", {1 << 20, 4}, DenseNode{1 << 20});
  check_error_of("must be numbers", {4}, ActivationNode{{ActivationKind::kLeakyRelu, kNan}});
  check_error_of("must be numbers", {4}, ActivationNode{{ActivationKind::kRelu, 0.0f, kNan}});
  check_error_of("must be numbers", {4}, ActivationNode{{ActivationKind::kRelu, 0.0f, 6.0f, kNan}});
  check_error_of("pieces must be at least 1, not 0", {4}, MaxoutNode{0});
  check_error_of("4 channels cannot be divided into groups of 3", {2, 4}, MaxoutNode{3});
  check_error_of("pool_size must be at least 1, not (0, 2)", {8, 8, 1}, pool({0, 2}, {2, 2}));
  check_error_of("strides must be at least 1, not (2, 0)", {8, 8, 1}, pool({2, 2}, {2, 0}));
  check_error_of("padding must not be negative", {8, 8, 1}, pool({2, 2}, {2, 2}, {-1, 0, 0, 0}));
  check_error_of("spans 3 pixels in width", {8, 2, 1}, pool({2, 3}, {2, 2}));
  check_error_of("cannot reshape (4, 6) (24 values) to (5, 5) (25)", {4, 6}, ReshapeNode{}, {5, 5});
  check_error_of("every dimension must be at least 1", {4, 6}, ReshapeNode{}, {-4, -6});
  check_error_of("at least one dimension besides the batch", {1}, ReshapeNode{});
  check_error_of("rate must lie in [0, 1), but is 1", {4}, DropoutNode{1.0f});
  check_error_of("rate must lie in [0, 1)", {4}, DropoutNode{-0.1f});
  check_error_of("rate must lie in [0, 1)", {4}, DropoutNode{kNan});
  check_error_of("momentum must lie in [0, 1], but is 1.5", {4}, BatchNormNode{1.5f, 1e-3f});
  check_error_of("momentum must lie in [0, 1]", {4}, BatchNormNode{kNan, 1e-3f});
  check_error_of("epsilon must be positive, but is 0", {4}, BatchNormNode{0.9f, 0.0f});
  check_error_of("expected images", {4}, Pad2DNode{{1, 1, 1, 1}, PadMode::kConstant, 0.0f});
  check_error_of("padding must not be negative", {4, 4, 1}, Pad2DNode{{1, 1, 1, -1}, PadMode::kConstant, 0.0f});
  check_error_of("reflection can pad at most the size - 1 of the image (4, 4, 1)", {4, 4, 1},
                 Pad2DNode{{0, 4, 0, 0}, PadMode::kReflect, 0.0f});
  check_error_of("is too large", {1 << 10, 1 << 10, 64}, Pad2DNode{{0, 1 << 20, 0, 0}, PadMode::kConstant, 0.0f});
}

TEST(graph_shares_parameters) {
  Graph graph;
  const int x = graph.add("x", InputNode{}, {}, {{4}});
  const int first = graph.add("first", DenseNode{4}, {x});
  graph.reuse({0, 1});
  check_error("needs a kernel of shape (4, 3), but the one to share is a kernel of shape (4, 4)",
              [&] { graph.add("y", DenseNode{3}, {first}); });
  const int second = graph.add("second", DenseNode{4}, {first});  // the failure has used up nothing
  CHECK(graph.node(second).parameters == graph.node(first).parameters);
  const int third = graph.add("third", DenseNode{4}, {second});
  CHECK(graph.parameters().size() == 4);
  CHECK(graph.parameters()[2].node == third);
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
  for (const Attributes& attributes : {Attributes{AddNode{}}, Attributes{MultiplyNode{}}}) {
    check_error("expected at least two inputs, not 1", join(attributes, {{4}}));
    check_error("all inputs must have one shape, but they have (4, 5) and (5, 4)", join(attributes, {{4, 5}, {5, 4}}));
    check_error("all inputs must have one shape", join(attributes, {{4}, {4}, {4, 1}}));
  }
  check_error("expected at least two inputs, not 0", join(ConcatNode{}, {}));
  check_error("inputs may differ in the last axis only, but have shapes (4, 5) and (5, 5)",
              join(ConcatNode{}, {{4, 5}, {5, 5}}));
  check_error("inputs may differ in the last axis only", join(ConcatNode{}, {{4, 5}, {5}}));
  check_error("is too large", join(ConcatNode{}, {{1 << 16, 1 << 14}, {1 << 16, 1 << 15}}));
}

}  // namespace pycnn::testing
