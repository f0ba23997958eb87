#include "runtime/threads.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#if defined(__linux__)
#include <sched.h>
#endif

namespace pycnn {
namespace {

struct Default {
  int threads;
  std::string reason;
};

int allowed_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

// CPUs' worth of time that the cgroup allows, or 0 where there is no limit. Version 2 first, then 1.
double cgroup_quota() {
#if defined(__linux__)
  std::string path;
  {
    std::ifstream self("/proc/self/cgroup");
    for (std::string line; std::getline(self, line);)
      if (line.rfind("0::", 0) == 0) path = line.substr(3);
  }
  double smallest = 0;
  // A limit may sit on any ancestor: look at each up to the root.
  for (;;) {
    std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max" && period > 0) {
      const double cpus = std::atof(quota.c_str()) / period;
      if (cpus > 0 && (smallest == 0 || cpus < smallest)) smallest = cpus;
    }
    if (path.empty() || path == "/") break;
    path.resize(path.rfind('/'));
  }
  if (smallest > 0) return smallest;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) return quota / period;
#endif
  return 0;
}

Default find_default() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    const int threads = std::atoi(text);
    if (threads > 0) return {threads, "OMP_NUM_THREADS=" + std::string(text)};
  }
  const int cores = allowed_cores();
  const double quota = cgroup_quota();
  const int machine = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (quota > 0 && std::ceil(quota) < cores) {
    std::ostringstream reason;
    reason << "cgroup CPU quota of " << quota << " of " << cores << " cores";
    return {std::max(1, static_cast<int>(std::ceil(quota))), reason.str()};
  }
  if (cores < machine)
    return {cores, "affinity allows " + std::to_string(cores) + " of " + std::to_string(machine) + " cores"};
  return {cores, "all cores of this machine"};
}

const Default& found_default() {
  static const Default found = find_default();
  return found;
}

std::atomic<int> chosen{0};  // 0: the default

}  // namespace

int default_num_threads() { return found_default().threads; }
std::string default_threads_reason() { return found_default().reason; }

int num_threads() {
  const int threads = chosen.load();
  return threads > 0 ? threads : default_num_threads();
}

void set_num_threads(int threads) {
  if (threads < 1) throw std::invalid_argument("threads must be at least 1, not " + std::to_string(threads));
  if (threads > 1024) throw std::invalid_argument("threads must be at most 1024, not " + std::to_string(threads));
  chosen = threads;
}

}  // namespace pycnn
