// Profiles of runs: what is told adds up and names every node, and the results are the same bits.
#include "engine/profile.h"

#include <set>
#include <tuple>

#include "tests/networks.h"

namespace pycnn::testing {
namespace {

void check_rows(const Profile& profile, const Graph& graph, int64_t samples, const char* what) {
  CHECK_EQUAL(profile.samples, samples, what);
  CHECK(profile.threads >= 1 && profile.threads <= num_threads() && profile.seconds > 0);
  CHECK(profile.chosen_threads >= 1 && profile.chosen_threads <= num_threads());
  for (const ThreadTime& time : profile.thread_times) CHECK(time.threads <= num_threads() && time.seconds > 0);
  double sum = 0;
  std::set<std::string> named;
  std::set<std::tuple<std::string, Phase, std::string>> keys;
  for (const ProfileRow& row : profile.rows) {
    CHECK(row.seconds >= 0 && row.flops >= 0);
    CHECK(row.bytes > 0 || row.phase == Phase::kUpdate);  // nothing to do where all is frozen
    sum += row.seconds;
    named.insert(row.layer);
    CHECK(keys.insert({row.layer, row.phase, row.algorithm}).second);
  }
  // Clocks of several threads, summed: a rounding error may be left.
  CHECK(sum > 0 && sum <= profile.threads * profile.seconds * (1 + 1e-9));
  for (const auto& [name, by] : profile.fused) {
    CHECK(by.empty() || named.count(by) == 1);
    CHECK(named.count(name) == 0);
  }
  for (const auto& pair : profile.fused) named.insert(pair.first);
  for (const Node& node : graph.nodes())
    if (!std::holds_alternative<ParameterNode>(node.attributes)) CHECK(named.count(node.name) == 1);
}

}  // namespace

TEST(profile_of_runs) {
  const LossKind loss = LossKind::kSparseCategoricalCrossentropy;
  for (const int threads : {1, 3}) {
    const Threads use(threads);
    for (const Layers& layers :
         {deck_layers(), winograd_layers(), branched_layers(), norm_layers(), large_dense_layers(0.25f)}) {
      const auto plain = make_network(kernels, layers), timed = make_network(kernels, layers);
      const Data data(*plain, 140);  // two chunks where the whole batch need not be seen at once
      for (Network* network : {plain.get(), timed.get()}) compile(*network, loss, OptimizerKind::kAdam);
      Profile profile;
      for (int step = 0; step < 3; ++step) {
        const StepResult expected = plain->train_step(data.batch(loss), 0.01f);
        CHECK_EQUAL(timed->train_step(data.batch(loss), 0.01f, &profile).loss, expected.loss, step);
        check_rows(profile, timed->graph(), 140, "training");
      }
      CHECK(same_bits(all_weights(*timed), all_weights(*plain)));

      for (const int64_t samples : {1, 33}) {
        const int64_t columns = plain->output_shape().size();
        Floats out(static_cast<size_t>(samples * columns));
        Batch batch = data.batch(loss);
        batch.samples = samples;
        batch.outputs = {out.data()};
        timed->predict(batch, false, &profile);
        check_rows(profile, timed->graph(), samples, "prediction");
        CHECK(same_bits(
            out, predict(*plain, Floats(data.x.begin(), data.x.begin() + samples * plain->input_shape().size()))));
      }
    }
  }
}

// Kinds of memory whose sizes are known; all grow with what a network has done, and none shrinks.
TEST(profile_counts_memory) {
  constexpr int64_t kInputs = 24, kUnits = 5, kSize = kInputs * kUnits + kUnits;
  Layers layers({kInputs});
  layers.dense(kUnits);
  const auto network = make_network(kernels, layers);
  const Data data(*network, 140);
  Floats out(140 * kUnits);
  Batch batch = data.batch(LossKind::kMeanSquaredError);
  const auto after_prediction = [&](int64_t samples) {
    Profile profile;
    batch.samples = samples;
    batch.outputs = {out.data()};
    network->predict(batch, false, &profile);
    return profile.memory;
  };
  const int64_t packed = 4 * kernels.gemm.packed_floats(kInputs, kUnits);
  const MemoryUse one = after_prediction(1), all = after_prediction(140);
  for (const MemoryUse& memory : {one, all}) {
    CHECK_EQUAL(memory.weights, 4 * kSize, "a kernel and a bias");
    CHECK_EQUAL(memory.gradients, 0, "nothing is trained");
    CHECK_EQUAL(memory.optimizer, 0, "nothing is trained");
  }
  CHECK_EQUAL(one.packed_weights, packed, "a plan");
  CHECK_EQUAL(all.packed_weights, 2 * packed, "and one for batches");
  CHECK(all.activations + all.threads >= one.activations + one.threads && one.activations + one.threads > 0);

  compile(*network, LossKind::kMeanSquaredError, OptimizerKind::kAdam);
  Profile profile;
  batch.outputs = {};
  batch.samples = 32;
  network->train_step(batch, 0.01f, &profile);
  const MemoryUse& trained = profile.memory;
  CHECK_EQUAL(trained.weights, 4 * kSize, "the same weights");
  CHECK_EQUAL(trained.optimizer, 2 * 4 * kSize, "two moments of each");
  const int64_t gradients = align_floats(kInputs * kUnits) + align_floats(kUnits);
  CHECK(trained.gradients >= 2 * 4 * gradients);  // the sum, and that of one slot at least
  CHECK_EQUAL(trained.gradients % (4 * gradients), 0, "the sum and those of slots");
  CHECK_EQUAL(trained.packed_weights, 3 * packed, "nobody wants the gradient of the input");
  CHECK(trained.activations >= all.activations && trained.threads >= all.threads);
}

TEST(profile_counts_operations_as_direct_sums) {
  Layers layers({10, 10, 64});
  layers.conv(32, 3);
  const auto network = make_network(kernels, layers);
  Floats out(8 * 8 * 32);
  const Floats x = random_floats(10 * 10 * 64, 1);
  Batch batch;
  batch.samples = 1;
  batch.inputs = {{x.data()}};
  batch.outputs = {out.data()};
  Profile profile;
  network->predict(batch, false, &profile);
  double flops = 0;
  for (const ProfileRow& row : profile.rows) flops += row.flops;
  CHECK_EQUAL(flops, 2.0 * 8 * 8 * 32 * 64 * 9, "one convolution");
}

}  // namespace pycnn::testing
