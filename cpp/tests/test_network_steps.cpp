// Steps of a network of everything: the same bits on any number of threads, in one part or in two, beside networks
// that share its variables, and with a profile.
#include "engine/profile.h"

#include "tests/mixed.h"

namespace pycnn::testing {
namespace {

// Everything that comes out of two steps and predictions before and after them.
std::vector<Floats> trace(const KernelTable& kernels, const Mixed& mixed, int64_t samples, int threads) {
  const Threads set(threads);
  const auto network = mixed.network(kernels);
  const MixedBatch data(*network, samples);
  std::vector<Floats> all = predict_all(*network, data.batch());
  for (int step = 0; step < 2; ++step) {
    all.push_back(row_of(network->train_step(data.batch(), 0.01f)));
    all.push_back(all_gradients(*network));
  }
  all.push_back(all_weights(*network));
  all.push_back(row_of(network->test_step(data.batch())));
  for (const Floats& y : predict_all(*network, data.batch(), true)) all.push_back(y);
  return all;
}

}  // namespace

TEST(steps_give_the_same_bits_on_any_number_of_threads) {
  const Mixed mixed;
  for (const int64_t samples : {1, 3, 8, 9, 130}) {
    const std::vector<Floats> want = trace(kernels, mixed, samples, 1);
    for (const int threads : {2, 3, 5}) {
      const std::vector<Floats> got = trace(kernels, mixed, samples, threads);
      for (size_t k = 0; k < want.size(); ++k)
        if (!same_bits(got[k], want[k]))
          fail(__FILE__, __LINE__, "value ", k, " differs on ", threads, " threads, batch of ", samples);
    }
    for (const Floats& values : want)
      for (const float value : values) CHECK(std::isfinite(value));
  }
}

TEST(steps_in_two_parts_are_the_same) {
  const Mixed mixed;
  for (const int64_t samples : {1, 9, 130}) {
    const auto whole = mixed.network(kernels), parts = mixed.network(kernels);
    const MixedBatch data(*whole, samples);
    for (int step = 0; step < 3; ++step) {
      const StepResult want = whole->train_step(data.batch(), 0.01f);
      const Floats before = all_weights(*parts);
      const StepResult got = parts->compute_gradients(data.batch());
      CHECK(same_bits(row_of(got), row_of(want)));
      CHECK(parts->optimizer()->iterations == step);
      parts->apply_gradients(0.01f);
      CHECK(same_bits(all_weights(*parts), all_weights(*whole)) && !same_bits(before, all_weights(*parts)));
      CHECK(parts->optimizer()->iterations == step + 1);
    }
  }
}

// What is changed between the two parts is what the step is made by.
TEST(steps_take_gradients_that_were_changed) {
  const Mixed mixed;
  const auto network = mixed.network(kernels, OptimizerKind::kSgd);
  const MixedBatch data(*network, 9);
  network->compute_gradients(data.batch());
  const Floats before = all_weights(*network);
  Parameters& parameters = network->parameters();
  for (int p = 0; p < parameters.count(); ++p) std::fill_n(parameters.gradient(p), parameters.size(p), 2.0f);
  network->apply_gradients(0.25f);
  const Floats after = all_weights(*network);
  size_t i = 0;
  for (int p = 0; p < parameters.count(); ++p) {
    const bool moves = parameters.trainable(p);  // all but the moving statistics
    for (int64_t k = 0; k < parameters.size(p); ++k, ++i)
      CHECK_EQUAL(after[i], moves ? before[i] - 0.5f : before[i], "parameter ", p);
  }
}

TEST(steps_without_an_optimizer) {
  const Mixed mixed;
  const auto network = mixed.network(kernels);
  network->compile(mixed.objective(), nullptr);
  const MixedBatch data(*network, 3);
  const float* gamma = network->parameters().weights(3);
  const Floats before(gamma, gamma + 32);
  const Floats first = row_of(network->train_step(data.batch(), 0.1f));
  CHECK(!same_bits(row_of(network->train_step(data.batch(), 0.1f)), first));  // another dropout
  CHECK(same_bits(before, Floats(gamma, gamma + 32)));
  bool refused = false;
  try {
    network->apply_gradients(0.1f);
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  CHECK(refused);
}

// A network whose output is a value on the way of another one sees what that one learns, in packed weights too.
TEST(steps_are_seen_by_networks_that_share_variables) {
  const Mixed mixed;
  const auto network = mixed.network(kernels);
  const MixedBatch data(*network, 9);
  Network view(network->graph(), {mixed.pooled, mixed.estimate});  // a copy of the graph has the same variables
  Network same(network->graph(), mixed.outputs());
  same.compile(mixed.objective(), network->optimizer());
  same.set_seed(5);
  const auto alone = mixed.network(kernels);
  std::vector<Floats> last = predict_all(view, data.batch());
  for (int step = 0; step < 4; ++step) {
    Network& trained = step % 2 ? same : *network;  // in turns, with one optimizer
    const StepResult got = trained.train_step(data.batch(), 0.01f), want = alone->train_step(data.batch(), 0.01f);
    CHECK(same_bits(row_of(got), row_of(want)) && same_bits(all_weights(same), all_weights(*alone)));
    const std::vector<Floats> seen = predict_all(view, data.batch());
    CHECK(!same_bits(seen[0], last[0]) && !same_bits(seen[1], last[1]));
    CHECK(same_bits(seen[1], predict_all(*alone, data.batch())[1]));
    last = seen;
  }
  fill_weights(*alone, 3);
  for (int p = 0; p < view.parameters().count(); ++p)
    std::copy_n(alone->parameters().weights(p), alone->parameters().size(p), view.parameters().weights(p));
  view.parameters().touch();
  CHECK(same_bits(predict_all(*network, data.batch())[0], predict_all(*alone, data.batch())[0]));
}

TEST(steps_write_outputs) {
  Mixed mixed;
  const auto network = mixed.network(kernels), other = mixed.network(kernels);
  for (const int64_t samples : {3, 130}) {
    const MixedBatch data(*network, samples);
    const std::vector<Floats> want = predict_all(*network, data.batch());
    Guarded scores(samples * 10), importance(samples);
    Batch batch = data.batch();
    batch.outputs = {scores.data(), nullptr, importance.data()};
    const StepResult result = network->test_step(batch);
    CHECK(scores.intact() && importance.intact());
    // The loss wants a gradient of nothing here, but is computed by the logits.
    check_all_near(scores.values(), Doubles(want[0].begin(), want[0].end()), "scores");
    check_all_near(importance.values(), Doubles(want[2].begin(), want[2].end()), "importance");
    check_all_near({static_cast<float>(result.metrics[1])}, {mean_of(Doubles(want[2].begin(), want[2].end()))},
                   "metric");
    CHECK(same_bits(row_of(result), row_of(other->test_step(data.batch()))));
    CHECK(same_bits(row_of(network->train_step(batch, 0.01f)), row_of(other->train_step(data.batch(), 0.01f))));
    CHECK(same_bits(all_weights(*network), all_weights(*other)));
  }
}

// Only what is asked for is computed: an input that nothing needs is not read.
TEST(steps_need_their_inputs_only) {
  Values v;
  const int first = v.input({4}), second = v.input({4}), third = v.input({4});
  const int y = v.tanh(first), loss = v.map(MapOp::kMultiply, {y, second});
  const auto network = make_values_network(kernels, v.graph, {y});
  network->compile(value_losses({loss}), make_optimizer());
  CHECK(network->needs_input(0, false) && !network->needs_input(1, false) && !network->needs_input(2, false));
  CHECK(network->needs_input(0, true) && network->needs_input(1, true) && !network->needs_input(2, true));
  (void)third;
  const Inputs inputs(*network, 3);
  Batch batch = inputs.batch();
  batch.inputs[2] = {};
  network->test_step(batch);
  batch.inputs[1] = {};
  const Reference reference(network->graph(), inputs.x, 3);
  check_all_near(predict_all(*network, batch)[0], reference.value(y), "one input of three");
}

TEST(steps_with_a_profile) {
  const Mixed mixed;
  for (const int threads : {1, 3}) {
    const Threads set(threads);
    const auto plain = mixed.network(kernels), timed = mixed.network(kernels);
    const MixedBatch data(*plain, 9);
    Profile profile;
    CHECK(same_bits(row_of(timed->train_step(data.batch(), 0.01f, &profile)),
                    row_of(plain->train_step(data.batch(), 0.01f))));
    CHECK(same_bits(all_weights(*timed), all_weights(*plain)));
    double updates = 0, forwards = 0, backwards = 0;
    for (const ProfileRow& row : profile.rows) {
      CHECK(row.seconds >= 0 && row.flops >= 0 && row.bytes >= 0);
      updates += row.phase == Phase::kUpdate;
      forwards += row.phase == Phase::kForward;
      backwards += row.phase == Phase::kBackward;
    }
    CHECK(updates > 5 && forwards > 20 && backwards > 20);
    // Every value that is needed is named once: with rows of its own, or by whose rows it has.
    for (const int node : {mixed.image, mixed.pooled, mixed.scores, mixed.estimate, mixed.penalty}) {
      const std::string& name = timed->graph().node(node).name;
      const auto has_rows = [&](const ProfileRow& row) { return row.layer == name; };
      const auto is_fused = [&](const auto& pair) { return pair.first == name; };
      const bool rows = std::any_of(profile.rows.begin(), profile.rows.end(), has_rows);
      CHECK(rows != (std::count_if(profile.fused.begin(), profile.fused.end(), is_fused) == 1));
    }
  }
}

// Inputs of other types weigh what they weigh.
TEST(steps_profile_counts_the_bytes_of_each_input) {
  Values v;
  const int floats = v.input({100}), bytes = v.input({100});
  const auto network = make_values_network(kernels, v.graph, {v.map(MapOp::kAdd, {floats, bytes})});
  const Floats x(200);
  const Bytes z(200);
  Floats y(200);
  Batch batch;
  batch.samples = 2;
  batch.inputs = {{x.data()}, {z.data(), SourceType::kUint8}};
  batch.outputs = {y.data()};
  Profile profile;
  network->predict(batch, false, &profile);
  for (const ProfileRow& row : profile.rows) {
    if (row.layer == "input 0") CHECK_EQUAL(row.bytes, 2 * (400.0 + 400.0), "floats");
    if (row.layer == "input 1") CHECK_EQUAL(row.bytes, 2 * (400.0 + 100.0), "bytes");
  }
}

}  // namespace pycnn::testing
