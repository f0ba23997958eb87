// Expressions that become one: the text of small graphs before and after, and the same values when they run.
#include "tests/passes/pass_case.h"

namespace pycnn::testing {
namespace {

struct Case : PassCase {
  void check(const KernelTable& kernels, const char* name) const { PassCase::check(fuse_expressions, kernels, name); }
};

}  // namespace

TEST(fuse_expressions_in_a_chain) {
  Case c;
  const int x = c.v.input({2, 3}), p = c.v.parameter({3});
  const int exponential = c.v.map(MapOp::kExp, {x}), product = c.v.map(MapOp::kMultiply, {exponential, p});
  const int shifted = add_scale_shift(c.v.graph, "shifted", product, 2.0f, -1.0f);
  c.kept = {c.v.map(MapOp::kTanh, {shifted})};
  c.want =
      "%0 = input() dtype=float32 : batch of (2, 3)  \"input 0\"\n"
      "%1 = parameter() variable=0 : (3,)  \"weight 1\"\n"
      "%5 = map(%1, %0) code={exp x1; multiply t0 x0; 2; multiply t1 t2; -1; add t3 t4; tanh t5} : batch of (2, 3)  "
      "\"map 5\"\n"
      "outputs %5\n";
  c.check(kernels, "chain");
}

// A value that several expressions read becomes a part of the one that they become. It is computed once.
TEST(fuse_expressions_in_a_diamond) {
  Case c;
  const int x = c.v.input({4}), sine = c.v.map(MapOp::kSin, {x});
  const int left = c.v.map(MapOp::kExp, {sine}), right = c.v.map(MapOp::kTanh, {sine});
  c.kept = {c.v.map(MapOp::kMultiply, {left, right})};
  c.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%4 = map(%0) code={sin x0; exp t0; tanh t0; multiply t1 t2} : batch of (4,)  \"map 4\"\n"
      "outputs %4\n";
  c.check(kernels, "diamond");

  Case twice;
  const int y = twice.v.input({4}), cosine = twice.v.map(MapOp::kCos, {y});
  twice.kept = {twice.v.map(MapOp::kMultiply, {cosine, cosine, y})};
  twice.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%2 = map(%0) code={cos x0; multiply t0 t0; multiply t1 x0} : batch of (4,)  \"map 2\"\n"
      "outputs %2\n";
  twice.check(kernels, "an operand twice");

  Case listed;  // twice in the list of operands
  const int z = listed.v.input({4}), exponential = listed.v.map(MapOp::kExp, {z});
  listed.kept = {listed.v.add(MapNode{{step(MapOp::kAdd, 0, 1)}}, {exponential, exponential})};
  listed.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%2 = map(%0) code={exp x0; add t0 t0} : batch of (4,)  \"node 2\"\n"
      "outputs %2\n";
  listed.check(kernels, "an operand that is listed twice");
}

TEST(fuse_expressions_of_one_shape_only) {
  Case c;
  const int x = c.v.input({2, 3}), row = c.v.input({3});
  const int doubled = c.v.map(MapOp::kExp, {row});  // would be computed for every row
  c.kept = {c.v.map(MapOp::kMultiply, {c.v.map(MapOp::kSin, {x}), doubled})};
  c.want =
      "%0 = input() dtype=float32 : batch of (2, 3)  \"input 0\"\n"
      "%1 = input() dtype=float32 : batch of (3,)  \"input 1\"\n"
      "%2 = map(%1) code={exp x0} : batch of (3,)  \"map 2\"\n"
      "%4 = map(%2, %0) code={sin x1; multiply t0 x0} : batch of (2, 3)  \"map 4\"\n"
      "outputs %4\n";
  c.check(kernels, "shapes");
}

// What has no batch axis is computed once, not for every sample.
TEST(fuse_expressions_of_samples_with_weights) {
  Case c;
  const int x = c.v.input({3}), p = c.v.parameter({3});
  const int weight = c.v.map(MapOp::kSquare, {c.v.map(MapOp::kExp, {p})});
  c.kept = {c.v.map(MapOp::kMultiply, {c.v.map(MapOp::kSin, {x}), weight})};
  c.want =
      "%0 = input() dtype=float32 : batch of (3,)  \"input 0\"\n"
      "%1 = parameter() variable=0 : (3,)  \"weight 1\"\n"
      "%3 = map(%1) code={exp x0; square t0} : (3,)  \"map 3\"\n"
      "%5 = map(%3, %0) code={sin x1; multiply t0 x0} : batch of (3,)  \"map 5\"\n"
      "outputs %5\n";
  c.check(kernels, "weights");
}

TEST(fuse_expressions_keeps_what_others_want) {
  Case c;
  const int x = c.v.input({3}), first = c.v.map(MapOp::kExp, {x});
  const int second = c.v.map(MapOp::kTanh, {first}), third = c.v.map(MapOp::kSin, {second});
  const int g = c.v.gradient(c.v.map(MapOp::kSquare, {third}), second);
  c.kept = {first, g};
  c.want =
      "%0 = input() dtype=float32 : batch of (3,)  \"input 0\"\n"
      "%1 = map(%0) code={exp x0} : batch of (3,)  \"map 1\"\n"
      "%2 = map(%1) code={tanh x0} : batch of (3,)  \"map 2\"\n"
      "%4 = map(%2) code={sin x0; square t0} : batch of (3,)  \"map 4\"\n"
      "%5 = gradient(%4, %2) : batch of (3,)  \"node 5\"\n"
      "outputs %1 %5\n";
  c.check(kernels, "kept");
}

// Other operations lie between; and what is not needed is no reader.
TEST(fuse_expressions_around_other_operations) {
  Case c;
  const int x = c.v.input({4}), first = c.v.map(MapOp::kSin, {x});
  c.v.map(MapOp::kExp, {first});  // which nothing needs
  const int second = c.v.map(MapOp::kCos, {first});
  const int softmax = c.v.add(SoftmaxNode{}, {second});
  c.kept = {c.v.map(MapOp::kSquare, {c.v.map(MapOp::kNegative, {softmax})})};
  c.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%3 = map(%0) code={sin x0; cos t0} : batch of (4,)  \"map 3\"\n"
      "%4 = softmax(%3) log=false : batch of (4,)  \"node 4\"\n"
      "%6 = map(%4) code={negative x0; square t0} : batch of (4,)  \"map 6\"\n"
      "outputs %6\n";
  c.check(kernels, "other operations");
}

// Sums of values and activations are expressions like others: GELU written by hand is one.
TEST(fuse_expressions_with_sums_and_activations) {
  Case c;
  const int x = c.v.input({4}), half = add_scale_shift(c.v.graph, "half", x, 0.5f, 1.0f);
  const int cubic = c.v.map(MapOp::kMultiply, {x, x, x}), sum = c.v.add(AddNode{}, {x, cubic, x});
  c.kept = {c.v.map(MapOp::kMultiply, {half, c.v.tanh(sum)})};
  c.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%5 = map(%0) code={0.5; multiply x0 t0; 1; add t1 t2; multiply x0 x0; multiply t4 x0; add x0 t5; add t6 x0; "
      "tanh t7; multiply t3 t8} : batch of (4,)  \"map 5\"\n"
      "outputs %5\n";
  c.check(kernels, "sums and activations");

  Case last;
  const int y = last.v.input({4});
  last.kept = {last.v.add(SoftmaxNode{}, {last.v.add(AddNode{}, {last.v.map(MapOp::kSin, {y}), y})})};
  last.want =
      "%0 = input() dtype=float32 : batch of (4,)  \"input 0\"\n"
      "%2 = map(%0) code={sin x0; add t0 x0} : batch of (4,)  \"node 2\"\n"
      "%3 = softmax(%2) log=false : batch of (4,)  \"node 3\"\n"
      "outputs %3\n";
  last.check(kernels, "the last one is a sum");
}

// A layer applies the activation and adds the shortcut itself; losses may start from what is before an activation.
TEST(fuse_expressions_without_those_of_layers) {
  Case c;
  const int x = c.v.input({4}), dense = c.v.add(DenseNode{}, {x, c.v.parameter({4, 4}), c.v.parameter({4})});
  c.kept = {c.v.map(MapOp::kMultiply, {x, c.v.tanh(dense)})};
  c.want = text_of(c.v.graph, c.kept);
  c.check(kernels, "of a dense layer");

  Case sum;
  const int image = sum.v.input({3, 3, 2}), shortcut = sum.v.map(MapOp::kSin, {image});
  const int conv = sum.v.add(Conv2DNode{}, {image, sum.v.parameter({1, 1, 2, 2}), sum.v.parameter({2})});
  sum.kept = {sum.v.map(MapOp::kSquare, {sum.v.tanh(sum.v.add(AddNode{}, {shortcut, conv}))})};
  sum.want = text_of(sum.v.graph, sum.kept);
  sum.check(kernels, "of a convolution");

  Case output;
  const int logits = output.v.map(MapOp::kSin, {output.v.input({4})});
  output.kept = {output.v.add(ActivationNode{{ActivationKind::kSigmoid}}, {logits})};
  output.want = text_of(output.v.graph, output.kept);
  output.check(kernels, "an output");

  Case plain;  // no expression is among them
  const int a = plain.v.input({4}), b = plain.v.input({4});
  plain.kept = {plain.v.add(SoftmaxNode{}, {plain.v.tanh(plain.v.add(AddNode{}, {a, b}))})};
  plain.want = text_of(plain.v.graph, plain.kept);
  plain.check(kernels, "a sum and its activation");
}

// Expressions do not grow without bounds, and give the same values where they are cut.
TEST(fuse_expressions_up_to_a_size) {
  Case c;
  const int x = c.v.input({4});
  int y = x;
  for (int i = 0; i < 150; ++i) y = c.v.map(i % 2 ? MapOp::kSin : MapOp::kCos, {y});
  c.kept = {y};
  Graph fused = c.v.graph;
  fuse_expressions(fused, c.kept);
  size_t maps = 0, instructions = 0;
  const std::vector<bool> needed = needed_for(fused, c.kept);
  for (int i = 0; i < static_cast<int>(needed.size()); ++i) {
    const auto* map = fused.as<MapNode>(i);
    if (!map || !needed[static_cast<size_t>(i)]) continue;
    ++maps;
    instructions += map->code.size();
    CHECK(map->code.size() <= 64);
  }
  CHECK(maps == 3 && instructions == 150);
  c.want = text_of(fused, c.kept);
  c.check(kernels, "a long chain");

  Case wide;  // more operands than one expression takes
  std::vector<int> terms;
  for (int i = 0; i < 40; ++i) terms.push_back(wide.v.map(MapOp::kSin, {wide.v.input({2})}));
  int sum = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) sum = wide.v.map(MapOp::kAdd, {sum, terms[i]});
  wide.kept = {sum};
  Graph cut = wide.v.graph;
  fuse_expressions(cut, wide.kept);
  wide.want = text_of(cut, wide.kept);
  for (int i = 0; i < static_cast<int>(cut.nodes().size()); ++i) CHECK(cut.node(i).inputs.size() <= 40);
  wide.check(kernels, "many operands");
}

// Gradients go through as before: by operands that join, repeat, or have no batch axis.
TEST(fuse_expressions_in_training) {
  Values v;
  const int x = v.input({2, 3}), p = v.parameter({2, 3}), row = v.parameter({3});
  const int shifted = v.map(MapOp::kAdd, {x, p}), wave = v.map(MapOp::kSin, {shifted});
  const int product = v.map(MapOp::kMultiply, {wave, row, wave});
  const int scaled = v.map(MapOp::kMultiply, {product, v.map(MapOp::kExp, {row})});
  const int sum = v.add(AddNode{}, {v.tanh(v.map(MapOp::kTanh, {scaled})), shifted, shifted});
  const int y = v.map(MapOp::kMultiply, {v.add(ActivationNode{{ActivationKind::kSilu}}, {sum}), p});
  check_values(kernels, "fused expressions", v.graph, {y}, {v.weighted(y)}, {1, 3, 9, 130});
}

}  // namespace pycnn::testing
