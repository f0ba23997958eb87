// Prediction, losses and metrics of a network, and what it refuses. Training: test_network_training.cpp.
#include <functional>
#include <thread>

#include "tests/networks.h"

namespace pycnn::testing {
namespace {

constexpr LossKind kSparse = LossKind::kSparseCategoricalCrossentropy;
constexpr Request kTest{false, false, true, false}, kTraining{true, false, true, true};

// Enough work in one sample for several threads, and every kind of task that can be cut inside a sample.
Layers wide_layers() {
  Layers layers({25, 26, 16});
  layers.conv(40, 3, 1), layers.batch_norm();
  const int left = layers.relu();
  layers.conv(40, 3, 1, 1, 40);
  const int right = layers.activation(ActivationKind::kSilu);
  layers.add(ConcatNode{}, {left, right});
  layers.conv(33, 5, 2, 2), layers.tanh(), layers.max_pool(3);
  layers.add(Pool2DNode{true, {2, 2}, {1, 1}, {0, 1, 0, 1}});
  layers.conv(48, 3, 1), layers.relu(), layers.max_pool(2);
  layers.flatten();
  layers.dense(260), layers.batch_norm(), layers.relu();
  layers.dense(100), layers.activation(ActivationKind::kGelu);
  layers.dense(10), layers.softmax();
  return layers;
}

std::vector<Layers> all_layers() {
  return {deck_layers(), winograd_layers(),        branched_layers(),   kinked_layers(),
          norm_layers(), large_dense_layers(0.5f), dense_rows_layers(), large_map_layers()};
}

Floats rows_of(const Floats& x, int64_t floats, int64_t begin, int64_t end) {
  return Floats(x.begin() + begin * floats, x.begin() + end * floats);
}

void check_error(const std::string& part, const std::function<void()>& run) {
  try {
    run();
    fail(__FILE__, __LINE__, "no error, but expected: ", part);
  } catch (const std::invalid_argument& error) {
    if (std::string(error.what()).find(part) == std::string::npos)
      fail(__FILE__, __LINE__, "the message is '", error.what(), "', which lacks: ", part);
  }
}

}  // namespace

// A batch smaller than the team is cut inside its samples; a larger one into blocks. The bits are the same.
TEST(network_predicts_the_same_bits_however_it_is_cut) {
  const auto network = make_network(kernels, wide_layers());
  const int64_t floats = network->input_shape().size(), outputs = network->output_shape().size();
  const Data data(*network, 9);
  Floats want;
  {
    const Threads one(1);
    want = predict(*network, data.x);
  }
  for (const int threads : {1, 2, 3, 5, 8}) {
    const Threads set(threads);
    for (const int64_t samples : {1, 2, 3, 4, 7, 9})
      CHECK(same_bits(predict(*network, rows_of(data.x, floats, 0, samples)), rows_of(want, outputs, 0, samples)));
    CHECK(same_bits(predict(*network, rows_of(data.x, floats, 6, 7)), rows_of(want, outputs, 6, 7)));
  }
  for (const float v : want) CHECK(v > 0.0f && v < 1.0f);
}

TEST(network_predicts_the_same_bits_in_any_company) {
  for (const Layers& layers : all_layers()) {
    const auto network = make_network(kernels, layers);
    const int64_t floats = network->input_shape().size(), outputs = network->output_shape().size();
    const Data data(*network, 257);
    const Floats want = predict(*network, data.x);
    for (const int64_t samples : {1, 7, 33, 130})
      CHECK(same_bits(predict(*network, rows_of(data.x, floats, 0, samples)), rows_of(want, outputs, 0, samples)));
    for (const int64_t i : {5, 127, 128, 256})
      CHECK(same_bits(predict(*network, rows_of(data.x, floats, i, i + 1)), rows_of(want, outputs, i, i + 1)));
  }
}

// Two plans, one with the fusions of inference and one with those of training, and a loss of their common output.
TEST(network_test_and_training_agree) {
  for (const Layers& layers : {deck_layers(), winograd_layers(), branched_layers(), kinked_layers()}) {
    const auto network = make_network(kernels, layers);
    network->compile(objective_of(*network, kSparse, false, {MetricKind::kSparseCategoricalAccuracy}),
                     make_optimizer());
    const Data data(*network, 140);
    const Floats y = predict(*network, data.x);
    double loss = 0.0, correct = 0.0;
    for (int64_t i = 0; i < data.samples; ++i) {
      const float* row = y.data() + i * data.columns;
      loss -= std::log(static_cast<double>(row[data.labels[i]]));
      correct += std::max_element(row, row + data.columns) - row == data.labels[i];
    }
    const StepResult test = network->test_step(data.batch(kSparse)),
                     train = network->train_step(data.batch(kSparse), 0);
    CHECK_NEAR(test.loss, loss / 140.0, 1e-5, "test");
    CHECK_NEAR(train.loss, loss / 140.0, 1e-5, "train");
    CHECK_NEAR(test.metrics[0], correct / 140.0, 1e-12, "test");
    CHECK_NEAR(train.metrics[0], correct / 140.0, 1e-12, "train");
  }
}

// The moving statistics follow the batch's: with momentum 0 they are its, and a test then sees what training saw.
TEST(network_batch_norm_statistics) {
  Layers layers({5, 4, 3});
  layers.conv(9, 2), layers.batch_norm({0.0f, 1e-3f}), layers.relu();
  layers.flatten(), layers.dense(4), layers.softmax();
  const auto network = make_network(kernels, layers);
  compile(*network, kSparse);
  for (const int64_t samples : {1, 7, 150}) {
    const Data data(*network, samples);
    const double loss = network->train_step(data.batch(kSparse), 0.0f).loss;
    CHECK_NEAR(network->test_step(data.batch(kSparse)).loss, loss, 1e-5, samples);
  }
}

TEST(network_metrics) {
  struct Case {
    MetricKind metric;
    LossKind loss;
    ActivationKind last;  // kExponential stands for a softmax
  };
  for (const Case& c :
       {Case{MetricKind::kCategoricalAccuracy, LossKind::kCategoricalCrossentropy, ActivationKind::kExponential},
        Case{MetricKind::kBinaryAccuracy, LossKind::kCategoricalCrossentropy, ActivationKind::kExponential},
        Case{MetricKind::kBinaryAccuracy, LossKind::kBinaryCrossentropy, ActivationKind::kExponential},
        Case{MetricKind::kBinaryAccuracy, LossKind::kBinaryCrossentropy, ActivationKind::kSigmoid},
        Case{MetricKind::kBinaryAccuracy, LossKind::kMeanSquaredError, ActivationKind::kSigmoid},
        Case{MetricKind::kCategoricalAccuracy, LossKind::kMeanSquaredError, ActivationKind::kTanh}}) {
    for (const float threshold : {0.5f, 0.3f}) {
      Layers layers({2, 6});
      layers.dense(4);
      if (c.last == ActivationKind::kExponential) layers.softmax();
      else layers.activation(c.last);
      const auto network = make_network(kernels, layers);
      Objective objective = objective_of(*network, c.loss, false, {c.metric});
      objective.metrics[0].threshold = threshold;
      network->compile(objective, make_optimizer());
      Data data(*network, 50);
      for (float& t : data.targets) t = std::round(t);
      const Floats y = predict(*network, data.x);
      double correct = 0.0;
      for (int64_t r = 0; r < 100; ++r) {
        const float *row = y.data() + r * 4, *target = data.targets.data() + r * 4;
        if (c.metric == MetricKind::kCategoricalAccuracy)
          correct += std::max_element(row, row + 4) - row == std::max_element(target, target + 4) - target;
        else
          for (int64_t i = 0; i < 4; ++i) correct += ((row[i] > threshold) == (target[i] == 1.0f)) / 4.0;
      }
      CHECK_NEAR(network->test_step(data.batch(c.loss)).metrics[0], correct / 100.0, 1e-6, static_cast<int>(c.loss),
                 " ", static_cast<int>(c.last), ", threshold ", threshold);
    }
  }
}

TEST(network_takes_bytes_doubles_and_an_index) {
  const auto network = make_network(kernels, deck_layers());
  compile(*network, kSparse);
  const int64_t floats = network->input_shape().size();
  Data data(*network, 6);
  Bytes bytes;
  for (float& v : data.x) {
    v = std::floor(std::abs(v) * 4.0f);
    bytes.push_back(static_cast<uint8_t>(v));
  }
  const std::vector<double> doubles(data.x.begin(), data.x.end());
  const double want = network->test_step(data.batch(kSparse)).loss;
  Batch batch = data.batch(kSparse);
  batch.inputs = {{bytes.data(), SourceType::kUint8}};
  CHECK_EQUAL(network->test_step(batch).loss, want, "bytes");
  batch.inputs = {{doubles.data(), SourceType::kFloat64}};
  CHECK_EQUAL(network->test_step(batch).loss, want, "doubles");

  const std::vector<int64_t> index = {4, 0, 4, 5};
  Data picked(*network, 4);
  for (size_t i = 0; i < index.size(); ++i) {
    std::memcpy(picked.x.data() + static_cast<int64_t>(i) * floats, data.x.data() + index[i] * floats, floats * 4);
    picked.labels[i] = data.labels[index[i]];
    picked.weight[i] = data.weight[index[i]];
  }
  batch = data.batch(kSparse);
  batch.samples = 4;
  batch.index = index.data();
  batch.weights = {data.weight.data()};
  Batch straight = picked.batch(kSparse);
  straight.weights = {picked.weight.data()};
  CHECK_EQUAL(network->test_step(batch).loss, network->test_step(straight).loss, "an index");
}

TEST(network_of_other_outputs) {
  // Without layers; with a part that leads nowhere; with an output that others look at too.
  const Layers empty({3});
  const Floats x = random_floats(6, 1);
  CHECK(same_bits(predict(*make_network(kernels, empty), x), x));

  Layers layers({6, 6, 2});
  layers.conv(4, 3);
  const int middle = layers.relu();
  layers.max_pool(2), layers.flatten(), layers.dense(3), layers.softmax();
  set_active_isa(kernels.isa);
  Network half(with_own_variables(layers.graph()), {middle}),
      whole(with_own_variables(layers.graph()), {layers.last()});
  fill_weights(half, 1), fill_weights(whole, 1);
  const Floats images = random_floats(2 * 72, 2);
  const Floats y = predict(half, images);
  CHECK(static_cast<int64_t>(y.size()) == 2 * 64);
  for (const float v : y) CHECK(v >= 0.0f);
  CHECK(static_cast<int64_t>(predict(whole, images).size()) == 2 * 3);
  compile(half, LossKind::kMeanSquaredError);
  const Data data(half, 3);
  CHECK(half.train_step(data.batch(LossKind::kMeanSquaredError), 0.0f).loss > 0.0);
}

TEST(network_sees_new_weights) {
  const auto network = make_network(kernels, norm_layers(), 1), other = make_network(kernels, norm_layers(), 2);
  const Data data(*network, 3);
  const Floats first = predict(*network, data.x);
  fill_weights(*network, 2);
  const Floats second = predict(*network, data.x);
  CHECK(!same_bits(first, second) && same_bits(second, predict(*other, data.x)));
}

TEST(network_errors) {
  set_active_isa(kernels.isa);
  const Layers layers = deck_layers();
  check_error("there is no node 99", [&] { Network(layers.graph(), {99}); });
  check_error("there is no node -1", [&] { Network(layers.graph(), {-1}); });
  check_error("a network needs an input, but the graph has none", [] {
    Graph graph;
    const int w = graph.parameter(std::make_shared<Variable>("w", std::vector<int64_t>{3}));
    Network(graph, {w});
  });
  Network network(layers.graph(), {layers.last()});
  const Data data(network, 2);
  check_error("call compile first", [&] { network.train_step(data.batch(kSparse), 0.1f); });
  check_error("call compile first", [&] { network.test_step(data.batch(kSparse)); });
  check_error("call compile first", [&] { network.plan_text(kTraining, 1); });
  Layers single({3});
  single.dense(1);
  Network one(single.graph(), {single.last()});
  check_error("needs at least two classes, but the output has shape (1,)", [&] { compile(one, kSparse); });

  compile(network, kSparse);
  Batch none = data.batch(kSparse);
  none.samples = 0;
  check_error("at least one sample", [&] { network.train_step(none, 0.1f); });
  CHECK(network.test_step(none).loss == 0.0);
  network.predict(none);
}

TEST(network_plan_text) {
  const auto network = make_network(kernels, norm_layers());
  compile(*network, kSparse);
  for (const Request& request : {Request{}, kTest, kTraining}) {
    const std::string text = network->plan_text(request, 32);
    CHECK(text.find("block") != std::string::npos && text.find("node 1") != std::string::npos);
    CHECK((text.find("backward") != std::string::npos) == request.gradients);
  }
}

// Calls wait for each other, so all get right answers.
TEST(network_serves_several_threads) {
  const auto network = make_network(kernels, deck_layers());
  compile(*network, kSparse);
  const Data data(*network, 40);
  const Floats want = predict(*network, data.x);
  const double loss = network->test_step(data.batch(kSparse)).loss;
  int right[4] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        if (t % 2 == 0) right[t] += same_bits(predict(*network, data.x), want);
        else right[t] += network->test_step(data.batch(kSparse)).loss == loss;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) CHECK_EQUAL(count, 20, "rounds");
}

}  // namespace pycnn::testing
