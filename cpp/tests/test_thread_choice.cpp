// The number of threads of small calls, chosen by times that are made up here.
#include "engine/thread_choice.h"

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "tests/networks.h"

namespace pycnn::testing {
namespace {

constexpr double kMicro = 1e-6;
using TimeOf = std::function<double(int threads, int64_t call)>;  // seconds

struct Account {
  double seconds = 0;
  std::map<int, double> of;  // the same of each number of threads
  int64_t calls = 0;
};

// Calls for so many seconds.
Account run(ThreadChoice& choice, double seconds, const TimeOf& time) {
  Account account;
  while (account.seconds < seconds) {
    const int threads = choice.threads();
    const double took = time(threads, account.calls++);
    choice.took(took);
    account.seconds += took;
    account.of[threads] += took;
  }
  return account;
}

double shared_out(int threads, int64_t) { return (4 + 20.0 / threads) * kMicro; }  // on a quiet machine
double held_up(int threads, int64_t) { return (16 + 8 * threads) * kMicro; }       // where cores are taken

}  // namespace

TEST(thread_choice_takes_what_is_fastest) {
  for (const int most : {2, 3, 8, 13}) {
    ThreadChoice quiet(most), disturbed(most);
    run(quiet, 1, shared_out);
    run(disturbed, 1, held_up);
    CHECK_EQUAL(quiet.chosen(), most, "work that can be shared");
    CHECK_EQUAL(disturbed.chosen(), 1, "work that cannot");
    // Neither one nor all.
    ThreadChoice between(most);
    run(between, 1, [](int threads, int64_t) { return (20 + std::abs(threads - 2)) * kMicro; });
    CHECK_EQUAL(between.chosen(), 2, most);
  }
}

TEST(thread_choice_stays_within_its_bounds) {
  for (const int most : {1, 2, 3, 6, 8, 1024}) {
    std::set<int> expected{most};
    for (int power = 1; power < most; power *= 2) expected.insert(power);
    ThreadChoice choice(most);
    CHECK_EQUAL(choice.threads(), most, "the first call's");
    std::set<int> found, told;
    for (const auto& [threads, seconds] : run(choice, 2, held_up).of) found.insert(threads);
    for (const ThreadTime& time : choice.times()) {
      told.insert(time.threads);
      CHECK(std::abs(time.seconds - held_up(time.threads, 0)) < 0.01 * time.seconds);
    }
    CHECK(found == expected && told == expected);
  }
}

TEST(thread_choice_finds_changed_conditions) {
  ThreadChoice choice(2);
  run(choice, 10, shared_out);
  CHECK_EQUAL(choice.chosen(), 2, "quiet");
  run(choice, 0.2, held_up);
  CHECK_EQUAL(choice.chosen(), 1, "soon after another process has begun");
  run(choice, 10, held_up);
  CHECK_EQUAL(choice.chosen(), 1, "and as long as it runs");
  run(choice, 2, shared_out);
  CHECK_EQUAL(choice.chosen(), 2, "it has ended");
}

// What others tried does not cost more than a percent, but for the first tenths of a second.
TEST(thread_choice_looks_are_cheap) {
  for (const int most : {2, 8, 64})
    for (const TimeOf& time : {TimeOf(shared_out), TimeOf(held_up)}) {
      ThreadChoice choice(most);
      run(choice, 3, time);
      const Account account = run(choice, 60, time);
      const double best = std::min(time(1, 0), time(most, 0));
      CHECK(account.seconds < 1.01 * best * static_cast<double>(account.calls));
      CHECK(static_cast<int>(account.of.size()) == static_cast<int>(choice.times().size()));  // all were looked at
    }
}

// Two threads are mostly faster; but one call in a hundred waits for a thread that has lost its core.
TEST(thread_choice_counts_rare_long_calls) {
  ThreadChoice choice(2);
  const TimeOf time = [](int threads, int64_t call) {
    return (threads == 1 ? 20 : call % 100 == 0 ? 4000 : 12) * kMicro;
  };
  run(choice, 1, time);
  CHECK_EQUAL(choice.chosen(), 1, "by the mean");
  CHECK(run(choice, 10, time).of[1] > 9);
}

TEST(thread_choice_outlives_a_single_disturbance) {
  ThreadChoice choice(2);
  run(choice, 5, shared_out);
  choice.took(0.02);
  CHECK_EQUAL(choice.chosen(), 2, "the core was away for a moment");
  CHECK(run(choice, 1, shared_out).of[2] > 0.95);
  choice.took(1e6);  // the process was stopped
  run(choice, 0.5, shared_out);
  CHECK_EQUAL(choice.chosen(), 2, "after that too");
}

TEST(thread_choices_are_for_kinds_of_calls) {
  const CallKind first{8, 2, false, false};
  ThreadChoices choices;
  run(choices.of(first), 1, held_up);
  for (const CallKind& other : {CallKind{9, 2, false, false}, CallKind{8, 3, false, false}, CallKind{8, 2, true, false},
                                CallKind{8, 2, false, true}}) {
    CHECK(choices.of(other).times().empty());
    CHECK_EQUAL(choices.of(other).threads(), other.most_threads, "nothing known");
  }
  CHECK_EQUAL(choices.of(first).chosen(), 1, "kept");
  for (int64_t samples = 1; samples < 1000; ++samples) {  // any number of sizes: only the last ones are kept
    choices.of({100 + samples, 2, false, false});
    if (samples < 500) CHECK_EQUAL(choices.of(first).chosen(), 1, "asked for all the time");
  }
  CHECK(choices.of(first).times().empty());
}

// Runs until all numbers of threads have been tried: each gives the bits of one thread.
TEST(thread_choice_leaves_the_bits) {
  const LossKind loss = LossKind::kSparseCategoricalCrossentropy;
  const auto run_on = [&](Network& network, int threads, const Batch& batch, Profile* profile) {
    const Threads use(threads);
    network.predict(batch, false, profile);
    return network.train_step(batch, 0.01f).loss;
  };
  for (const int threads : {4, 12}) {
    constexpr int64_t samples = 9;  // split where there are more threads
    const auto chosen = make_network(kernels, winograd_layers()), alone = make_network(kernels, winograd_layers());
    const Data data(*chosen, samples);
    for (Network* network : {chosen.get(), alone.get()}) compile(*network, loss, OptimizerKind::kAdam);
    const size_t values = static_cast<size_t>(samples * chosen->output_shape().size());
    Floats one(values), other(values);
    Batch batch = data.batch(loss), expected = batch;
    batch.outputs = {one.data()};
    expected.outputs = {other.data()};
    Profile profile;
    for (bool chooses = true; chooses && profile.thread_times.size() < 3;) {
      CHECK_EQUAL(run_on(*chosen, threads, batch, &profile), run_on(*alone, 1, expected, nullptr), "loss");
      CHECK(same_bits(one, other));
      CHECK(profile.threads <= threads);
      CHECK(chooses = !profile.thread_times.empty());
    }
    CHECK(same_bits(all_weights(*chosen), all_weights(*alone)));
  }
}

}  // namespace pycnn::testing
