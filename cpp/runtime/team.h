// Every thread pycnn uses comes from here. A team's threads share out pieces of work as each is free: nobody waits for
// one that sleeps or has lost its core, which would take longer than a small network runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace pycnn {

std::string openmp_description();

// Who works on one call of parallel(). The caller has rank 0; the others come when they can, or never.
class Team {
 public:
  Team(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const { return rank_; }
  int size() const { return size_; }  // ranks lie below it

 private:
  int rank_, size_;
};

// The pieces of one stage of work. Each thread of a team calls share(); behind it all pieces are done, whoever did
// them, and everyone sees what was written. A queue serves once.
class alignas(64) WorkQueue {
 public:
  // Calls body(piece) for pieces below n that no one else has taken.
  template <class Body>
  void share(int64_t n, const Body& body) {
    int64_t done = 0;
    for (int64_t piece; (piece = next_.fetch_add(1, std::memory_order_relaxed)) < n; ++done) body(piece);
    if (done > 0 && done_.fetch_add(done, std::memory_order_acq_rel) + done == n) return;
    if (done_.load(std::memory_order_acquire) < n) wait(n);
  }
  void reset() {
    next_.store(0, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
  }

 private:
  void wait(int64_t n) const;

  std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<int64_t> done_{0};
};

// Whether threads that sleep are woken for a call: that takes some tens of microseconds, on a virtual machine more.
// kIfFrequent wakes them only for a caller that has just called before, so that they are awake when it calls again.
enum class Wake { kAlways, kIfFrequent };

void run_team(int threads, Wake wake, void (*call)(const void*, const Team&), const void* body);

// Runs body(team) on the caller and on up to threads - 1 others, and returns when all who have begun have ended. The
// caller alone must be able to do all the work. body may not throw. Inside another call the caller is alone.
template <class Body>
void parallel(int threads, Wake wake, const Body& body) {
  run_team(
      threads, wake, [](const void* b, const Team& team) { (*static_cast<const Body*>(b))(team); }, &body);
}

// After fork() the child must not look for the parent's threads: call once when the library is loaded.
void install_fork_handler();

}  // namespace pycnn
