// Values that become one, and views of views: the text of small graphs before and after, the same values when they run.
#include "tests/passes/pass_case.h"

namespace pycnn::testing {
namespace {

struct Case : PassCase {
  int view(int of, const Dims& dims, const Dims& strides, int64_t offset = 0) {
    return v.add(StridedNode{offset, strides}, {of}, dims);
  }
  int reshape(int of, const Dims& dims) { return v.add(ReshapeNode{}, {of}, dims); }
  int row_sums(int of) {
    const Shape& shape = v.graph.shape(of);
    const int64_t rows = shape.size() / shape.c();
    return v.add(ReduceNode{ReduceKind::kSum, rows, shape.c(), 1}, {of}, {rows, 1});
  }
  void check(const KernelTable& kernels, const char* name) const { PassCase::check(simplify, kernels, name); }
  void check_unchanged(const char* name) {
    want = text_of(v.graph, kept);
    check_text(simplify, name);
  }
};

const std::string kInput = "%0 = input() dtype=float32 : batch of (2, 3)  \"input 0\"\n";

// A chain of views, each of the one before it: axes in another order, slices, flips, repetitions, other shapes.
int add_random_views(Values& v, int x, std::mt19937& generator) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(generator() % static_cast<uint64_t>(n)); };
  for (int k = 0; k < 4; ++k) {
    Dims dims = v.graph.shape(x).dims, strides(dims.size(), 1);
    for (size_t a = dims.size() - 1; a-- > 0;) strides[a] = strides[a + 1] * dims[a + 1];
    int64_t offset = 0;
    const size_t axis = static_cast<size_t>(below(v.graph.shape(x).rank())), last = dims.size() - 1;
    switch (below(5)) {
      case 0:
        std::swap(dims[axis], dims[last]);
        std::swap(strides[axis], strides[last]);
        break;
      case 1:
        offset = strides[axis] * (dims[axis] - 1);
        strides[axis] = -strides[axis];
        break;
      case 2:
        offset = strides[axis] * (dims[axis] / 3);
        dims[axis] -= dims[axis] / 3;
        break;
      case 3:
        strides[axis] *= 2;
        dims[axis] = (dims[axis] + 1) / 2;
        break;
      default: {  // two axes as one, or a repetition
        if (axis == last) {
          dims.insert(dims.begin(), 2);
          strides.insert(strides.begin(), 0);
          break;
        }
        dims[axis] *= dims[axis + 1];
        dims.erase(dims.begin() + static_cast<int64_t>(axis) + 1);
        x = v.add(ReshapeNode{}, {x}, dims);
        continue;
      }
    }
    x = v.add(StridedNode{offset, strides}, {x}, dims);
  }
  return x;
}

int64_t count_needed(const Graph& graph, const std::vector<int>& kept) {
  const std::vector<bool> needed = needed_for(graph, kept);
  return std::count(needed.begin(), needed.end(), true);
}

}  // namespace

// What reads equal values is equal too, wherever it stands.
TEST(simplify_equal_values) {
  Case c;
  const int x = c.v.input({2, 3}), first = c.v.map(MapOp::kExp, {x}), second = c.v.map(MapOp::kExp, {x});
  c.kept = {c.v.map(MapOp::kDivide, {c.row_sums(first), c.row_sums(second)}), c.v.map(MapOp::kSquare, {second})};
  c.want = kInput +
           "%1 = map(%0) code={exp x0} : batch of (2, 3)  \"map 1\"\n"
           "%3 = reduce(%1) kind=sum outer=2 n=3 inner=1 : batch of (2, 1)  \"node 3\"\n"
           "%5 = map(%3, %3) code={divide x0 x1} : batch of (2, 1)  \"map 5\"\n"
           "%6 = map(%1) code={square x0} : batch of (2, 3)  \"map 6\"\n"
           "outputs %5 %6\n";
  c.check(kernels, "equal");
}

// An expression that costs less than to store its value stays in each of those that read it.
TEST(simplify_keeps_cheap_expressions_apart) {
  Case c;
  const int x = c.v.input({2, 3}), mean = c.row_sums(x);
  const int first = c.v.map(MapOp::kSubtract, {x, mean}), second = c.v.map(MapOp::kSubtract, {x, c.row_sums(x)});
  const int variance = c.row_sums(c.v.map(MapOp::kSquare, {first}));
  c.kept = {c.v.map(MapOp::kMultiply, {second, variance})};
  c.want = kInput +
           "%1 = reduce(%0) kind=sum outer=2 n=3 inner=1 : batch of (2, 1)  \"node 1\"\n"
           "%2 = map(%0, %1) code={subtract x0 x1} : batch of (2, 3)  \"map 2\"\n"
           "%4 = map(%0, %1) code={subtract x0 x1} : batch of (2, 3)  \"map 4\"\n"
           "%5 = map(%2) code={square x0} : batch of (2, 3)  \"map 5\"\n"
           "%6 = reduce(%5) kind=sum outer=2 n=3 inner=1 : batch of (2, 1)  \"node 6\"\n"
           "%7 = map(%4, %6) code={multiply x0 x1} : batch of (2, 3)  \"map 7\"\n"
           "outputs %7\n";
  c.check(kernels, "cheap");

  Case costly;  // although the subtractions in it are not
  const int y = costly.v.input({2, 3}), most = costly.row_sums(y);
  const int left = costly.v.map(MapOp::kExp, {costly.v.map(MapOp::kSubtract, {y, most})});
  const int right = costly.v.map(MapOp::kExp, {costly.v.map(MapOp::kSubtract, {y, most})});
  costly.kept = {costly.v.map(MapOp::kDivide, {right, costly.row_sums(left)})};
  costly.want = kInput +
                "%1 = reduce(%0) kind=sum outer=2 n=3 inner=1 : batch of (2, 1)  \"node 1\"\n"
                "%2 = map(%0, %1) code={subtract x0 x1} : batch of (2, 3)  \"map 2\"\n"
                "%3 = map(%2) code={exp x0} : batch of (2, 3)  \"map 3\"\n"
                "%6 = reduce(%3) kind=sum outer=2 n=3 inner=1 : batch of (2, 1)  \"node 6\"\n"
                "%7 = map(%3, %6) code={divide x0 x1} : batch of (2, 3)  \"map 7\"\n"
                "outputs %7\n";
  costly.check(kernels, "costly");
}

TEST(simplify_only_what_is_the_same) {
  const auto apart = [](const Attributes& a, const Attributes& b, const char* name, const Dims& dims = {}) {
    Case c;
    const int x = c.v.input({2, 2, 4});
    std::vector<int> inputs{x};
    if (std::holds_alternative<UniformNode>(a)) inputs.clear();
    for (const Attributes& attributes : {a, b})
      c.kept.push_back(c.v.add(SoftmaxNode{}, {c.v.add(attributes, inputs, dims)}));
    c.check_unchanged(name);
  };
  const auto plus = [](float value) {
    MapInstruction constant = step(MapOp::kConstant);
    constant.value = value;
    return MapNode{{constant, step(MapOp::kAdd, 0, 1)}};
  };
  apart(plus(0.0f), plus(-0.0f), "zeros of both signs");
  apart(ActivationNode{{ActivationKind::kElu, 1.0f}}, ActivationNode{{ActivationKind::kElu, 2.0f}}, "parameters");
  apart(SoftmaxNode{false}, SoftmaxNode{true}, "flags");
  apart(StridedNode{0, {4, 1}}, StridedNode{4, {4, 1}}, "offsets", {2, 4});
  apart(DropoutNode{0.5f, true}, DropoutNode{0.5f, true}, "dropout");
  apart(UniformNode{}, UniformNode{}, "random numbers", {2, 2, 4});

  Case shapes;  // which are no attributes
  const int x = shapes.v.input({2, 2, 4});
  for (const Dims& dims : {Dims{4, 4}, Dims{2, 8}})
    shapes.kept.push_back(shapes.v.add(SoftmaxNode{}, {shapes.reshape(x, dims)}));
  shapes.check_unchanged("shapes");

  Case norms;  // of which each moves its statistics
  const int y = norms.v.input({2, 2, 4});
  std::vector<int> inputs{y};
  for (int k = 0; k < 4; ++k) inputs.push_back(norms.v.parameter({4}));
  for (int k = 0; k < 2; ++k) norms.kept.push_back(norms.v.tanh(norms.v.add(BatchNormNode{0.9f, 1e-3f}, inputs)));
  norms.check_unchanged("batch normalization");
}

// A gradient is by one of two equal values, not by both. Others may be outputs.
TEST(simplify_keeps_what_gradients_are_by) {
  for (const int by : {0, 1}) {
    Case c;
    const int x = c.v.input({3});
    const int equal[] = {c.v.map(MapOp::kExp, {x}), c.v.map(MapOp::kExp, {x})};
    const int y = c.v.map(MapOp::kMultiply, {equal[0], equal[1]});
    c.kept = {c.v.gradient(y, equal[by]), c.v.map(MapOp::kSin, {equal[1 - by]})};
    c.want = text_of(c.v.graph, c.kept);
    c.check(kernels, "by one of two");
  }
  Case views;
  const int x = views.v.input({2, 3}), flat = views.reshape(x, {6}), turned = views.view(flat, {3, 2}, {1, 3});
  const int y = views.v.map(MapOp::kMultiply, {views.view(turned, {2, 3}, {1, 2}), x});
  views.kept = {views.v.gradient(y, flat), views.v.gradient(y, turned)};
  views.want = text_of(views.v.graph, views.kept);
  views.check(kernels, "by views");

  Case outputs;
  const int z = outputs.v.input({3}), first = outputs.v.map(MapOp::kExp, {z}), second = outputs.v.map(MapOp::kExp, {z});
  outputs.kept = {first, second, outputs.v.map(MapOp::kSin, {second})};
  outputs.want =
      "%0 = input() dtype=float32 : batch of (3,)  \"input 0\"\n"
      "%1 = map(%0) code={exp x0} : batch of (3,)  \"map 1\"\n"
      "%2 = map(%0) code={exp x0} : batch of (3,)  \"map 2\"\n"
      "%3 = map(%1) code={sin x0} : batch of (3,)  \"map 3\"\n"
      "outputs %1 %2 %3\n";
  outputs.check(kernels, "outputs");
}

TEST(simplify_views_of_views) {
  Case undone;  // channels first, and last again
  const int x = undone.v.input({2, 3}), first = undone.view(x, {3, 2}, {1, 3});
  undone.kept = {undone.v.tanh(undone.view(first, {2, 3}, {1, 2}))};
  undone.want = kInput + "%3 = activation(%0) activation=tanh : batch of (2, 3)  \"node 3\"\noutputs %3\n";
  undone.check(kernels, "undone");

  Case slice;  // of an order of axes, through a shape in between, with a flip
  const int y = slice.v.input({2, 3}), turned = slice.view(y, {3, 2}, {1, 3}), split = slice.reshape(turned, {3, 2, 1});
  slice.kept = {slice.view(split, {2, 2}, {2, -1}, 3)};
  slice.want = kInput + "%3 = strided(%0) offset=4 strides=(1, -3) : batch of (2, 2)  \"node 3\"\noutputs %3\n";
  slice.check(kernels, "slice");

  Case shape;
  const int z = shape.v.input({2, 3}), row = shape.reshape(z, {6});
  shape.kept = {shape.reshape(row, {3, 2}), shape.view(row, {1, 6}, {0, 1}), shape.v.tanh(shape.reshape(row, {2, 3}))};
  shape.want = kInput +
               "%2 = reshape(%0) : batch of (3, 2)  \"node 2\"\n"
               "%3 = reshape(%0) : batch of (1, 6)  \"node 3\"\n"
               "%5 = activation(%0) activation=tanh : batch of (2, 3)  \"node 5\"\n"
               "outputs %2 %3 %5\n";
  shape.check(kernels, "shape");

  Case crossing;  // a step of one value is one along the first axis of what it is of, but not at its end
  const int w = crossing.v.input({2, 3});
  crossing.kept = {crossing.view(crossing.view(w, {3, 2}, {1, 3}), {5}, {1})};
  crossing.want = text_of(crossing.v.graph, crossing.kept);
  crossing.check(kernels, "crossing");

  Case pad;  // of nothing
  const int image = pad.v.input({2, 2, 1});
  pad.kept = {pad.v.tanh(pad.v.add(Pad2DNode{{}, PadMode::kConstant, 0.0f}, {image}))};
  pad.want =
      "%0 = input() dtype=float32 : batch of (2, 2, 1)  \"input 0\"\n"
      "%2 = activation(%0) activation=tanh : batch of (2, 2, 1)  \"node 2\"\n"
      "outputs %2\n";
  pad.check(kernels, "pad");
}

TEST(simplify_random_views) {
  std::mt19937 generator(3);
  int64_t before = 0, after = 0;
  for (int k = 0; k < 200; ++k) {
    Values v;
    const std::vector<int> kept = {add_random_views(v, v.input({4, 6, 5}), generator)};
    Graph changed = v.graph;
    simplify(changed, kept);
    const std::vector<Floats> x = {random_floats(2 * 4 * 6 * 5, 5)};
    const Reference want(v.graph, x, 2), got(changed, x, 2);
    CHECK(got.value(kept[0]) == want.value(kept[0]));
    before += count_needed(v.graph, kept) - 2, after += count_needed(changed, kept) - 2;
  }
  CHECK(after < before / 2);  // beyond the last one
}

// Gradients by what equal values and views are computed from, with and without a batch axis.
TEST(simplify_in_training) {
  Case c;
  const int x = c.v.input({2, 3}), p = c.v.parameter({2, 3});
  const int shifted = c.v.map(MapOp::kAdd, {x, p});
  const auto wave = [&] { return c.v.map(MapOp::kSin, {c.view(shifted, {3, 2}, {1, 3})}); };
  const auto weight = [&] { return c.v.map(MapOp::kExp, {c.view(c.view(p, {3, 2}, {1, 3}), {2, 2}, {2, 1})}); };
  const int product = c.v.add(MatmulNode{}, {wave(), weight()}), other = c.v.add(MatmulNode{}, {wave(), weight()});
  const int y =
      c.v.map(MapOp::kMultiply, {product, c.v.tanh(other), c.v.tanh(c.v.add(MatmulNode{}, {wave(), weight()}))});
  Graph changed = c.v.graph;
  simplify(changed, {y});
  CHECK(count_needed(c.v.graph, {y}) == 24 && count_needed(changed, {y}) == 10);
  check_values(kernels, "simplified", c.v.graph, {y}, {c.v.weighted(y)}, {1, 3, 9, 130});
}

}  // namespace pycnn::testing
