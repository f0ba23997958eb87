// A network of everything: two inputs, three outputs, losses of samples and of weights, statistics of the batch,
// weights that are computed, a gradient that is a value.
#pragma once

#include "tests/values.h"

namespace pycnn::testing {

struct Mixed {
  Values v;
  int image, vector, pooled, scores, estimate, penalty, importance;

  Mixed() {
    image = v.input({16, 16, 16});
    vector = v.input({7});
    const int kernel = v.map(MapOp::kMultiply, {v.parameter({3, 3, 16, 32}), v.map(MapOp::kExp, {v.parameter({})})});
    const int conv = v.add(Conv2DNode{{}, {}, {1, 1, 1, 1}}, {image, kernel, v.parameter({32})});
    const int norm = add_batch_norm(v.graph, "norm", conv, {0.9f, 1e-3f});
    const int relu = v.add(ActivationNode{{ActivationKind::kRelu}}, {norm});
    pooled = v.add(Pool2DNode{false, {2, 2}, {2, 2}, {}}, {relu});

    const int rows = v.add(ReshapeNode{}, {pooled}, {64, 32}), table = v.parameter({6, 32});
    const int attention = v.add(SoftmaxNode{}, {v.add(MatmulNode{false, true}, {rows, table})});
    const int attended = v.add(AddNode{}, {rows, v.add(MatmulNode{}, {attention, table})});
    const int turned = v.add(StridedNode{0, {1, 32}}, {attended}, {32, 64});
    const int mean = v.add(ReduceNode{ReduceKind::kMean, 32, 64, 1}, {turned}, {32});
    const int centered = v.map(MapOp::kSubtract, {mean, v.add(BatchReduceNode{true}, {mean})});
    const int picked = v.add(TakeNode{0}, {table, v.constant({3}, {1, -1, 1})});
    const int largest = v.add(ReduceNode{ReduceKind::kMax, 1, 3, 32}, {picked}, {32});
    const int features = v.map(MapOp::kMultiply, {centered, v.tanh(largest)});

    const int side = v.tanh(dense(vector, 5));
    const int joined = v.add(ScatterNode{2, {1}, 0.5f}, {v.add(ConcatNode{}, {features, side})}, {41});
    const int hidden = v.tanh(dense(v.tanh(dense(joined, 256)), 256));  // the second one sees the whole chunk
    scores = v.add(SoftmaxNode{}, {dense(v.add(DropoutNode{0.25f}, {hidden}), 10)});
    estimate = dense(v.map(MapOp::kMaximum, {hidden, v.parameter({256})}), 2);
    penalty = v.sum(v.map(MapOp::kSquare, {kernel}));
    const int score = v.add(StridedNode{3, {}}, {scores}, {});
    importance = v.sum(v.map(MapOp::kAbs, {v.gradient(score, pooled)}));
  }
  int dense(int x, int64_t units) {
    return v.add(DenseNode{}, {x, v.parameter({v.graph.shape(x).c(), units}), v.parameter({units})});
  }

  std::vector<int> outputs() const { return {scores, estimate, importance}; }
  Objective objective() const {
    Objective o;
    o.losses = {{scores, LossKind::kSparseCategoricalCrossentropy, false, 0.75f, 0},
                {estimate, LossKind::kMeanSquaredError, false, 2.0f, 1},
                {penalty, LossKind::kValue, false, 0.001f, -1}};
    o.metrics = {{scores, MetricKind::kSparseCategoricalAccuracy, 0.5f, 0}, {importance, MetricKind::kValue, 0.5f, -1}};
    return o;
  }
  std::unique_ptr<Network> network(const KernelTable& kernels, OptimizerKind optimizer = OptimizerKind::kAdam) const {
    auto made = make_network(kernels, v.graph, outputs());
    made->compile(objective(), make_optimizer(optimizer));
    made->set_seed(5);
    return made;
  }
};

struct MixedBatch : Inputs {
  MixedBatch(const Network& network, int64_t samples)
      : Inputs(network, samples), values(random_floats(samples * 2, 1, -1, 1)),
        score_weights(random_floats(samples, 2, 0.5f, 1.5f)), estimate_weights(random_floats(samples, 3, 0, 2)) {
    for (int64_t i = 0; i < samples; ++i) labels.push_back(static_cast<int32_t>(i * 7 % 10));
  }
  Batch batch() const {
    Batch b = Inputs::batch();
    b.targets = {{labels.data()}, {nullptr, values.data()}};
    b.weights = {score_weights.data(), estimate_weights.data()};
    return b;
  }

  std::vector<int32_t> labels;
  Floats values, score_weights, estimate_weights;
};

// A result in one row, to be compared.
inline Floats row_of(const StepResult& result) {
  Floats row(result.losses.begin(), result.losses.end());
  row.insert(row.end(), result.metrics.begin(), result.metrics.end());
  row.push_back(static_cast<float>(result.loss));
  return row;
}

}  // namespace pycnn::testing
