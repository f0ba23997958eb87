// Every thread pycnn uses comes from here, and this is the only file that knows OpenMP.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace pycnn {

// min(cores this process may run on, cgroup CPU quota rounded up), unless OMP_NUM_THREADS says otherwise.
int default_num_threads();
std::string default_threads_reason();  // for people: what the number comes from
int num_threads();
void set_num_threads(int threads);  // throws std::invalid_argument below 1
std::string openmp_description();

// A team inside one parallel region.
class Team {
 public:
  Team(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const { return rank_; }
  int size() const { return size_; }
  // All threads of the team wait for each other, and see each other's writes.
  void barrier() const;

 private:
  int rank_, size_;
};

// Runs body once on each of `threads` threads. body may not throw.
void parallel(int threads, const std::function<void(const Team&)>& body);

// After fork() the child must not look for the parent's threads: call once when the library is loaded.
void install_fork_handler();

}  // namespace pycnn
