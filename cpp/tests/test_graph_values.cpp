// Nodes for operations on arrays: shapes, which have a batch axis, the error of every rule, and the text of a graph.
#include "graph/fields.h"
#include "tests/values.h"

namespace pycnn::testing {
namespace {

constexpr int64_t kHuge = int64_t{1} << 40;

struct Operand {
  Dims dims;
  bool batched = true;
};
Operand weight(const Dims& dims) { return {dims, false}; }
Operand samples(const Dims& dims) { return {dims, true}; }

// A node y of operands, alone in its graph.
Node add_node(const Attributes& attributes, const std::vector<Operand>& operands, const Dims& requested = {}) {
  Values v;
  std::vector<int> inputs;
  for (const Operand& operand : operands)
    inputs.push_back(operand.batched ? v.input(operand.dims) : v.parameter(operand.dims));
  return v.graph.node(v.graph.add("y", attributes, inputs, {requested}));
}

void check_node(const Attributes& attributes, const std::vector<Operand>& operands, const Dims& dims, bool batched,
                const Dims& requested = {}) {
  const Node y = add_node(attributes, operands, requested);
  if (y.shape.dims != dims || y.batched != batched)
    fail(__FILE__, __LINE__, kOperationNames[y.attributes.index()], " has shape ", y.shape.text(),
         y.batched ? " of a batch" : "", ", not ", pycnn::text_of(dims));
}

void check_error(const std::string& message, const Attributes& attributes, const std::vector<Operand>& operands,
                 const Dims& requested = {}) {
  try {
    add_node(attributes, operands, requested);
    fail(__FILE__, __LINE__, "no error, but expected: ", message);
  } catch (const std::invalid_argument& error) {
    if (error.what() != "y: " + message)
      fail(__FILE__, __LINE__, "the message is '", error.what(), "', not 'y: ", message, "'");
  }
}

std::shared_ptr<const Floats> zeros(size_t n) { return std::make_shared<const Floats>(n); }

struct Nothing : HostFunction {
  void forward(const std::vector<HostArray>&, HostArray, bool) override {}
  void backward(const std::vector<HostArray>&, HostArray, HostArray, const std::vector<HostArray>&) override {}
  bool differentiable() const override { return false; }
};

}  // namespace

TEST(graph_batch_axes) {
  for (const bool batched : {false, true}) {
    const auto x = [=](const Dims& dims) { return Operand{dims, batched}; };
    check_node(ActivationNode{}, {x({4, 5})}, {4, 5}, batched);
    check_node(SoftmaxNode{}, {x({4, 5})}, {4, 5}, batched);
    check_node(MaxoutNode{5}, {x({4, 5})}, {4, 1}, batched);
    check_node(Pool2DNode{false, {2, 2}, {2, 2}, {}}, {x({4, 5, 3})}, {2, 2, 3}, batched);
    check_node(Pad2DNode{{1, 1, 1, 1}, PadMode::kEdge, 0.0f}, {x({4, 5, 3})}, {6, 7, 3}, batched);
    check_node(AddNode{}, {x({4}), x({4})}, {4}, batched);
    check_node(ReshapeNode{}, {x({4, 5})}, {20}, batched, {20});
    check_node(StopGradientNode{}, {x({4, 5})}, {4, 5}, batched);
    check_node(ReduceNode{ReduceKind::kSum, 4, 5, 1}, {x({4, 5})}, {4}, batched, {4});
    check_node(StridedNode{0, {1, 5}}, {x({4, 5})}, {5, 4}, batched, {5, 4});
    check_node(ScatterNode{3, {10, 2}, 0.0f}, {x({4, 5})}, {60}, batched, {60});
    check_node(MatmulNode{}, {x({2, 4, 5}), x({5, 3})}, {2, 4, 3}, batched);
    check_node(TakeNode{1}, {x({4, 5, 6}), weight({2, 3})}, {4, 2, 3, 6}, batched);
    check_node(HostNode{std::make_shared<Nothing>()}, {x({4, 5})}, {7}, batched, {7});
    for (const bool other : {false, true}) {
      const auto z = [=](const Dims& dims) { return Operand{dims, other}; };
      const bool either = batched || other;
      check_node(MapNode{{step(MapOp::kAdd, 0, 1)}}, {x({4, 1, 5}), z({3, 1})}, {4, 3, 5}, either);
      check_node(ConcatNode{}, {x({4, 5}), z({4, 2})}, {4, 7}, either);
      check_node(ConcatNode{0}, {x({4, 5}), z({1, 5})}, {5, 5}, either);
      check_node(MatmulNode{true, true}, {x({5, 4}), z({2, 3, 5})}, {2, 4, 3}, either);
      check_node(TakeNode{0}, {x({4, 5}), z({})}, {5}, either);
      check_node(HostNode{std::make_shared<Nothing>()}, {x({4}), z({4})}, {}, either);
    }
  }
  check_node(Conv2DNode{}, {samples({8, 8, 2}), weight({3, 3, 2, 4}), weight({4})}, {6, 6, 4}, true);
  check_node(DenseNode{}, {samples({8, 2}), weight({2, 4})}, {8, 4}, true);
  check_node(BatchReduceNode{}, {samples({8, 2})}, {8, 2}, false);
  check_node(ConstantNode{zeros(6)}, {}, {2, 3}, false, {2, 3});
  check_node(ConstantNode{zeros(1)}, {}, {}, false);
  check_node(InputNode{DType::kInt32}, {}, {}, true);
  check_node(MapNode{{step(MapOp::kConstant, 0, 0, 0, 2.0f)}}, {}, {}, false);

  Values v;
  const int x = v.input({4}), p = v.parameter({4}), y = v.map(MapOp::kMultiply, {x, p});
  const int mean = v.add(BatchReduceNode{}, {y});
  for (const auto& [of, by] : {std::pair(y, x), std::pair(mean, x), std::pair(mean, y)})
    CHECK(v.graph.node(v.gradient(of, by)).batched);
  for (const auto& [of, by] : {std::pair(y, p), std::pair(mean, p), std::pair(mean, mean)})
    CHECK(!v.graph.node(v.gradient(of, by)).batched);
}

TEST(graph_errors_of_batch_axes) {
  const std::string same = "its input is the same for all samples; expected one with a batch axis";
  check_error(same, Conv2DNode{}, {weight({8, 8, 2}), weight({3, 3, 2, 4})});
  check_error(same, DenseNode{}, {weight({8}), weight({8, 4})});
  check_error(same, DropoutNode{0.5f}, {weight({8})});
  check_error(same, BatchReduceNode{}, {weight({8})});
  check_error(same, BatchNormNode{0.9f, 1e-3f, false, false}, {weight({8}), weight({8}), weight({8})});
  check_error("all inputs must have a batch axis, or none", AddNode{}, {weight({8}), samples({8})});
  check_error("needs a kernel of shape (8, 4), but has one of shape (8, 4) for each sample", DenseNode{},
              {samples({8}), samples({8, 4})});
  check_error("needs a bias of shape (4,), but has one of shape (4,) for each sample", Conv2DNode{},
              {samples({8, 8, 2}), weight({3, 3, 2, 4}), samples({4})});
}

TEST(graph_errors_of_weights) {
  check_error("needs a kernel of shape (height, width, channels / groups, filters), not (3, 3, 2)", Conv2DNode{},
              {samples({8, 8, 2}), weight({3, 3, 2})});
  check_error("needs a kernel of shape (3, 3, 2, 4), but has one of shape (3, 3, 1, 4)", Conv2DNode{},
              {samples({8, 8, 2}), weight({3, 3, 1, 4})});
  check_error("needs a bias of shape (4,), but has one of shape (1, 4)", Conv2DNode{},
              {samples({8, 8, 2}), weight({3, 3, 2, 4}), weight({1, 4})});
  check_error("expected 2 to 3 inputs, not 1", Conv2DNode{}, {samples({8, 8, 2})});
  check_error("needs a kernel of shape (inputs, units), not (8,)", DenseNode{}, {samples({8}), weight({8})});
  check_error("needs a bias of shape (4,), but has one of shape (3,)", DenseNode{},
              {samples({8}), weight({8, 4}), weight({3})});
  check_error("expected 2 to 3 inputs, not 4", DenseNode{}, {samples({8}), weight({8, 4}), weight({4}), weight({4})});
  check_error("expected 5 inputs, not 3", BatchNormNode{0.9f, 1e-3f}, {samples({8}), weight({8}), weight({8})});
  check_error("needs a weight of shape (8,), but has one of shape (4,)", BatchNormNode{0.9f, 1e-3f, false, true},
              {samples({8}), weight({4}), weight({8}), weight({8})});
  Values v;
  const int x = v.input({8}), p = v.parameter({8}), computed = v.map(MapOp::kExp, {p});
  try {
    v.add(BatchNormNode{0.9f, 1e-3f, false, false}, {x, p, computed});
    fail(__FILE__, __LINE__, "statistics that are computed");
  } catch (const std::invalid_argument& error) {
    CHECK(error.what() == std::string("node 3: its moving statistics must be parameters"));
  }
  v.add(BatchNormNode{0.9f, 1e-3f, true, true}, {x, computed, computed, p, p});
}

TEST(graph_errors_of_constants) {
  check_error("a constant of shape (2, 3) needs 6 values", ConstantNode{zeros(5)}, {}, {2, 3});
  check_error("a constant of shape () needs 1 values", ConstantNode{}, {});
  check_error("every dimension must be at least 1, but the shape is (-2, -3)", ConstantNode{zeros(6)}, {}, {-2, -3});
  check_error("expected 0 inputs, not 1", ConstantNode{zeros(1)}, {samples({1})});
  check_error("there is no variable 3; use parameter()", ParameterNode{3}, {});
  check_error("there is no variable -1; use parameter()", ParameterNode{-1}, {});
  check_error("there is no variable 0; use parameter()", ParameterNode{0}, {weight({1})});
}

TEST(graph_errors_of_expressions) {
  check_error("an expression needs at least one instruction", MapNode{}, {samples({4})});
  for (const int32_t r : {-1, 2, 7}) {
    const std::string message = "instruction 0 reads register " + std::to_string(r) + ", which nothing has written";
    check_error(message, MapNode{{step(MapOp::kAdd, 0, r)}}, {samples({4}), samples({4})});
    check_error(message, MapNode{{step(MapOp::kExp, r)}}, {samples({4}), samples({4})});
  }
  check_error("instruction 1 reads register 2, which nothing has written",
              MapNode{{step(MapOp::kExp, 0), step(MapOp::kWhere, 0, 1, 2)}}, {samples({4})});
  check_error("instruction 0 reads register 0, which nothing has written", MapNode{{step(MapOp::kExp, 0)}}, {});
  check_node(MapNode{{step(MapOp::kExp, 0), step(MapOp::kWhere, 0, 1, 0)}}, {samples({4})}, {4}, true);
  check_error("shapes (4, 3) and (4,) do not broadcast", MapNode{{step(MapOp::kAdd, 0, 1)}},
              {samples({4, 3}), samples({4})});
  check_error("has more than 8 axes", MapNode{{step(MapOp::kExp)}}, {samples({1, 1, 1, 1, 1, 1, 1, 1, 1})});
  check_error("an expression of more than 64 operands", MapNode{{step(MapOp::kExp)}},
              std::vector<Operand>(65, samples({4})));
  check_error("a sample of shape (65536, 65536) is too large", MapNode{{step(MapOp::kAdd, 0, 1)}},
              {samples({1 << 16, 1}), samples({1 << 16})});
}

TEST(graph_errors_of_arrays) {
  const std::string reduced = "cannot reduce (4, 6) as (";
  check_error(reduced + "4, 5, 1) to (4,)", ReduceNode{ReduceKind::kSum, 4, 5, 1}, {samples({4, 6})}, {4});
  check_error(reduced + "4, 6, 1) to (6,)", ReduceNode{ReduceKind::kSum, 4, 6, 1}, {samples({4, 6})}, {6});
  check_error(reduced + "-4, -6, 1) to (4,)", ReduceNode{ReduceKind::kSum, -4, -6, 1}, {samples({4, 6})}, {4});
  check_error(reduced + "1099511627776, 1099511627776, 1099511627776) to (4,)",
              ReduceNode{ReduceKind::kSum, kHuge, kHuge, kHuge}, {samples({4, 6})}, {4});
  check_error("expected one input, not 2", ReduceNode{ReduceKind::kSum, 4, 6, 1}, {samples({4, 6}), samples({4, 6})});

  check_error("a view of 2 axes needs as many strides, not 1", StridedNode{0, {1}}, {samples({24})}, {4, 6});
  check_error("the view touches values 0 to 24 of 24", StridedNode{0, {5, 3}}, {samples({24})}, {4, 4});
  check_error("the view touches values -3 to 12 of 24", StridedNode{12, {-5}}, {samples({24})}, {4});
  check_error("the view begins at value 24 of 24", StridedNode{24, {}}, {samples({24})}, {});
  check_error("the view begins at value -1 of 24", StridedNode{-1, {1}}, {samples({24})}, {4});
  check_error("a stride is too large", StridedNode{0, {std::numeric_limits<int64_t>::min()}}, {samples({24})}, {4});
  check_error("every dimension must be at least 1, but the shape is (0,)", StridedNode{0, {1}}, {samples({24})}, {0});
  check_error("has more than 8 axes", StridedNode{0, Dims(9, 1)}, {samples({24})}, Dims(9, 1));
  check_error("the view touches values 1 to 8 of 8", ScatterNode{1, {3, 1}, 0.0f}, {samples({3, 2})}, {8});
  check_error("a view of 2 axes needs as many strides, not 3", ScatterNode{0, {3, 1, 1}, 0.0f}, {samples({3, 2})}, {8});
  check_error("every dimension must be at least 1, but the shape is (-8,)", ScatterNode{0, {3, 1}, 0.0f},
              {samples({3, 2})}, {-8});

  check_error("multiplies matrices, but an input has shape (5,)", MatmulNode{}, {samples({4, 5}), samples({5})});
  check_error("cannot multiply (4, 5) by (4, 5): inner sizes 5 and 4 differ", MatmulNode{},
              {samples({4, 5}), samples({4, 5})});
  check_error("cannot multiply (4, 5) by (4, 5): inner sizes 4 and 5 differ", MatmulNode{true, true},
              {samples({4, 5}), samples({4, 5})});
  check_error("leading axes differ: (2, 4, 5) and (3, 5, 4)", MatmulNode{}, {samples({2, 4, 5}), samples({3, 5, 4})});
  check_error("leading axes differ: (2, 4, 5) and (1, 2, 5, 4)", MatmulNode{},
              {samples({2, 4, 5}), samples({1, 2, 5, 4})});
  check_error("expected 2 inputs, not 1", MatmulNode{}, {samples({4, 5})});

  check_error("axis 2 is none of a sample of shape (4, 5)", TakeNode{2}, {samples({4, 5}), weight({3})});
  check_error("axis -1 is none of a sample of shape (4, 5)", TakeNode{-1}, {samples({4, 5}), weight({3})});
  check_error("expected 2 inputs, not 1", TakeNode{0}, {samples({4, 5})});
  check_error("expected one input, not 2", BatchReduceNode{}, {samples({4}), samples({4})});
  check_error("expected one input, not 0", StopGradientNode{}, {});
  check_error("its input needs at least one dimension besides the batch", MaxoutNode{1}, {samples({})});
  check_error("axis 2 is none of a sample of shape (4, 5)", ConcatNode{2}, {samples({4, 5}), samples({4, 5})});
  check_error("axis -3 is none of a sample of shape (4, 5)", ConcatNode{-3}, {samples({4, 5}), samples({4, 5})});
  check_error("inputs may differ in axis 0 only, but have shapes (4, 5) and (4, 6)", ConcatNode{0},
              {samples({4, 5}), samples({4, 6})});
}

TEST(graph_errors_of_gradients_and_host_functions) {
  check_error("expected 2 inputs, not 1", GradientNode{}, {samples({4})});
  check_error("input 0 does not depend on input 1", GradientNode{}, {samples({4}), samples({4})});
  check_error("has no function", HostNode{}, {samples({4})}, {4});
  check_error("expected at least one input", HostNode{std::make_shared<Nothing>()}, {}, {4});
  check_error("every dimension must be at least 1, but the shape is (0,)", HostNode{std::make_shared<Nothing>()},
              {samples({4})}, {0});
}

TEST(graph_text) {
  Values v;
  v.graph.add("numbers", InputNode{DType::kInt32}, {}, {{3}});  // which nothing needs
  const int x = v.graph.add("image", InputNode{DType::kUint8}, {}, {{9, 8, 4}});
  const int kernel = v.graph.parameter(std::make_shared<Variable>("kernel", Dims{3, 3, 2, 6}));
  const int half = v.graph.add("half", ConstantNode{std::make_shared<const Floats>(Floats{0.5f})}, {}, {{}});
  const int scaled = v.graph.add("scaled",
                                 MapNode{{step(MapOp::kMultiply, 0, 1),
                                          step(MapOp::kConstant, 0, 0, 0, 1e-3f),
                                          step(MapOp::kWhere, 2, 3, 0),
                                          {MapOp::kActivation, 4, 0, 0, 0.0f, {ActivationKind::kGelu}}}},
                                 {kernel, half});
  const int y =
      v.graph.add("convolution", Conv2DNode{{2, 1}, {1, 2}, {0, 1, 2, 3}, 0.25f, 2, Precision::kBfloat16}, {x, scaled});
  const int relu = v.graph.add("relu", ActivationNode{{ActivationKind::kRelu, 0.1f, 6.0f}}, {y});
  const int pool = v.graph.add("pool", Pool2DNode{true, {2, 2}, {1, 2}, {}, true}, {relu});
  const int sum = v.graph.add("sum", ReduceNode{ReduceKind::kMean, 1, 72, 1}, {pool}, {});
  const int gradient = v.graph.add("saliency", GradientNode{}, {sum, x});
  const int flipped = v.graph.add("flipped", StridedNode{7, {-1}}, {v.constant({8}, Floats(8, 1.5f))}, {{8}});
  const std::string want =
      "%1 = input() dtype=uint8 : batch of (9, 8, 4)  \"image\"\n"
      "%2 = parameter() variable=0 : (3, 3, 2, 6)  \"kernel\"\n"
      "%3 = constant() values=[0.5] : ()  \"half\"\n"
      "%4 = map(%2, %3) code={multiply x0 x1; 0.00100000005; where t0 t1 x0; gelu t2} : (3, 3, 2, 6)  \"scaled\"\n"
      "%5 = conv2d(%1, %4) strides=(2, 1) dilation=(1, 2) padding=(0, 1, 2, 3) pad_value=0.25 groups=2 "
      "precision=bfloat16 : batch of (4, 9, 6)  \"convolution\"\n"
      "%6 = activation(%5) activation=relu alpha=0.100000001 max_value=6 : batch of (4, 9, 6)  \"relu\"\n"
      "%7 = pool2d(%6) average=true pool_size=(2, 2) strides=(1, 2) padding=(0, 0, 0, 0) count_padding=true : "
      "batch of (3, 4, 6)  \"pool\"\n";
  const std::string text = text_of(v.graph, {pool});
  if (text != want + "outputs %7\n") fail(__FILE__, __LINE__, "the text is\n", text, "not\n", want);
  CHECK(text_of(with_own_variables(v.graph), {pool}) == text);
  (void)sum, (void)gradient, (void)flipped;
}

TEST(graph_text_of_every_operation) {
  Values v;
  const auto check = [&](int node, const std::string& want) {
    const std::string text = text_of(v.graph, {node});
    const std::string tail = want + "  \"" + v.graph.node(node).name + "\"\noutputs %" + std::to_string(node) + "\n";
    if (text.size() < tail.size() || text.substr(text.size() - tail.size()) != tail)
      fail(__FILE__, __LINE__, "the text is\n", text, "which does not end in\n", tail);
  };
  const int x = v.input({4, 4, 2}), w = v.parameter({2, 3}), c = v.parameter({2});
  check(x, "%0 = input() dtype=float32 : batch of (4, 4, 2)");
  check(v.constant({5}, {1, 2, 3, 4, 5}), "%3 = constant() values=[1, 2, 3, 4, ...] : (5,)");
  check(v.add(DenseNode{}, {x, w}), "%4 = dense(%0, %1) precision=float32 : batch of (4, 4, 3)");
  check(v.add(SoftmaxNode{true}, {x}), "%5 = softmax(%0) log=true : batch of (4, 4, 2)");
  check(v.add(MaxoutNode{2}, {x}), "%6 = maxout(%0) pieces=2 : batch of (4, 4, 1)");
  check(v.add(DropoutNode{0.25f}, {x}), "%7 = dropout(%0) rate=0.25 always=false : batch of (4, 4, 2)");
  check(v.add(BatchNormNode{0.5f, 0.125f, false, true, true}, {x, c, c, c}),
        "%8 = batch_norm(%0, %2, %2, %2) momentum=0.5 epsilon=0.125 center=false scale=true frozen=true always=false : "
        "batch of (4, 4, 2)");
  check(v.add(Pad2DNode{{1, 0, 0, 2}, PadMode::kReflect, 0.0f}, {x}),
        "%9 = pad2d(%0) padding=(1, 0, 0, 2) mode=1 value=0 : batch of (5, 6, 2)");
  check(v.add(AddNode{}, {x, x}), "%10 = add(%0, %0) : batch of (4, 4, 2)");
  check(v.add(ConcatNode{1}, {x, x}), "%11 = concat(%0, %0) axis=1 : batch of (4, 8, 2)");
  check(v.add(ReshapeNode{}, {x}, {32}), "%12 = reshape(%0) : batch of (32,)");
  check(v.add(ReduceNode{ReduceKind::kArgmax, 16, 2, 1}, {x}, {4, 4}),
        "%13 = reduce(%0) kind=argmax outer=16 n=2 inner=1 : batch of (4, 4)");
  check(v.add(StridedNode{31, {-1}}, {x}, {5}), "%14 = strided(%0) offset=31 strides=(-1,) : batch of (5,)");
  check(v.add(ScatterNode{1, {3, 1}, -1.0f}, {w}, {9}), "%15 = scatter(%1) offset=1 strides=(3, 1) fill=-1 : (9,)");
  check(v.add(MatmulNode{false, true}, {w, w}), "%16 = matmul(%1, %1) transpose_a=false transpose_b=true : (2, 2)");
  check(v.add(TakeNode{0}, {w, c}), "%17 = take(%1, %2) axis=0 : (2, 3)");
  check(v.add(BatchReduceNode{false}, {x}), "%18 = batch_reduce(%0) mean=false : (4, 4, 2)");
  check(v.add(StopGradientNode{}, {w}), "%19 = stop_gradient(%1) : (2, 3)");
  check(v.gradient(18, x), "%20 = gradient(%18, %0) : batch of (4, 4, 2)");
  check(v.add(HostNode{std::make_shared<Nothing>()}, {x, w}, {}), "%21 = host(%0, %1) : batch of ()");
  check(v.add(UniformNode{}, {}, {2, 3}), "%22 = uniform() batched=true : batch of (2, 3)");
  check(v.add(UniformNode{false}, {}, {2}), "%23 = uniform() batched=false : (2,)");
}

TEST(graph_replaces_a_node) {
  Values v;
  const int x = v.input({4}), y = v.tanh(x), z = v.map(MapOp::kExp, {y});
  v.graph.replace(z, MapNode{{step(MapOp::kTanh), step(MapOp::kExp, 1)}}, {x});
  CHECK(text_of(v.graph, {z}) ==
        "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
        "%2 = map(%0) code={tanh x0; exp t0} : batch of (4,)  \"map 2\"\n"
        "outputs %2\n");
  CHECK(!needed_for(v.graph, {z})[static_cast<size_t>(y)]);
}

TEST(variables) {
  Variable v("kernel", {3, 5}, false);
  CHECK(v.name() == "kernel" && (v.dims() == Dims{3, 5}) && v.size() == 15 && !v.trainable());
  CHECK(reinterpret_cast<uintptr_t>(v.data()) % 64 == 0 && v.data() == v.data());
  for (int i = 0; i < 15; ++i) CHECK_EQUAL(v.data()[i], 0.0f, "zero at first");
  const int64_t version = v.version();
  v.touch();
  CHECK(v.version() > version && v.version() == v.version());
  CHECK(Variable("one", {}).size() == 1 && Variable("one", {}).trainable());
  Variable("huge", {int64_t{1} << 40});  // takes no memory before it is asked for
  const auto check = [](const Dims& dims, const std::string& message) {
    try {
      Variable("w", dims);
      fail(__FILE__, __LINE__, "no error, but expected: ", message);
    } catch (const std::invalid_argument& error) {
      CHECK(error.what() == message);
    }
  };
  check({3, 0}, "w: every dimension must be at least 1, but the shape is (3, 0)");
  check({-1}, "w: every dimension must be at least 1, but the shape is (-1,)");
  check({int64_t{1} << 30, int64_t{1} << 30}, "w: its weights are too large: (1073741824, 1073741824)");
  check({kHuge, kHuge, kHuge}, "w: its weights are too large: (1099511627776, 1099511627776, 1099511627776)");
  Graph graph;
  bool refused = false;
  try {
    graph.parameter(nullptr);
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  CHECK(refused && graph.variables().empty());
}

}  // namespace pycnn::testing
