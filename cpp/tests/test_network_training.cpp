// Training steps: gradients against central differences of the loss, and the same bits however the work is shared out.
#include <functional>

#include "tests/networks.h"

namespace pycnn::testing {
namespace {

constexpr LossKind kSparse = LossKind::kSparseCategoricalCrossentropy;

// The loss of a training step in two parts that changes no weights. The count of steps seeds dropout: it stays the
// same.
double training_loss(Network& network, const Batch& batch) {
  network.optimizer()->iterations = 0;
  const double loss = network.compute_gradients(batch).loss;
  network.apply_gradients(0.0f);
  return loss;
}

// The slope along direction d of parameter p: (loss(w + h d) - loss(w - h d)) / 2 h.
double slope(Network& network, const Batch& batch, int p, const std::vector<double>& d, double h) {
  Parameters& parameters = network.parameters();
  const Floats before(parameters.weights(p), parameters.weights(p) + parameters.size(p));
  double loss[2], moved = 0.0;
  for (const int side : {0, 1}) {
    for (size_t i = 0; i < before.size(); ++i)
      parameters.weights(p)[i] = static_cast<float>(before[i] + (side == 0 ? h : -h) * d[i]);
    parameters.touch();
    loss[side] = training_loss(network, batch);
  }
  // Rounding w changes the step that is made.
  for (size_t i = 0; i < before.size(); ++i) {
    const double above = static_cast<float>(before[i] + h * d[i]), below = static_cast<float>(before[i] - h * d[i]);
    moved += (above - below) * d[i];
  }
  std::memcpy(parameters.weights(p), before.data(), before.size() * sizeof(float));
  parameters.touch();
  return (loss[0] - loss[1]) / moved;
}

// Of each parameter: the slope along its gradient must be the gradient's length, and that along an axis its component.
void check_gradients(const char* name, Network& network, const Batch& batch, double h, double relative) {
  const Threads one(1);
  const double noise = kEps * training_loss(network, batch) / h;
  for (int p = 0; p < network.parameters().count(); ++p) {
    if (!network.parameters().trainable(p)) continue;
    const int64_t n = network.parameters().size(p);
    training_loss(network, batch);
    const Floats g(network.parameters().gradient(p), network.parameters().gradient(p) + n);
    double length = 0.0;
    for (const float v : g) length += static_cast<double>(v) * v;
    length = std::sqrt(length);
    const double tolerance = relative * length + noise;
    if (length > 0.0) {
      std::vector<double> d(g.begin(), g.end());
      for (double& v : d) v /= length;
      CHECK_NEAR(slope(network, batch, p, d, h), length, tolerance, name, ", parameter ", p);
    }
    for (int64_t i = 0; i < n; i += std::max<int64_t>(1, n / 4)) {
      std::vector<double> axis(g.size());
      axis[i] = 1.0;
      CHECK_NEAR(slope(network, batch, p, axis, h), g[i], tolerance, name, ", parameter ", p, ", component ", i);
    }
  }
}

void check_network(const KernelTable& kernels, const char* name, const Layers& layers, int64_t samples, double h,
                   double relative) {
  const auto network = make_network(kernels, layers);
  compile(*network, kSparse);
  const Data data(*network, samples);
  check_gradients(name, *network, data.batch(kSparse), h, relative);
}

// Weights after some steps of Adam, which makes every rounding of a gradient show.
Floats trained(const KernelTable& kernels, const Layers& layers, int64_t samples, int threads, double* loss) {
  const Threads set(threads);
  const auto network = make_network(kernels, layers);
  compile(*network, kSparse, OptimizerKind::kAdam);
  network->set_seed(3);
  const Data data(*network, samples);
  for (int step = 0; step < 2; ++step) *loss = network->train_step(data.batch(kSparse), 0.01f).loss;
  return all_weights(*network);
}

}  // namespace

// The truncation error of smooth functions is of the order of h^2; a kink that the step crosses costs a part of h.
TEST(network_gradients_of_smooth_layers) {
  check_network(kernels, "branches", branched_layers(), 5, 1e-2, 1.5e-3);
  check_network(kernels, "batch norm", norm_layers(), 9, 1e-2, 1.5e-3);
  check_network(kernels, "large dense", large_dense_layers(0.0f), 6, 1e-2, 1.5e-3);
  check_network(kernels, "dense on rows", dense_rows_layers(), 4, 1e-2, 1.5e-3);
  check_network(kernels, "dropout", large_dense_layers(0.5f), 6, 1e-2, 1.5e-3);
}

TEST(network_gradients_of_kinked_layers) {
  check_network(kernels, "deck", deck_layers(), 11, 1e-3, 5e-3);
  check_network(kernels, "winograd", winograd_layers(), 5, 1e-3, 5e-3);
  check_network(kernels, "kinks", kinked_layers(), 7, 1e-3, 5e-3);
}

TEST(network_gradients_of_all_losses) {
  const auto check = [&](const char* name, ActivationKind last, bool softmax, LossKind loss, bool from_logits) {
    Layers layers({4, 6});
    layers.dense(8), layers.tanh(), layers.dense(3);  // four rows a sample
    if (softmax) layers.softmax();
    else if (last != ActivationKind::kLinear) layers.activation(last);
    const auto network = make_network(kernels, layers);
    network->compile(objective_of(*network, loss, from_logits), make_optimizer());
    const Data data(*network, 7);
    Batch batch = data.batch(loss);
    check_gradients(name, *network, batch, 1e-2, 1.5e-3);
    batch.weights = {data.weight.data()};
    check_gradients(name, *network, batch, 1e-2, 1.5e-3);
  };
  const auto linear = ActivationKind::kLinear, sigmoid = ActivationKind::kSigmoid;
  const auto sparse = LossKind::kSparseCategoricalCrossentropy, dense = LossKind::kCategoricalCrossentropy;
  const auto binary = LossKind::kBinaryCrossentropy, squared = LossKind::kMeanSquaredError;
  check("sparse, behind softmax", linear, true, sparse, false);
  check("sparse, logits", linear, false, sparse, true);
  check("sparse, probabilities", sigmoid, false, sparse, false);
  check("categorical, behind softmax", linear, true, dense, false);
  check("categorical, logits", linear, false, dense, true);
  check("categorical, probabilities", sigmoid, false, dense, false);
  check("binary, behind sigmoid", sigmoid, false, binary, false);
  check("binary, logits", linear, false, binary, true);
  check("binary, probabilities", linear, true, binary, false);
  check("squared error", linear, false, squared, false);
  check("squared error of softmax", linear, true, squared, false);
  check("squared error of sigmoid", sigmoid, false, squared, false);
}

// A batch's gradient is the mean of its samples' gradients, also where it is cut into chunks and blocks.
TEST(network_gradients_add_up) {
  const Threads one(1);
  for (const Layers& layers :
       {deck_layers(), kinked_layers(), large_dense_layers(0.0f), dense_rows_layers(), large_map_layers()}) {
    const auto network = make_network(kernels, layers);
    compile(*network, kSparse);
    const Data data(*network, 257);
    std::vector<double> sum(all_gradients(*network).size()), squares(sum.size());
    Batch batch = data.batch(kSparse);
    double loss = 0.0;
    for (int64_t i = 0; i < data.samples; ++i) {
      batch.samples = 1;
      batch.index = &i;
      loss += network->compute_gradients(batch).loss;
      const Floats g = all_gradients(*network);
      for (size_t k = 0; k < g.size(); ++k) {
        sum[k] += g[k];
        squares[k] += static_cast<double>(g[k]) * g[k];
      }
      for (const int64_t samples : {7, 33, 130, 257}) {
        if (i + 1 != samples) continue;
        Batch all = data.batch(kSparse);
        all.samples = samples;
        const double n = static_cast<double>(samples);
        CHECK_NEAR(network->compute_gradients(all).loss, loss / n, 1e-5, samples, " samples");
        const Floats whole = all_gradients(*network);
        double largest = 0.0;
        for (const double s : squares) largest = std::max(largest, s);
        // A gradient is itself a sum of many products, of which the largest shows the magnitude.
        for (size_t k = 0; k < whole.size(); ++k)
          CHECK_NEAR(whole[k], sum[k] / n, 64.0 * kEps * std::sqrt(n * largest) / n, samples, " samples, component ",
                     k);
      }
    }
  }
}

TEST(network_trains_to_the_same_bits_on_any_number_of_threads) {
  struct Case {
    const char* name;
    Layers layers;
    std::vector<int64_t> batches;
  };
  for (const Case& c : {Case{"winograd", winograd_layers(), {1, 7, 33, 130, 257}},
                        Case{"large dense, dropout", large_dense_layers(0.3f), {1, 7, 33, 130, 257}},
                        Case{"deck", deck_layers(), {130, 257}}, Case{"batch norm", norm_layers(), {33, 257}},
                        Case{"branches", branched_layers(), {130}}, Case{"kinks", kinked_layers(), {257}},
                        Case{"large maps", large_map_layers(), {33}}}) {
    for (const int64_t samples : c.batches) {
      double want_loss, loss;
      const Floats want = trained(kernels, c.layers, samples, 1, &want_loss);
      for (const int threads : {2, 3, 5}) {
        const bool same = same_bits(trained(kernels, c.layers, samples, threads, &loss), want);
        if (!same) fail(__FILE__, __LINE__, c.name, " differs on ", threads, " threads, batch ", samples);
        CHECK_EQUAL(loss, want_loss, c.name, " on ", threads, " threads, batch ", samples);
      }
    }
  }
}

// Batches of changing size share memory and plans: what was there before must not show.
TEST(network_training_forgets_earlier_batches) {
  for (const Layers& layers : {deck_layers(), norm_layers(), large_dense_layers(0.3f)}) {
    const auto used = make_network(kernels, layers), fresh = make_network(kernels, layers);
    for (Network* network : {used.get(), fresh.get()}) compile(*network, kSparse);
    const Data data(*used, 257);
    Batch batch = data.batch(kSparse);
    for (const int64_t samples : {257, 3, 130, 1, 64}) {
      batch.samples = samples;
      training_loss(*used, batch);
      predict(*used, Floats(data.x.begin(), data.x.begin() + samples * used->input_shape().size()));
    }
    training_loss(*fresh, batch);
    CHECK(same_bits(all_gradients(*used), all_gradients(*fresh)));
  }
}

TEST(network_dropout_follows_its_seed) {
  const auto network = make_network(kernels, large_dense_layers(0.5f));
  compile(*network, kSparse);
  const Data data(*network, 5);
  const Batch batch = data.batch(kSparse);
  network->set_seed(1);
  const double first = training_loss(*network, batch);
  CHECK_EQUAL(training_loss(*network, batch), first, "the same step");
  CHECK(network->train_step(batch, 0.0f).loss != first);
  network->set_seed(2);
  CHECK(training_loss(*network, batch) != first);
  CHECK_EQUAL(network->test_step(batch).loss, network->test_step(batch).loss, "no dropout in a test");
}

// Of ones a share of about `rate` is dropped, other ones in every sample, also in the second chunk of a batch.
TEST(network_dropout_differs_between_samples) {
  Layers layers({1000});
  layers.add(DropoutNode{0.25f});
  const auto network = make_network(kernels, layers);
  compile(*network, LossKind::kMeanSquaredError);
  const Floats ones(256 * 1000, 1.0f), zeros(256 * 1000);
  Batch batch;
  batch.inputs = {{ones.data()}};
  batch.targets = {{nullptr, zeros.data()}};
  std::vector<double> sums;  // of kept ones, 16 / 9 each
  for (const int64_t samples : {1, 2, 128, 256}) {
    batch.samples = samples;
    sums.push_back(training_loss(*network, batch) * static_cast<double>(samples) * 1000.0 * 9.0 / 16.0);
  }
  CHECK_NEAR(sums[3], 0.75 * 256000.0, 4.0 * std::sqrt(256000.0 * 0.75 * 0.25), "kept of all");
  CHECK(std::abs(sums[1] - 2.0 * sums[0]) > 0.5 && std::abs(sums[3] - 2.0 * sums[2]) > 0.5);
}

TEST(network_optimizers_step) {
  const auto network = make_network(kernels, deck_layers());
  compile(*network, kSparse, OptimizerKind::kSgd);
  const Data data(*network, 20);
  const Batch batch = data.batch(kSparse);
  network->set_trainable(1, false);
  const Floats before = all_weights(*network), frozen(network->parameters().weights(1),
                                                      network->parameters().weights(1) + network->parameters().size(1));
  const double first = network->train_step(batch, 0.125f).loss;
  const Floats after = all_weights(*network), g = all_gradients(*network);
  CHECK(std::memcmp(frozen.data(), network->parameters().weights(1), frozen.size() * sizeof(float)) == 0);
  const size_t begin = static_cast<size_t>(network->parameters().size(0)), end = begin + frozen.size();
  for (size_t i = 0; i < g.size(); ++i) {
    if (i >= begin && i < end) continue;
    CHECK_NEAR(after[i], before[i] - 0.125 * g[i], kEps * (std::abs(before[i]) + std::abs(g[i])), i);
  }
  for (int step = 0; step < 30; ++step) network->train_step(batch, 0.125f);
  CHECK(network->train_step(batch, 0.125f).loss < 0.8 * first);

  const auto adam = make_optimizer(OptimizerKind::kAdam);
  network->compile(objective_of(*network, kSparse), adam);
  CHECK(network->optimizer() == adam);
  CHECK((adam->slot_names() == std::vector<std::string>{"momentum", "velocity"}));
  network->train_step(batch, 0.01f);
  const std::vector<float*>& state = adam->state(network->parameters().shared(0));
  CHECK(state.size() == 2 && state[0][0] != 0.0f);
  const Floats momentum(state[0], state[0] + network->parameters().size(0));
  network->compile(objective_of(*network, kSparse), adam);  // its state is kept
  CHECK(adam->iterations == 1 && same_bits(momentum, Floats(state[0], state[0] + momentum.size())));
  OptimizerSpec other = adam->spec();
  other.amsgrad = true;
  bool thrown = false;
  try {
    adam->configure(other);
  } catch (const std::invalid_argument&) {
    thrown = true;
  }
  CHECK(thrown && !adam->spec().amsgrad);
  other = adam->spec();
  other.epsilon = 1e-3f;
  adam->configure(other);
  CHECK(adam->spec().epsilon == 1e-3f && adam->iterations == 1);
}

}  // namespace pycnn::testing
