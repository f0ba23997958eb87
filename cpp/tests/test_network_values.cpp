// Operations on arrays in networks: values and gradients against double precision, for operands with and without a
// batch axis.
#include "tests/values.h"

namespace pycnn::testing {
namespace {

typedef std::function<int(Values&, const std::vector<int>& operands)> Operation;

struct Case {
  const char* name;
  std::vector<Dims> operands;
  Operation add;
  // Whether operand k may have a batch axis, and must have one.
  std::vector<bool> may_be_batched = {true, true, true}, must_be_batched = {false, false, false};
};

// Every choice of operands that have a batch axis. One that has is the sum of an input and a parameter.
void check_case(const KernelTable& kernels, const Case& c) {
  for (size_t mask = 0; mask < size_t{1} << c.operands.size(); ++mask) {
    bool possible = true;
    for (size_t k = 0; k < c.operands.size(); ++k) {
      const bool batched = mask >> k & 1;
      possible = possible && (batched ? c.may_be_batched[k] : !c.must_be_batched[k]);
    }
    if (!possible) continue;
    Values values;
    const int unused = values.input({1});
    std::vector<int> operands;
    std::string text = std::string(c.name) + " of";
    for (size_t k = 0; k < c.operands.size(); ++k) {
      int operand = values.parameter(c.operands[k]);
      if (mask >> k & 1) operand = values.map(MapOp::kAdd, {operand, values.input(c.operands[k])});
      text += mask >> k & 1 ? " samples" : " weights";
      operands.push_back(operand);
    }
    const int y = c.add(values, operands), loss = values.weighted(y);
    CHECK(values.graph.node(y).batched == (mask != 0 && !values.graph.as<BatchReduceNode>(y)));
    check_values(kernels, text, values.graph, {y, unused}, {loss});
  }
}

Operation node(const Attributes& attributes, const Dims& requested = {}) {
  return [=](Values& v, const std::vector<int>& operands) { return v.add(attributes, operands, requested); };
}

const std::vector<bool> kFirst = {true, false, false};

std::vector<MapInstruction> long_code() {  // tanh(sin(a) b + 2) / (exp(a) + 1)
  return {step(MapOp::kSin, 0),
          step(MapOp::kMultiply, 2, 1),
          step(MapOp::kConstant, 0, 0, 0, 2.0f),
          step(MapOp::kAdd, 3, 4),
          step(MapOp::kTanh, 5),
          step(MapOp::kExp, 0),
          step(MapOp::kConstant, 0, 0, 0, 1.0f),
          step(MapOp::kAdd, 7, 8),
          step(MapOp::kDivide, 6, 9)};
}

}  // namespace

TEST(values_unary) {
  const Dims dims = {2, 3, 4};
  for (const Case& c : {
           Case{"tanh", {dims}, node(ActivationNode{{ActivationKind::kTanh}})},
           Case{"silu", {dims}, node(ActivationNode{{ActivationKind::kSilu}})},
           Case{"softmax", {dims}, node(SoftmaxNode{})},
           Case{"log softmax", {dims}, node(SoftmaxNode{true})},
           Case{"maxout", {dims}, node(MaxoutNode{2})},
           Case{"average pool", {{4, 5, 2}}, node(Pool2DNode{true, {2, 2}, {1, 2}, {}})},
           Case{"max pool", {{4, 6, 2}}, node(Pool2DNode{false, {2, 3}, {2, 2}, {}})},
           Case{"padding", {dims}, node(Pad2DNode{{1, 0, 2, 1}, PadMode::kConstant, 0.5f})},
           Case{"reshape", {dims}, node(ReshapeNode{}, {4, 6})},
           Case{"stop gradient",
                {dims},
                [](Values&v, const std::vector<int>&x) {
                  return v.map(MapOp::kMultiply, {x[0], x[0]});
                }},
       })
    check_case(kernels, c);
}

TEST(values_reductions) {
  for (const ReduceKind kind :
       {ReduceKind::kSum, ReduceKind::kMean, ReduceKind::kMax, ReduceKind::kMin, ReduceKind::kProd}) {
    check_case(kernels, {"reduction along the last axis", {{2, 3, 4}}, node(ReduceNode{kind, 6, 4, 1}, {2, 3})});
    check_case(kernels, {"reduction along an axis", {{2, 3, 4}}, node(ReduceNode{kind, 2, 3, 4}, {2, 1, 4})});
    check_case(kernels, {"reduction to one", {{2, 3}}, node(ReduceNode{kind, 1, 6, 1}, {})});
  }
}

TEST(values_of_the_batch) {
  for (const bool mean : {false, true})
    check_case(kernels, {"sum of the batch", {{3, 2}}, node(BatchReduceNode{mean}), kFirst, kFirst});
  // What is computed of it goes back to the samples: x^2 - mean(x^2).
  check_case(kernels,
             {"distance from the mean",
              {{5}},
              [](Values& v, const std::vector<int>& x) {
                const int squares = v.map(MapOp::kSquare, {x[0]});
                const int centered = v.map(MapOp::kSubtract, {squares, v.add(BatchReduceNode{true}, {squares})});
                return v.map(MapOp::kTanh, {centered});
              },
              kFirst,
              kFirst});
}

TEST(values_views) {
  for (const Case& c : {
           Case{"transposition", {{2, 3, 4}}, node(StridedNode{0, {1, 12, 4}}, {4, 2, 3})},
           Case{"flipped slice", {{5, 4}}, node(StridedNode{18, {-8, -1}}, {2, 3})},
           Case{"repetition", {{3}}, node(StridedNode{0, {1, 0}}, {3, 4})},
           Case{"windows", {{6}}, node(StridedNode{0, {1, 1}}, {4, 3})},
           Case{"scatter", {{2, 3}}, node(ScatterNode{1, {8, 2}, 0.5f}, {3, 5})},
           Case{"flipped scatter", {{3}}, node(ScatterNode{4, {-2}}, {5})},
       })
    check_case(kernels, c);
}

TEST(values_binary) {
  for (const Case& c : {
           Case{"product", {{3, 4}, {3, 4}}, node(MapNode{{step(MapOp::kMultiply, 0, 1)}})},
           Case{"product with a row", {{3, 4}, {4}}, node(MapNode{{step(MapOp::kMultiply, 0, 1)}})},
           Case{"quotient of a column and a row", {{3, 1}, {1, 4}},
                [](Values& v, const std::vector<int>& x) {
                  return v.map(MapOp::kDivide, {x[0], v.map(MapOp::kExp, {x[1]})});
                }},
           Case{"product with one value", {{2, 3, 4}, {}}, node(MapNode{{step(MapOp::kMultiply, 0, 1)}})},
           Case{"value of lower rank first", {{4}, {2, 3, 4}}, node(MapNode{{step(MapOp::kSubtract, 0, 1)}})},
           Case{"expression", {{3, 17}, {3, 17}}, node(MapNode{long_code()})},
           Case{"expression of a column", {{3, 17}, {3, 1}}, node(MapNode{long_code()})},
           Case{"choice", {{3, 5}, {3, 5}},
                node(MapNode{{step(MapOp::kLess, 0, 1), step(MapOp::kSquare, 0), step(MapOp::kWhere, 2, 3, 1)}})},
           Case{"maximum", {{3, 5}, {5}}, node(MapNode{{step(MapOp::kMaximum, 0, 1)}})},
           Case{"concatenation of the first axis", {{2, 3}, {1, 3}}, node(ConcatNode{0})},
           Case{"concatenation of the middle axis", {{2, 3, 2}, {2, 1, 2}}, node(ConcatNode{1})},
           Case{"concatenation of the last but one axis", {{2, 3, 2}, {2, 1, 2}}, node(ConcatNode{-2})},
           Case{"concatenation of the last axis", {{2, 3}, {2, 5}}, node(ConcatNode{-1})},
           Case{"an operand twice", {{3}, {3}},
                [](Values& v, const std::vector<int>& x) {
                  return v.add(MapNode{{step(MapOp::kMultiply, 0, 1), step(MapOp::kMultiply, 3, 2)}}, {x[0], x[1], x[0]});
                }},
       })
    check_case(kernels, c);
}

TEST(values_sums) {
  for (const bool batched : {false, true}) {
    const std::vector<bool> all(3, batched);
    check_case(kernels, {"sum", {{3, 4}, {3, 4}}, node(AddNode{}), all, all});
    check_case(kernels, {"sum with a value twice",
                         {{5}, {5}},
                         [](Values& v, const std::vector<int>& x) {
                           return v.add(AddNode{}, {x[0], x[1], x[0]});
                         },
                         all,
                         all});
    check_case(kernels, {"activated sum",
                         {{5}, {5}},
                         [](Values& v, const std::vector<int>& x) { return v.tanh(v.add(AddNode{}, x)); },
                         all,
                         all});
  }
}

TEST(values_products_of_matrices) {
  for (const bool turn_a : {false, true})
    for (const bool turn_b : {false, true}) {
      const Dims a = turn_a ? Dims{5, 3} : Dims{3, 5}, b = turn_b ? Dims{4, 5} : Dims{5, 4};
      const auto stacked = [](Dims dims, Dims first) {
        first.insert(first.end(), dims.begin(), dims.end());
        return first;
      };
      const Operation product = node(MatmulNode{turn_a, turn_b});
      check_case(kernels, {"matrices", {a, b}, product});
      check_case(kernels, {"stacks", {stacked(a, {2, 3}), stacked(b, {2, 3})}, product});
      check_case(kernels, {"stack and matrix", {stacked(a, {2}), b}, product});
      check_case(kernels, {"matrix and stack", {a, stacked(b, {2})}, product});
      const Dims row = turn_a ? Dims{5, 1} : Dims{1, 5}, column = turn_b ? Dims{1, 5} : Dims{5, 1};
      check_case(kernels, {"row and matrix", {row, b}, product});
      check_case(kernels, {"matrix and column", {a, column}, product});
    }
}

TEST(values_taken_by_index) {
  const auto take = [](int64_t axis, const Dims& dims, const Floats& index) {
    return [=](Values& v, const std::vector<int>& x) { return v.add(TakeNode{axis}, {x[0], v.constant(dims, index)}); };
  };
  check_case(kernels, {"rows", {{4, 3}}, take(0, {5}, {2, -1, 0, 2, 3})});
  check_case(kernels, {"columns", {{2, 4, 3}}, take(1, {2, 2}, {0, 3, 3, -4})});
  check_case(kernels, {"one value", {{6}}, take(0, {}, {4})});

  // Another index for every sample, from a table of weights and from values of the sample.
  for (const bool batched : {false, true}) {
    Values v;
    const int table = v.parameter({5, 3}), index = v.input({4});
    const int x = batched ? v.map(MapOp::kAdd, {table, v.input({5, 3})}) : table;
    const int y = v.add(TakeNode{0}, {x, index}), loss = v.weighted(y);
    const auto network = make_values_network(kernels, v.graph, {y});
    network->compile(value_losses({loss}), make_optimizer());
    for (const int64_t samples : {1, 9, 130}) {
      Inputs inputs(*network, samples);
      for (size_t i = 0; i < inputs.x[0].size(); ++i) inputs.x[0][i] = static_cast<float>(i * i % 5);
      Reference reference(network->graph(), inputs.x, samples);
      check_all_near(predict_all(*network, inputs.batch())[0], reference.value(y), "embedding");
      network->compute_gradients(inputs.batch());
      check_all_near(gradient_of(*network, 0), reference.slopes(loss, table, mean_of), "embedding's table");
    }
  }
}

// A layer whose weights are computed, also from what stands for the whole batch.
TEST(values_weights_that_are_computed) {
  check_case(
      kernels,
      {"convolution", {{5, 6, 4}, {3, 3, 4, 6}, {6}}, node(Conv2DNode{{1, 2}, {}, {1, 0, 1, 1}}), kFirst, kFirst});
  check_case(kernels, {"grouped convolution",
                       {{5, 6, 4}, {2, 2, 2, 6}, {6}},
                       node(Conv2DNode{{}, {2, 1}, {1, 1, 0, 1}, 0.25f, 2}),
                       kFirst,
                       kFirst});
  check_case(
      kernels,
      {"depthwise convolution", {{5, 6, 4}, {3, 3, 1, 4}}, node(Conv2DNode{{}, {}, {}, 0.0f, 4}), kFirst, kFirst});
  check_case(kernels, {"dense", {{7}, {7, 5}, {5}}, node(DenseNode{}), kFirst, kFirst});
  check_case(kernels, {"dense on rows", {{3, 7}, {7, 5}}, node(DenseNode{}), kFirst, kFirst});
  const auto scaled = [](const Attributes& layer) {
    return [=](Values& v, const std::vector<int>& x) {
      return v.add(layer, {x[0], v.map(MapOp::kMultiply, {x[1], x[2]})});
    };
  };
  check_case(kernels,
             {"convolution by a scaled kernel", {{5, 6, 4}, {3, 3, 4, 6}, {}}, scaled(Conv2DNode{}), kFirst, kFirst});
  check_case(kernels, {"dense by a scaled kernel", {{7}, {7, 5}, {}}, scaled(DenseNode{}), kFirst, kFirst});
  check_case(kernels, {"pooled convolution by a scaled kernel",
                       {{6, 6, 1}, {3, 3, 1, 6}, {}},
                       [&](Values& v, const std::vector<int>& x) {
                         const int y = v.add(ActivationNode{{ActivationKind::kRelu}}, {scaled(Conv2DNode{})(v, x)});
                         return v.add(Pool2DNode{false, {2, 2}, {2, 2}, {}}, {y});
                       },
                       kFirst,
                       kFirst});
  check_case(kernels, {"dense by a kernel of the batch",
                       {{6}, {6, 4}},
                       [](Values& v, const std::vector<int>& x) {
                         const int mean = v.add(BatchReduceNode{true}, {x[0]});
                         const int column = v.add(ReshapeNode{}, {mean}, {6, 1});
                         return v.add(DenseNode{}, {x[0], v.map(MapOp::kMultiply, {x[1], column})});
                       },
                       kFirst,
                       kFirst});
}

// Kernels in another shape than their parameter, which has gradients of several layers: sums of slots, transposed where
// a max-pool follows.
TEST(values_weights_that_are_reshaped) {
  check_case(kernels, {"convolutions by one kernel in two shapes",
                       {{4, 4, 16}, {9, 16, 16}},
                       [](Values& v, const std::vector<int>& x) {
                         const int square = v.add(ReshapeNode{}, {x[1]}, {3, 3, 16, 16});
                         const int flat = v.add(
                             ReshapeNode{}, {v.map(MapOp::kMultiply, {x[1], v.constant({}, {0.1f})})}, {1, 1, 16, 144});
                         const int conv = v.add(Conv2DNode{{}, {}, {1, 1, 1, 1}}, {x[0], square});
                         const int pooled = v.add(Pool2DNode{false, {2, 2}, {2, 2}, {}},
                                                  {v.add(ActivationNode{{ActivationKind::kRelu}}, {conv})});
                         const int twice = v.add(Conv2DNode{{}, {}, {1, 1, 1, 1}}, {pooled, square});
                         return v.add(Conv2DNode{}, {twice, flat});
                       },
                       kFirst,
                       kFirst});
  check_case(kernels, {"dense layers by one kernel in two shapes",
                       {{6}, {24}},
                       [](Values& v, const std::vector<int>& x) {
                         const int first = v.add(DenseNode{}, {x[0], v.add(ReshapeNode{}, {x[1]}, {6, 4})});
                         return v.add(DenseNode{}, {v.tanh(first), v.add(ReshapeNode{}, {x[1]}, {4, 6})});
                       },
                       kFirst,
                       kFirst});
}

// Of two shapes that have no short rows in common: gradients of a shared parameter are the sums of those of two.
TEST(values_weights_of_unlike_shapes) {
  const auto gradients = [&](bool shared) {
    Values v;
    int x = v.input({10, 10, 65});
    const int first = v.parameter({9 * 65 * 128}), second = shared ? first : v.parameter({9 * 65 * 128});
    for (const auto& [weights, dims] :
         {std::pair(first, Dims{3, 3, 65, 128}), std::pair(second, Dims{3, 3, 128, 65})}) {
      const int conv = v.add(Conv2DNode{}, {x, v.add(ReshapeNode{}, {weights}, dims)});
      x = v.add(Pool2DNode{false, {2, 2}, {2, 2}, {}}, {v.add(ActivationNode{{ActivationKind::kRelu}}, {conv})});
    }
    const int loss = v.map(MapOp::kMultiply, {x, v.constant({65}, random_floats(65, 1))});
    const auto network = make_values_network(kernels, v.graph, {x});
    for (int p = 1; p < network->parameters().count(); ++p)
      std::copy_n(network->parameters().weights(0), network->parameters().size(0), network->parameters().weights(p));
    network->parameters().touch();
    network->compile(value_losses({loss}), make_optimizer());
    network->compute_gradients(Inputs(*network, 9).batch());
    std::vector<Floats> all;
    for (int p = 0; p < network->parameters().count(); ++p) all.push_back(gradient_of(*network, p));
    return all;
  };
  const Floats shared = gradients(true)[0];
  const std::vector<Floats> parts = gradients(false);
  for (size_t i = 0; i < shared.size(); ++i) CHECK_EQUAL(shared[i], parts[0][i] + parts[1][i], i);
}

// The large dense layer that sees the whole chunk, with a kernel that is computed and one that two layers share.
TEST(values_large_dense) {
  Values v;
  const int x = v.input({256}), kernel = v.parameter({256, 256}), scale = v.parameter({});
  const int scaled = v.map(MapOp::kMultiply, {kernel, scale});
  const int first = v.add(DenseNode{}, {v.map(MapOp::kMultiply, {x, scale}), scaled});
  const int second = v.add(DenseNode{}, {v.tanh(v.map(MapOp::kMultiply, {first, v.constant({}, {0.1f})})), scaled});
  const int loss = v.weighted(second);
  const auto network = make_values_network(kernels, v.graph, {second});
  network->compile(value_losses({loss}), make_optimizer());
  for (const int64_t samples : {1, 9}) {
    const Inputs inputs(*network, samples);
    Reference reference(network->graph(), inputs.x, samples);
    check_all_near(predict_all(*network, inputs.batch())[0], reference.value(second), "large dense");
    network->compute_gradients(inputs.batch());
    check_all_near(gradient_of(*network, 1), reference.slopes(loss, scale, mean_of), "large dense, by the scale");
  }
}

// Regularizers: losses of weights alone, beside those of samples.
TEST(values_regularizers) {
  Values v;
  const int x = v.input({6}), kernel = v.parameter({6, 4}), other = v.parameter({3});
  const int y = v.add(DenseNode{}, {x, kernel});
  const int squares = v.sum(v.map(MapOp::kSquare, {kernel}));
  const int of_other = v.sum(v.map(MapOp::kSquare, {v.map(MapOp::kSin, {other})}));
  check_values(kernels, "regularizers", v.graph, {y, squares}, {v.weighted(y), squares, of_other}, {1, 3, 8, 9, 130});
  check_values(kernels, "regularizers alone", v.graph, {squares}, {squares, of_other}, {1, 9, 130});
}

TEST(values_maximum_shares_the_gradient_of_ties) {
  Values v;
  const int unused = v.input({1});
  const int a = v.parameter({3}), b = v.parameter({3});
  const int largest = v.map(MapOp::kMaximum, {a, b}), loss = v.sum(largest);
  const int most = v.sum(v.add(ReduceNode{ReduceKind::kMax, 1, 3, 1}, {a}, {}));
  const auto network = make_values_network(kernels, v.graph, {unused});
  network->compile(value_losses({loss, most}), make_optimizer());
  const Floats values_a = {2, 5, 5}, values_b = {3, 5, 1};
  std::copy(values_a.begin(), values_a.end(), network->parameters().weights(0));
  std::copy(values_b.begin(), values_b.end(), network->parameters().weights(1));
  network->parameters().touch();
  const Inputs inputs(*network, 3);
  CHECK_EQUAL(network->compute_gradients(inputs.batch()).loss, 13.0 + 5.0, "ties");
  CHECK(same_bits(gradient_of(*network, 0), Floats{0, 0.5f + 0.5f, 1 + 0.5f}));
  CHECK(same_bits(gradient_of(*network, 1), Floats{1, 0.5f, 0}));
}

// No gradient goes through, in a node and in an expression.
TEST(values_stopped_gradients) {
  for (const bool in_expression : {false, true})
    for (const bool batched : {false, true}) {
      Values v;
      const int p = v.parameter({4});
      const int x = batched ? v.map(MapOp::kAdd, {p, v.input({4})}) : p;
      const int unused = v.input({1});
      const int stopped = in_expression ? v.map(MapOp::kStopGradient, {x}) : v.add(StopGradientNode{}, {x});
      const int y = v.map(MapOp::kMultiply, {x, stopped}), loss = v.weighted(y);
      const auto network = make_values_network(kernels, v.graph, {y, unused});
      network->compile(value_losses({loss}), make_optimizer());
      const Inputs inputs(*network, 3);
      Reference reference(network->graph(), inputs.x, 3);
      network->compute_gradients(inputs.batch());
      // Half the slope of the square's.
      Doubles want = reference.slopes(loss, p, mean_of);
      for (double& slope : want) slope /= 2;
      check_all_near(gradient_of(*network, 0), want, "stopped gradient");
    }
}

// Values of a concatenation along another axis than the last are not where a convolution could leave them.
TEST(values_concatenations_of_convolutions) {
  for (const int64_t axis : {0, 1, 2, -1, -2, -3}) {
    Values v;
    const int x = v.input({4, 4, 3});
    std::vector<int> parts;
    for (int k = 0; k < 2; ++k) parts.push_back(v.add(Conv2DNode{}, {x, v.parameter({1, 1, 3, 4})}));
    const int inner = v.add(ConcatNode{axis}, parts);
    const int outer = v.add(ConcatNode{-1}, {inner, v.add(Pool2DNode{false, {1, 1}, {1, 1}, {}}, {inner})});
    const int nested = v.add(ConcatNode{-1}, {v.add(ConcatNode{axis}, {parts[0], parts[1]}), v.tanh(inner)});
    check_values(kernels, "axis " + std::to_string(axis), v.graph, {outer}, {v.weighted(outer)});
    check_values(kernels, "nested, axis " + std::to_string(axis), v.graph, {nested}, {v.weighted(nested)});
  }
}

}  // namespace pycnn::testing
