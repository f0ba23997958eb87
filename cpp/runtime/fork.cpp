#include "runtime/fork.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "runtime/team.h"

namespace pycnn {
namespace {

std::atomic<int64_t> forks{0};

std::mutex*& renewal() {
  static auto* mutex = new std::mutex;
  return mutex;
}

}  // namespace

std::mutex& ForkMutex::current() {
  const int64_t now = forks.load(std::memory_order_acquire);
  if (forks_.load(std::memory_order_acquire) != now) {
    std::lock_guard<std::mutex> lock(*renewal());
    if (forks_.load(std::memory_order_relaxed) != now) {
      std::mutex* inherited = mutex_.load(std::memory_order_relaxed);
      if (inherited->try_lock()) {
        inherited->unlock();
      } else {  // whoever would free it is not in this process
        mutex_.store(new std::mutex, std::memory_order_release);
        interrupted_ = true;
      }
      forks_.store(now, std::memory_order_release);
    }
  }
  return *mutex_.load(std::memory_order_acquire);
}

void install_fork_handler() {
#if defined(__unix__) || defined(__APPLE__)
  static std::once_flag once;
  std::call_once(once, [] {
    renewal();
    pthread_atfork(nullptr, nullptr, [] {
      renewal() = new std::mutex;
      renew_pool();
      ++forks;
    });
  });
#endif
}

}  // namespace pycnn
