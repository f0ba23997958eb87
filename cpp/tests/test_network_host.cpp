// Functions of the caller in the midst of a network.
#include <stdexcept>
#include <thread>

#include "tests/values.h"

namespace pycnn::testing {
namespace {

// The product of all inputs, which may have a batch axis or not.
struct Product : HostFunction {
  bool differentiates = true;
  int forwards = 0, backwards = 0, fail_forward = 0, fail_backward = 0;  // the number of the call that throws
  std::vector<bool> trainings, wanted;
  std::thread::id thread;

  static float at(const HostArray& a, int64_t sample, int64_t i) {
    return a.data[(a.samples ? sample * a.stride : 0) + i];
  }
  void forward(const std::vector<HostArray>& x, HostArray y, bool training) override {
    thread = std::this_thread::get_id();
    trainings.push_back(training);
    if (++forwards == fail_forward) throw std::runtime_error("forward fails");
    for (int64_t s = 0; s < std::max<int64_t>(y.samples, 1); ++s)
      for (int64_t i = 0; i < y.shape->size(); ++i) {
        float& value = y.data[s * y.stride + i] = 1;
        for (const HostArray& operand : x) value *= at(operand, s, i);
      }
  }
  void backward(const std::vector<HostArray>& x, HostArray y, HostArray dy, const std::vector<HostArray>& dx) override {
    wanted.clear();
    for (const HostArray& gradient : dx) wanted.push_back(gradient.data != nullptr);
    if (++backwards == fail_backward) throw std::logic_error("backward fails");
    for (size_t k = 0; k < x.size(); ++k) {
      if (!dx[k].data) continue;
      const int64_t samples = std::max<int64_t>(y.samples, 1);
      if (!dx[k].samples) std::fill_n(dx[k].data, y.shape->size(), 0.0f);
      for (int64_t s = 0; s < samples; ++s)
        for (int64_t i = 0; i < y.shape->size(); ++i) {
          float slope = at(dy, s, i);
          for (size_t j = 0; j < x.size(); ++j)
            if (j != k) slope *= at(x[j], s, i);
          if (dx[k].samples) dx[k].data[s * dx[k].stride + i] = slope;
          else dx[k].data[i] += slope;
        }
    }
  }
  bool differentiable() const override { return differentiates; }
};

// Layers before and after a product of a sample's value and weights; without a host function, as a map.
struct Sandwich {
  Values v;
  std::shared_ptr<Product> function = std::make_shared<Product>();
  int x, weights, y, loss;
  explicit Sandwich(bool host = true) {
    x = v.input({9});
    weights = v.parameter({7});
    const int before = v.tanh(v.add(DenseNode{}, {x, v.parameter({9, 7}), v.parameter({7})}));
    const int product = host ? v.add(HostNode{function}, {before, weights, before}, {7})
                             : v.map(MapOp::kMultiply, {before, weights, before});
    y = v.add(DenseNode{}, {v.tanh(product), v.parameter({7, 3})});
    loss = v.weighted(y);
  }
};

template <class Error>
bool throws(const std::function<void()>& run, const std::string& message) {
  try {
    run();
  } catch (const Error& error) {
    return error.what() == message;
  }
  return false;
}

}  // namespace

TEST(host_functions_are_layers) {
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    Sandwich host, map(false);
    const auto network = make_values_network(kernels, host.v.graph, {host.y});
    const auto other = make_values_network(kernels, map.v.graph, {map.y});
    network->compile(value_losses({host.loss}), make_optimizer(OptimizerKind::kAdam));
    other->compile(value_losses({map.loss}), make_optimizer(OptimizerKind::kAdam));
    int calls = 0;
    for (const int64_t samples : {1, 3, 8, 9, 130}) {
      const Inputs inputs(*network, samples);
      const Reference reference(other->graph(), inputs.x, samples);
      check_all_near(predict_all(*network, inputs.batch())[0], reference.value(map.y), "host function");
      network->compute_gradients(inputs.batch());
      other->compute_gradients(inputs.batch());
      for (int p = 0; p < network->parameters().count(); ++p) {
        const Floats want = gradient_of(*other, p);
        check_all_near(gradient_of(*network, p), Doubles(want.begin(), want.end()), "host function's gradients");
      }
      CHECK_EQUAL(host.function->forwards, calls += 2, "once a batch");
      CHECK(host.function->thread == std::this_thread::get_id());
      CHECK(!host.function->trainings[host.function->trainings.size() - 2] && host.function->trainings.back());
      CHECK((host.function->wanted == std::vector<bool>{true, true, true}));
    }
    network->set_trainable(0, false);  // the weights that are multiplied
    network->compute_gradients(Inputs(*network, 3).batch());
    CHECK((host.function->wanted == std::vector<bool>{true, false, true}));
    for (int p = 0; p < network->parameters().count(); ++p) network->set_trainable(p, p == 0);
    network->compute_gradients(Inputs(*network, 3).batch());
    CHECK((host.function->wanted == std::vector<bool>{false, true, false}));
  }
}

TEST(host_functions_of_weights) {
  Values v;
  const int x = v.input({4}), p = v.parameter({4});
  const auto function = std::make_shared<Product>();
  const int square = v.add(HostNode{function}, {p, v.map(MapOp::kSin, {p})}, {4});
  CHECK(!v.graph.node(square).batched);
  const int y = v.map(MapOp::kMultiply, {x, square}), loss = v.weighted(y);
  const auto network = make_values_network(kernels, v.graph, {y, square});
  network->compile(value_losses({loss}), make_optimizer());
  for (const int64_t samples : {1, 9, 130}) {
    const Inputs inputs(*network, samples);
    const std::vector<Floats> got = predict_all(*network, inputs.batch());
    network->compute_gradients(inputs.batch());
    const float* weights = network->parameters().weights(0);
    const Floats& factors = *std::get<ConstantNode>(network->graph().node(loss - 1).attributes).values;
    Doubles want_square, want_gradient;
    for (size_t i = 0; i < 4; ++i) {
      const double w = weights[i];
      want_square.push_back(w * std::sin(w));
      double slope = 0;
      for (int64_t s = 0; s < samples; ++s) slope += static_cast<double>(inputs.x[0][s * 4 + i]) * factors[i];
      want_gradient.push_back(slope * (std::sin(w) + w * std::cos(w)) / (4.0 * static_cast<double>(samples)));
    }
    check_all_near(got[1], want_square, "host function of weights");
    check_all_near(gradient_of(*network, 0), want_gradient, "host function of weights, gradient");
  }
}

TEST(host_functions_without_a_gradient_stop_it) {
  Sandwich s;
  s.function->differentiates = false;
  const auto network = make_values_network(kernels, s.v.graph, {s.y});
  network->compile(value_losses({s.loss}), make_optimizer(OptimizerKind::kSgd));
  const Floats before = all_weights(*network);
  network->train_step(Inputs(*network, 5).batch(), 0.5f);
  CHECK_EQUAL(s.function->backwards, 0, "backward");
  const Floats after = all_weights(*network);
  const size_t below = 7 + 9 * 7 + 7;  // all but the last kernel
  CHECK(same_bits(Floats(before.begin(), before.begin() + below), Floats(after.begin(), after.begin() + below)));
  CHECK(!same_bits(before, after));
}

// What a host function throws comes out of the call. Nothing has changed then, and the next step is the one that a
// network makes which has never failed.
TEST(host_functions_may_throw) {
  for (const int threads : {1, 3})
    for (const bool backward : {false, true}) {
      const Threads set(threads);
      Sandwich failing, sound;
      const auto network = make_values_network(kernels, failing.v.graph, {failing.y});
      const auto other = make_values_network(kernels, sound.v.graph, {sound.y});
      for (const auto& [n, loss] : {std::pair(network.get(), failing.loss), std::pair(other.get(), sound.loss)})
        n->compile(value_losses({loss}), make_optimizer(OptimizerKind::kAdam));
      const Inputs inputs(*network, 9);
      for (Network* n : {network.get(), other.get()}) n->train_step(inputs.batch(), 0.01f);
      const Floats before = all_weights(*network);
      const auto arm = [&] {
        failing.function->forwards = failing.function->backwards = 0;
        (backward ? failing.function->fail_backward : failing.function->fail_forward) = 1;
      };
      const auto fails = [&](const std::function<void()>& run) {
        arm();
        CHECK(backward ? throws<std::logic_error>(run, "backward fails")
                       : throws<std::runtime_error>(run, "forward fails"));
        CHECK(same_bits(all_weights(*network), before) && network->optimizer()->iterations == 1);
      };
      fails([&] { network->train_step(inputs.batch(), 0.01f); });
      fails([&] { network->train_step(Inputs(*network, 200).batch(), 0.01f); });
      fails([&] { network->compute_gradients(inputs.batch()); });
      if (!backward) {
        fails([&] { network->test_step(inputs.batch()); });
        fails([&] { predict_all(*network, inputs.batch()); });
        fails([&] { predict_all(*network, Inputs(*network, 1).batch()); });
      }
      for (int step = 0; step < 2; ++step)
        CHECK_EQUAL(network->train_step(inputs.batch(), 0.01f).loss, other->train_step(inputs.batch(), 0.01f).loss,
                    step);
      CHECK(same_bits(all_weights(*network), all_weights(*other)));
      CHECK(same_bits(predict_all(*network, inputs.batch())[0], predict_all(*other, inputs.batch())[0]));
    }
}

// Statistics of normalizations are weights too.
TEST(host_functions_that_throw_leave_moving_statistics) {
  for (const bool before : {false, true}) {
    Values v;
    const auto function = std::make_shared<Product>();
    const int x = v.input({6});
    const auto norm = [&](int input) { return add_batch_norm(v.graph, "norm", input, {0.5f, 1e-3f}); };
    const int first = before ? norm(x) : x;
    const int product = v.add(HostNode{function}, {first, first}, {6});
    const int y = before ? product : norm(product);
    const int loss = v.weighted(y);
    const auto network = make_network(kernels, v.graph, {y});
    network->compile(value_losses({loss}), make_optimizer(OptimizerKind::kSgd));
    const Inputs inputs(*network, 9);
    const Floats weights = all_weights(*network);
    function->fail_forward = 1;
    CHECK(throws<std::runtime_error>([&] { network->train_step(inputs.batch(), 0.1f); }, "forward fails"));
    CHECK(same_bits(all_weights(*network), weights));
    network->train_step(inputs.batch(), 0.1f);
    CHECK(!same_bits(all_weights(*network), weights));
  }
}

}  // namespace pycnn::testing
