// Several losses and metrics of several outputs, with weights of losses and of samples; and parameters that do not
// train.
#include <functional>

#include "tests/values.h"

namespace pycnn::testing {
namespace {

// Two inputs that share a layer, and two outputs.
struct TwoOutputs {
  Values v;
  int classes, estimate, penalty;
  TwoOutputs() {
    const int first = v.input({5}), second = v.input({3, 5});
    const int kernel = v.parameter({5, 6}), bias = v.parameter({6});
    const int a = v.tanh(v.add(DenseNode{}, {first, kernel, bias}));
    const int rows = v.tanh(v.add(DenseNode{}, {second, kernel, bias}));
    const int both = v.map(MapOp::kMultiply, {rows, a});
    classes = v.add(SoftmaxNode{}, {v.add(DenseNode{}, {both, v.parameter({6, 4})})});  // three rows a sample
    estimate = v.add(DenseNode{}, {v.add(AddNode{}, {a, v.add(ReduceNode{ReduceKind::kMean, 1, 3, 6}, {both}, {6})}),
                                   v.parameter({6, 2}), v.parameter({2})});
    penalty = v.sum(v.map(MapOp::kSquare, {kernel}));
  }
  Objective objective() const {
    Objective o;
    o.losses = {{classes, LossKind::kSparseCategoricalCrossentropy, false, 0.7f, 1},
                {estimate, LossKind::kMeanSquaredError, false, 2.5f, 0},
                {penalty, LossKind::kValue, false, 0.125f, -1},
                {estimate, LossKind::kValue, false, -0.5f, 0}};
    o.metrics = {{penalty, MetricKind::kValue, 0.5f, -1},
                 {classes, MetricKind::kSparseCategoricalAccuracy, 0.5f, 1},
                 {estimate, MetricKind::kBinaryAccuracy, 0.25f, 0},
                 {estimate, MetricKind::kValue, 0.5f, -1}};
    return o;
  }
};

struct Targets {
  explicit Targets(int64_t samples)
      : estimates(random_floats(samples * 2, 1, 0, 1)), weights(random_floats(samples, 2, 0, 2)),
        other_weights(random_floats(samples, 3, 0, 2)) {
    for (int64_t i = 0; i < samples * 3; ++i) labels.push_back(static_cast<int32_t>(i * 5 % 7 % 4));
    for (float& t : estimates) t = std::round(t);
  }
  Floats estimates, weights, other_weights;
  std::vector<int32_t> labels;
};

// The four losses of a sample, without their weights: a mean each.
double loss_of(size_t term, const Doubles& y, int64_t s, const Targets& t) {
  double sum = 0;
  switch (term) {
    case 0:
      for (int64_t r = 0; r < 3; ++r) sum -= std::log(y[(s * 3 + r) * 4 + t.labels[s * 3 + r]]) / 3;
      return sum;
    case 1:
      for (int64_t i = 0; i < 2; ++i) sum += std::pow(y[s * 2 + i] - t.estimates[s * 2 + i], 2) / 2;
      return sum;
    case 2: return y[0];
    default: return (y[s * 2] + y[s * 2 + 1]) / 2;
  }
}

void check_objective(const KernelTable& kernels, int64_t samples, bool weighted, bool indexed) {
  const TwoOutputs two;
  const auto network = make_values_network(kernels, two.v.graph, {two.classes, two.estimate});
  const Objective objective = two.objective();
  network->compile(objective, make_optimizer());
  const Inputs inputs(*network, samples);
  const Targets targets(samples);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < samples; ++i) order.push_back(indexed ? (i * 3 + 1) % samples : i);
  const std::string text = "batch of " + std::to_string(samples) + (weighted ? ", weighted" : "");
  Batch batch = inputs.batch();
  batch.targets = {{nullptr, targets.estimates.data()}, {targets.labels.data()}};
  if (weighted) batch.weights = {targets.weights.data(), targets.other_weights.data()};
  if (indexed) batch.index = order.data();

  const auto mean_loss = [&](size_t term, const Doubles& y) {
    double sum = 0;
    for (const int64_t s : order) {
      const double weight = !weighted || term == 2 ? 1.0 : term == 0 ? targets.other_weights[s] : targets.weights[s];
      sum += weight * loss_of(term, y, s, targets);
    }
    return sum / static_cast<double>(samples);
  };
  // The reference sees all samples in their own order; only the sums know of the index.
  Reference reference(network->graph(), inputs.x, samples);
  const StepResult got = network->compute_gradients(batch);
  double total = 0;
  for (size_t term = 0; term < objective.losses.size(); ++term) {
    const double want = mean_loss(term, reference.value(objective.losses[term].node));
    total += objective.losses[term].weight * want;
    CHECK_NEAR(got.losses[term], want, 64 * kEps * (1 + std::abs(want)), text, ", loss ", term);
  }
  CHECK_NEAR(got.loss, total, 64 * kEps * (1 + std::abs(total)), text);

  double right = 0, binary = 0, mean = 0;
  const Doubles &classes = reference.value(two.classes), &estimate = reference.value(two.estimate);
  for (const int64_t s : order) {
    for (int64_t r = 0; r < 3; ++r) {
      const auto row = classes.begin() + (s * 3 + r) * 4;
      right += std::max_element(row, row + 4) - row == targets.labels[s * 3 + r];
    }
    for (int64_t i = s * 2; i < s * 2 + 2; ++i) {
      binary += (estimate[i] > 0.25) == (targets.estimates[i] == 1.0f);
      mean += estimate[i];
    }
  }
  const double n = static_cast<double>(samples);
  CHECK_NEAR(got.metrics[0], reference.value(two.penalty)[0], 64 * kEps * reference.value(two.penalty)[0], text);
  CHECK_NEAR(got.metrics[1], right / (3 * n), kEps, text);
  CHECK_NEAR(got.metrics[2], binary / (2 * n), kEps, text);
  CHECK_NEAR(got.metrics[3], mean / (2 * n), 64 * kEps * 2, text);
  const StepResult test = network->test_step(batch);
  for (size_t term = 0; term < got.losses.size(); ++term)
    CHECK_NEAR(test.losses[term], got.losses[term], 64 * kEps * (1 + std::abs(got.losses[term])), text);
  for (size_t m = 0; m < got.metrics.size(); ++m) CHECK_NEAR(test.metrics[m], got.metrics[m], 64 * kEps * 30, text);

  for (int p = 0; p < network->parameters().count(); ++p) {
    Doubles slopes(static_cast<size_t>(network->parameters().size(p)));
    for (size_t term = 0; term < objective.losses.size(); ++term) {
      const Doubles of_term = reference.slopes(objective.losses[term].node, node_of(network->graph(), p),
                                               [&](const Doubles& y) { return mean_loss(term, y); });
      for (size_t i = 0; i < slopes.size(); ++i) slopes[i] += objective.losses[term].weight * of_term[i];
    }
    check_all_near(gradient_of(*network, p), slopes, text + ", gradient by weight " + std::to_string(p));
  }
}

// Lines of a plan that belong to a backward pass: names of tasks alone.
std::vector<std::string> backward_tasks(Network& network, int64_t samples) {
  const std::string text = network.plan_text({true, false, true, true}, samples);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const bool backward = line.find(" backward") != std::string::npos || line.find("gradient") != std::string::npos;
    if (!backward || line.rfind("chunks", 0) == 0) continue;
    const size_t bracket = line.find(" (");
    line = bracket == std::string::npos ? line.substr(0, line.find("  ", 2)) : line.substr(0, bracket);
    lines.push_back(line.substr(2));
  }
  return lines;
}

bool has_slots(Network& network) {
  return network.plan_text({true, false, true, true}, 8).find("gradients of a slot 0 KiB") == std::string::npos;
}

typedef std::vector<std::string> Lines;

void check_lines(const Lines& got, const Lines& want) {
  if (got == want) return;
  std::string text;
  for (const std::string& line : got) text += "\"" + line + "\", ";
  fail(__FILE__, __LINE__, "the tasks are ", text);
}

}  // namespace

TEST(objective_of_two_outputs) {
  for (const int64_t samples : {1, 3, 8, 9, 130})
    for (const bool weighted : {false, true}) check_objective(kernels, samples, weighted, false);
  check_objective(kernels, 10, true, true);
}

// Losses that add up on one value, with targets of their own.
TEST(objective_of_two_losses_of_one_output) {
  Values v;
  const int x = v.input({4}), y = v.add(DenseNode{}, {x, v.parameter({4, 3})});
  const auto network = make_values_network(kernels, v.graph, {y});
  const Inputs inputs(*network, 5);
  const Floats targets[] = {random_floats(15, 1), random_floats(15, 2)};
  Batch batch = inputs.batch();
  batch.targets = {{nullptr, targets[0].data()}, {nullptr, targets[1].data()}};
  Floats sum;
  double loss = 0;
  for (const int which : {0, 1, 2}) {
    Objective objective;
    for (const int target : {0, 1})
      if (which == target || which == 2)
        objective.losses.push_back({y, LossKind::kMeanSquaredError, false, target ? 3.0f : 0.5f, target});
    network->compile(objective, make_optimizer());
    const double got = network->compute_gradients(batch).loss;
    const Floats g = gradient_of(*network, 0);
    if (which == 2) {
      check_all_near(g, Doubles(sum.begin(), sum.end()), "two losses");
      CHECK_NEAR(got, loss, 8 * kEps * loss, "two losses");
    }
    sum.resize(g.size());
    for (size_t i = 0; i < g.size(); ++i) sum[i] += g[i];
    loss += got;
  }
}

TEST(objective_errors) {
  Values v;
  const int x = v.input({3}), p = v.parameter({3}), y = v.map(MapOp::kMultiply, {x, p});
  const auto network = make_values_network(kernels, v.graph, {y});
  const auto check = [&](const Objective& objective, const std::string& message) {
    try {
      network->compile(objective, make_optimizer());
      fail(__FILE__, __LINE__, "no error, but expected: ", message);
    } catch (const std::invalid_argument& error) {
      if (error.what() != message) fail(__FILE__, __LINE__, "the message is '", error.what(), "', not ", message);
    }
  };
  const auto loss = [](const LossTerm& term) { return Objective{{term}, {}}; };
  const auto metric = [](const MetricTerm& term) { return Objective{{}, {term}}; };
  check(loss({7}), "objective: there is no node 7");
  check(loss({-1}), "objective: there is no node -1");
  check(metric({7}), "objective: there is no node 7");
  check(loss({y, LossKind::kMeanSquaredError, false, 1.0f, -1}), "objective: map 2 needs a target, not -1");
  check(metric({y, MetricKind::kBinaryAccuracy, 0.5f, -1}), "objective: map 2 needs a target, not -1");
  check(loss({p}), "a loss or metric needs predictions of every sample, but weight 1 has no batch axis");
  check(metric({p, MetricKind::kCategoricalAccuracy}),
        "a loss or metric needs predictions of every sample, but weight 1 has no batch axis");
  check({{{y}, {x, LossKind::kSparseCategoricalCrossentropy}}, {}},
        "objective: target 0 is values for predictions of shape (3,) for one term and class numbers for predictions of "
        "shape (3,) for another");
  network->compile(loss({p, LossKind::kValue}), make_optimizer());
  network->compile(metric({p}), make_optimizer());
}

TEST(objective_of_nothing) {
  Values v;
  const int x = v.input({3});
  const auto network = make_values_network(kernels, v.graph, {x});
  network->compile({}, make_optimizer(OptimizerKind::kSgd));
  const Inputs inputs(*network, 2);
  CHECK(network->train_step(inputs.batch(), 0.1f).loss == 0 && network->test_step(inputs.batch()).losses.empty());
  network->compute_gradients(inputs.batch());
  network->apply_gradients(0.1f);
}

TEST(frozen_parameters_have_no_backward_pass) {
  Layers layers({12, 12, 2});
  layers.conv(8, 3), layers.relu(), layers.max_pool(2);   // node 1
  layers.conv(6, 3), layers.batch_norm(), layers.tanh();  // nodes 6, 9
  layers.flatten(), layers.dense(5), layers.softmax();    // node 16
  const auto network = make_network(kernels, layers);
  compile(*network, LossKind::kSparseCategoricalCrossentropy);
  const int parameters = network->parameters().count();
  CHECK_EQUAL(parameters, 10, "parameters");
  const auto train = [&](const std::vector<int>& which) {
    for (int p = 0; p < parameters; ++p)
      network->set_trainable(p, std::find(which.begin(), which.end(), p) != which.end());
  };
  const Lines dense = {"node 16 backward by weights"}, by_input = {"node 16 backward by input"};
  const auto join = [](std::vector<Lines> all) {
    Lines lines;
    for (const Lines& part : all) lines.insert(lines.end(), part.begin(), part.end());
    return lines;
  };
  const Lines tanh = {"node 14 backward"}, norm = {"node 9 backward sums", "node 9 backward statistics"},
              norm_input = {"node 9 backward"}, second = {"node 6 backward"}, first = {"node 1 backward"};
  train({0, 1, 2, 3, 4, 5, 8, 9});
  check_lines(backward_tasks(*network, 8), join({dense, by_input, tanh, norm, norm_input, second, first}));
  CHECK(has_slots(*network));
  const Data data(*network, 9);
  network->compute_gradients(data.batch(LossKind::kSparseCategoricalCrossentropy));
  const Floats all = all_gradients(*network);
  size_t begin = 0;
  std::vector<Floats> want;  // of each parameter
  for (int p = 0; p < parameters; ++p) {
    const size_t size = static_cast<size_t>(network->parameters().size(p));
    want.emplace_back(all.begin() + begin, all.begin() + begin + size);
    begin += size;
  }
  const auto check_trained = [&](const std::vector<int>& which) {
    for (int p = 0; p < parameters; ++p) std::fill_n(network->parameters().gradient(p), want[p].size(), -7.0f);
    network->compute_gradients(data.batch(LossKind::kSparseCategoricalCrossentropy));
    for (int p = 0; p < parameters; ++p) {
      const bool trains = std::find(which.begin(), which.end(), p) != which.end();
      const Floats got = gradient_of(*network, p);
      // Of the pooled convolution alone the bias is summed in another order where its kernel does not train.
      if (which == std::vector<int>{1} && trains)
        check_all_near(got, Doubles(want[p].begin(), want[p].end()), "bias alone");
      else if (!same_bits(got, trains ? want[p] : Floats(want[p].size(), -7.0f)))
        fail(__FILE__, __LINE__, "parameter ", p, " of ", which.size(), " that train");
    }
  };

  struct Case {
    std::vector<int> trained;
    Lines tasks;
  };
  for (const Case& c :
       {Case{{8, 9}, dense}, Case{{8}, dense}, Case{{9}, dense}, Case{{4, 5, 8}, join({dense, by_input, tanh, norm})},
        Case{{5}, join({by_input, tanh, norm})}, Case{{2, 3}, join({by_input, tanh, norm, norm_input, second})},
        Case{{3}, join({by_input, tanh, norm, norm_input, second})},
        Case{{0, 9}, join({dense, by_input, tanh, norm, norm_input, second, first})},
        Case{{1}, join({by_input, tanh, norm, norm_input, second, first})}}) {
    train(c.trained);
    check_lines(backward_tasks(*network, 8), c.tasks);
    check_trained(c.trained);
  }
  train({});
  check_lines(backward_tasks(*network, 8), {});
  CHECK(!has_slots(*network));
  check_trained({});
  train({0, 1, 2, 3, 4, 5, 8, 9});  // and back
  check_trained({0, 1, 2, 3, 4, 5, 8, 9});
}

TEST(frozen_parameters_do_not_move) {
  const auto network = make_network(kernels, deck_layers());
  compile(*network, LossKind::kSparseCategoricalCrossentropy, OptimizerKind::kAdam);
  const Data data(*network, 9);
  for (int p = 0; p < network->parameters().count(); ++p) network->set_trainable(p, p == 4);
  const Floats before = all_weights(*network),
               kernel(network->parameters().weights(4), network->parameters().weights(4) + 1);
  network->train_step(data.batch(LossKind::kSparseCategoricalCrossentropy), 0.1f);
  network->compute_gradients(data.batch(LossKind::kSparseCategoricalCrossentropy));
  network->apply_gradients(0.1f);
  const Floats after = all_weights(*network);
  size_t i = 0;
  for (int p = 0; p < network->parameters().count(); ++p) {
    bool moved = false;
    for (int64_t k = 0; k < network->parameters().size(p); ++k, ++i) moved = moved || before[i] != after[i];
    CHECK(moved == (p == 4));
  }
}

// A variable says whether it trains, where a network does not say otherwise.
TEST(frozen_variables) {
  Values v;
  const int x = v.input({3});
  const int fixed = v.graph.parameter(std::make_shared<Variable>("fixed", Dims{3}, false)), free = v.parameter({3});
  const int loss = v.map(MapOp::kMultiply, {x, fixed, free});
  const auto network = make_values_network(kernels, v.graph, {loss});
  network->compile(value_losses({loss}), make_optimizer(OptimizerKind::kSgd));
  CHECK(!network->parameters().trainable(0) && network->parameters().trainable(1));
  const Floats before = all_weights(*network);
  const Inputs inputs(*network, 3);
  network->train_step(inputs.batch(), 0.5f);
  CHECK(same_bits(Floats(before.begin(), before.begin() + 3),
                  Floats(network->parameters().weights(0), network->parameters().weights(0) + 3)));
  CHECK(before[3] != network->parameters().weights(1)[0]);
  network->set_trainable(0, true);
  network->train_step(inputs.batch(), 0.5f);
  CHECK(before[0] != network->parameters().weights(0)[0]);
}

}  // namespace pycnn::testing
