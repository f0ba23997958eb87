// OpenMP makes the threads, so that OMP_PROC_BIND, OMP_PLACES and OMP_STACKSIZE hold for them; what they work on is
// dealt out here, because an OpenMP region ends only when every thread of its team has arrived.
#include "runtime/team.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace pycnn {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kAwake = std::chrono::microseconds(50);  // how long an idle thread polls for work
constexpr int kPolls = 64;                              // between two reads of the clock, or before the core is yielded

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until ready() holds. The thread that is waited for may need this core.
template <class Ready>
void wait_until(const Ready& ready) {
  for (int i = 0; !ready(); ++i) {
    if (i < 16 * kPolls) pause();
    else std::this_thread::yield();
  }
}

// The core that this thread is on; -1 where the system does not tell.
int current_core() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Moves this thread to another core than that one, if it may use any. A thread is often woken on the core of who wakes
// it, and the system's scheduler then needs milliseconds to notice that another one is idle.
void leave_core([[maybe_unused]] int core) {
#if defined(__linux__)
  cpu_set_t allowed, others;
  if (core < 0 || core >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
    sched_setaffinity(0, sizeof allowed, &allowed);
#endif
}

class Pool {
 public:
  void run(int threads, Wake wake, void (*call)(const void*, const Team&), const void* body) {
    if (threads <= 1 || busy_.exchange(true)) return call(body, Team(0, 1));
    grow(threads - 1);
    const bool frequent = Clock::now() - last_end_ < kAwake;
    const bool wakes = wake == Wake::kAlways || frequent;
    const int others = std::min(threads - 1, wakes ? workers_ : workers_ - sleepers_.load());
    if (others > 0) {
      call_ = call;
      body_ = body;
      size_ = others + 1;
      tickets_.store(0, std::memory_order_relaxed);
      job_.fetch_add(1);  // open
      if (wakes && sleepers_.load() > 0) {
        wake_sleepers(others);
        std::this_thread::yield();  // who has been woken on this core can leave it only once it has run here
      }
    }
    call(body, Team(0, others + 1));
    if (others > 0) {
      job_.fetch_add(1);  // closed: late workers do nothing
      wait_until([&] { return inside_.load() == 0; });
    }
    last_end_ = Clock::now();
    busy_.store(false);
  }

 private:
  static bool is_open(uint64_t job) { return job % 2 == 1; }

  // The region's own first thread is left out: with bound threads it has the core that callers run on.
  void grow(int workers) {
    if (workers <= workers_) return;
    const int more = workers - workers_;
    try {
      std::thread([this, more] {
#pragma omp parallel num_threads(more + 1)
        {
          if (omp_get_thread_num() > 0) work();
          else sleep_for_ever();
        }
      }).detach();
    } catch (const std::system_error&) {
      return;  // no more threads to be had: those there are do the work
    }
    workers_ = workers;
  }

  void work() {
    for (uint64_t seen = 0;;) {
      poll(seen);
      // The caller closes the job first and then waits for whoever is inside: one of the two sees the other.
      inside_.fetch_add(1);
      const uint64_t job = job_.load();
      if (is_open(job) && job != seen) {
        seen = job;
        const int rank = tickets_.fetch_add(1) + 1;
        if (rank < size_) call_(body_, Team(rank, size_));
      }
      inside_.fetch_sub(1);
    }
  }

  // Polls, then sleeps, until there may be a new job.
  void poll(uint64_t seen) {
    const auto is_new = [&] {
      const uint64_t job = job_.load();
      return is_open(job) && job != seen;
    };
    const auto start = Clock::now();
    do {
      for (int i = 0; i < kPolls; ++i) {
        if (is_new()) return;
        pause();
      }
    } while (Clock::now() - start < kAwake);
    std::unique_lock<std::mutex> lock(sleep_);
    ++sleepers_;
    if (is_new()) {  // the caller may have opened it before it could see that this thread sleeps
      --sleepers_;
      return;
    }
    woken_.wait(lock, [&] { return wakes_ > 0; });
    --wakes_;
    const int core = waking_core_;
    lock.unlock();
    if (core == current_core()) leave_core(core);
  }

  void wake_sleepers(int max) {
    std::lock_guard<std::mutex> lock(sleep_);
    const int n = std::min(max, sleepers_.load());
    sleepers_ -= n;
    wakes_ += n;
    waking_core_ = current_core();
    for (int i = 0; i < n; ++i) woken_.notify_one();
  }

  void sleep_for_ever() {
    std::unique_lock<std::mutex> lock(sleep_);
    never_.wait(lock, [] { return false; });
  }

  std::atomic<bool> busy_{false};  // one job at a time: another caller does its work alone
  int workers_ = 0;
  Clock::time_point last_end_;
  void (*call_)(const void*, const Team&) = nullptr;
  const void* body_ = nullptr;
  int size_ = 1;
  alignas(64) std::atomic<uint64_t> job_{0};  // odd while one is open
  alignas(64) std::atomic<int> inside_{0};    // threads that may be in a job
  std::atomic<int> tickets_{0};               // ranks given
  alignas(64) std::mutex sleep_;
  std::condition_variable woken_, never_;
  std::atomic<int> sleepers_{0};  // who has not been told to wake
  int wakes_ = 0;                 // told, and not yet up
  int waking_core_ = -1;          // of who told them last
};

// Never destroyed: its threads may outlive every static object.
Pool*& pool() {
  static Pool* instance = new Pool;
  return instance;
}

}  // namespace

std::string openmp_description() {
#if defined(__clang__)
  const char* runtime = "LLVM libomp";
#else
  const char* runtime = "GNU libgomp";
#endif
  return std::string(runtime) + " (OpenMP " + std::to_string(_OPENMP) + ")";
}

void WorkQueue::wait(int64_t n) const {
  wait_until([&] { return done_.value.load(std::memory_order_acquire) >= n; });
}

void run_team(int threads, Wake wake, void (*call)(const void*, const Team&), const void* body) {
  pool()->run(threads, wake, call, body);
}

void renew_pool() { pool() = new Pool; }

}  // namespace pycnn
