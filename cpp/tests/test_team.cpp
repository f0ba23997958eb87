#include "runtime/fork.h"
#include "runtime/team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "tests/check.h"

namespace pycnn::testing {
namespace {

constexpr int64_t kStages = 50, kPieces = 37;

// Stages of pieces that each read what all pieces of the stage before wrote. Returns how often they were wrong.
int64_t mistakes_of(int threads, Wake wake) {
  std::vector<int64_t> written(kPieces, -1), read(kStages * kPieces, 0);
  std::unique_ptr<WorkQueue[]> queues(new WorkQueue[2 * kStages]);
  std::atomic<int64_t> wrong{0};
  parallel(threads, wake, [&](const Team& team) {
    wrong += team.rank() < 0 || team.rank() >= team.size() || team.size() > std::max(threads, 1);
    for (int64_t stage = 0; stage < kStages; ++stage) {
      queues[2 * stage].share(team, kPieces, [&](int64_t piece) { written[static_cast<size_t>(piece)] = stage; });
      queues[2 * stage + 1].share(team, kPieces, [&](int64_t piece) {
        ++read[static_cast<size_t>(stage * kPieces + piece)];
        for (const int64_t w : written) wrong += w != stage;
      });
    }
  });
  for (const int64_t times : read) wrong += times != 1;
  return wrong;
}

void check_team(int threads) {
  for (const Wake wake : {Wake::kAlways, Wake::kIfFrequent})
    CHECK_EQUAL(mistakes_of(threads, wake), 0, threads, " threads");
}

// One that never comes is not waited for.
void check_without_others() {
  const Team team(1, 3);
  WorkQueue queue;
  int64_t sum = 0;
  queue.share(team, kPieces, [&](int64_t piece) { sum += piece; });
  CHECK_EQUAL(sum, kPieces * (kPieces - 1) / 2, "alone");
  queue.share(team, kPieces, [&](int64_t) { sum = -1; });
  CHECK_EQUAL(sum, kPieces * (kPieces - 1) / 2, "a queue serves once");
  queue.reset();
  queue.share(team, 0, [&](int64_t) { sum = -1; });
  CHECK_EQUAL(sum, kPieces * (kPieces - 1) / 2, "no pieces");
}

}  // namespace

TEST(team_shares_work) {
  CHECK(openmp_description().find("OpenMP") != std::string::npos);
  check_without_others();
  for (const int threads : {-1, 0, 1, 2, 3, 5, 8})
    for (int round = 0; round < 5; ++round) check_team(threads);
}

TEST(team_inside_another) {
  std::atomic<int> largest{0};
  parallel(3, Wake::kAlways, [&](const Team&) {
    check_team(2);
    parallel(2, Wake::kAlways, [&](const Team& inner) { largest = std::max(largest.load(), inner.size()); });
  });
  CHECK_EQUAL(largest.load(), 1, "inside another call");
}

TEST(team_of_several_callers) {
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([] {
      for (int round = 0; round < 10; ++round) check_team(3);
    });
  for (std::thread& caller : callers) caller.join();
}

// Threads that have gone to sleep come again when they are told to, and only then.
TEST(team_wakes) {
  const auto largest_team = [](Wake wake) {
    int size = 0;
    parallel(2, wake, [&](const Team& team) {
      if (team.rank() == 0) size = team.size();
    });
    return size;
  };
  check_team(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK_EQUAL(largest_team(Wake::kIfFrequent), 1, "asleep");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK_EQUAL(largest_team(Wake::kAlways), 2, "woken");
}

#if defined(__unix__) || defined(__APPLE__)
// The child has no team but its own.
TEST(team_after_fork) {
  install_fork_handler();
  install_fork_handler();
  check_team(3);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // instead of hanging for ever
    _exit(mistakes_of(3, Wake::kAlways) == 0 ? 0 : 1);
  }
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  check_team(3);
}
#endif

}  // namespace pycnn::testing
