#include "runtime/threads.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "tests/check.h"

namespace pycnn::testing {
namespace {

bool is_refused(int threads) {
  try {
    set_num_threads(threads);
  } catch (const std::invalid_argument& error) {
    return std::string(error.what()).find(std::to_string(threads)) != std::string::npos;
  }
  return false;
}

// The sum over the ranks of a team of rank + 1, and the team's size, from regions of several stages.
struct Seen {
  int64_t sum = 0;
  int size = 0;
};

Seen run_team(int threads) {
  constexpr int kStages = 50;
  std::vector<int64_t> written(1024, -1);
  std::atomic<int64_t> sum{0};
  std::atomic<int> size{0}, late{0};
  parallel(threads, [&](const Team& team) {
    sum += team.rank() + 1;
    size = team.size();
    for (int64_t stage = 0; stage < kStages; ++stage) {
      written[static_cast<size_t>(team.rank())] = stage;
      team.barrier();  // behind it everyone sees what everyone wrote
      for (int rank = 0; rank < team.size(); ++rank) late += written[static_cast<size_t>(rank)] != stage;
      team.barrier();
    }
  });
  CHECK_EQUAL(late.load(), 0, "writes behind a barrier, ", threads, " threads");
  return {sum.load(), size.load()};
}

void check_team(int threads) {
  const Seen seen = run_team(threads);
  CHECK(seen.size >= 1 && seen.size <= std::max(threads, 1));
  CHECK_EQUAL(seen.sum, seen.size * (seen.size + 1) / 2, threads, " threads");
}

}  // namespace

TEST(threads_default) {
  CHECK(default_num_threads() >= 1);
  CHECK(!default_threads_reason().empty());
  CHECK(openmp_description().find("OpenMP") != std::string::npos);
}

TEST(threads_set) {
  const int before = num_threads();
  for (const int threads : {1, 3, 1024}) {
    set_num_threads(threads);
    CHECK_EQUAL(num_threads(), threads, "set");
  }
  for (const int threads : {0, -1, 1025}) CHECK(is_refused(threads));
  CHECK_EQUAL(num_threads(), 1024, "what is refused changes nothing");
  set_num_threads(before);
}

TEST(threads_run_as_a_team) {
  for (const int threads : {-1, 0, 1, 2, 3, 5, 8}) check_team(threads);
  CHECK_EQUAL(run_team(1).size, 1, "alone");
  parallel(2, [](const Team&) { check_team(2); });  // inside another region
}

TEST(threads_of_several_callers) {
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([] {
      for (int round = 0; round < 10; ++round) run_team(3);
    });
  for (std::thread& caller : callers) caller.join();
}

#if defined(__unix__) || defined(__APPLE__)
// The child has no team but its own.
TEST(threads_after_fork) {
  install_fork_handler();
  install_fork_handler();
  run_team(3);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // instead of hanging for ever
    const Seen seen = run_team(3);
    _exit(seen.sum == seen.size * (seen.size + 1) / 2 ? 0 : 1);
  }
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  check_team(3);
}
#endif

}  // namespace pycnn::testing
