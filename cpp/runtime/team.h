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

// The pieces of one stage of work. Each thread of a team calls share(); after it all pieces are done, whoever did
// them, and everyone sees what was written. A thread begins with its own part, the same in every stage of as many
// pieces, so that its data stay in its cache; then it helps the others. A queue serves once.
class WorkQueue {
 public:
  // Calls body(piece) for pieces below n that no one else has taken; `backwards`, the last one of each part first.
  template <class Body>
  void share(const Team& team, int64_t n, const Body& body, bool backwards = false) {
    if (!take(team, n, body, backwards)) wait(n);
  }
  // The same for a call's last shared work: workers skip the final barrier.
  template <class Body>
  void share_last(const Team& team, int64_t n, const Body& body) {
    if (!take(team, n, body, false) && team.rank() == 0) wait(n);
  }
  void reset() {
    for (Count& next : next_) next.value.store(0, std::memory_order_relaxed);
    done_.value.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr int kParts = 8;
  struct alignas(64) Count {
    std::atomic<int64_t> value{0};
  };
  void wait(int64_t n) const;

  // Returns whether all pieces are done.
  template <class Body>
  bool take(const Team& team, int64_t n, const Body& body, bool backwards) {
    const int parts = team.size() < kParts ? team.size() : kParts;
    for (int i = 0; i < parts; ++i) {
      const int part = (team.rank() + i) % parts;
      const int64_t begin = part * n / parts, count = (part + 1) * n / parts - begin;
      std::atomic<int64_t>& next = next_[part].value;
      int64_t done = 0;
      while (next.load(std::memory_order_relaxed) < count) {
        const int64_t piece = next.fetch_add(1, std::memory_order_relaxed);
        if (piece >= count) break;
        body(begin + (backwards ? count - 1 - piece : piece));
        ++done;
      }
      // Reported part by part: a waiting thread then need not wait for this one's search of the other parts.
      if (done > 0 && done_.value.fetch_add(done, std::memory_order_acq_rel) + done == n) return true;
    }
    return done_.value.load(std::memory_order_acquire) >= n;
  }

  Count next_[kParts];
  Count done_;
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

// In the child of a fork: begins with threads of its own, of which there are none yet.
void renew_pool();

}  // namespace pycnn
