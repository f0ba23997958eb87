// Processes that fork makes: they have one thread, whatever the others of their parent were doing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace pycnn {

// Once for a process: threads and locks of its children work. Without it they may wait for ever.
void install_fork_handler();

// A mutex that is free in the child of a fork, though another thread of the parent holds it.
class ForkMutex {
 public:
  void lock() { current().lock(); }
  void unlock() { mutex_.load(std::memory_order_acquire)->unlock(); }
  // Whether the parent was at work under the lock when this process was made; asked under the lock, true once.
  bool interrupted() { return interrupted_.exchange(false); }

 private:
  std::mutex& current();

  std::mutex own_;
  std::atomic<std::mutex*> mutex_{&own_};
  std::atomic<int64_t> forks_{0};  // when mutex_ was last looked at
  std::atomic<bool> interrupted_{false};
};

}  // namespace pycnn
