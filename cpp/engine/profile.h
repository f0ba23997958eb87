// Where the time of a run goes, and the memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/thread_choice.h"

namespace pycnn {

// The time that each thread spent on each item of a plan: its tasks, then its preparations, then the update of each
// parameter. A thread writes to a column of its own.
class Timers {
 public:
  using Clock = std::chrono::steady_clock;

  void begin(int threads, size_t items);
  void add(int thread, size_t item, Clock::duration time) {
    Cell& cell = threads_[static_cast<size_t>(thread)][item];
    cell.time += time;
    ++cell.calls;
  }
  void end() { wall_ = Clock::now() - start_; }

  int threads() const { return static_cast<int>(threads_.size()); }
  double seconds() const { return std::chrono::duration<double>(wall_).count(); }
  double seconds(size_t item) const;  // of all threads together
  int64_t calls(size_t item) const;

 private:
  struct Cell {
    Clock::duration time{};
    int64_t calls = 0;
  };
  std::vector<std::vector<Cell>> threads_;
  Clock::time_point start_;
  Clock::duration wall_{};
};

enum class Phase { kForward, kBackward, kUpdate, kPacking };

struct ProfileRow {
  std::string layer;  // the name of the node; "loss" and "output" are none
  Phase phase;
  std::string algorithm;  // empty where there is but one
  double seconds;         // of all threads together
  double flops;           // counted as direct sums
  double bytes;           // estimated: each buffer once, and the weights once a call
};

// What ends before anything after it begins: a stage of each chunk, all preparations, or the update. Alike are the
// pieces of one task.
struct StageCost {
  std::string name;
  struct Alike {
    int64_t pieces;
    double seconds;  // of each
  };
  std::vector<Alike> work;
};

// Bytes that a network has once it has run, for all of its plans. What a run has needed stays for the next one.
struct MemoryUse {
  int64_t weights = 0;         // its variables in memory, which other networks may share, and constants
  int64_t packed_weights = 0;  // in the forms that kernels read
  int64_t activations = 0;     // values of all samples of a chunk, and the gradients by them
  int64_t threads = 0;         // values of a block of samples, and scratch memory, of each thread
  int64_t gradients = 0;       // by weights: of each slot, and their sums
  int64_t optimizer = 0;       // state by weight
};

// Of one run. Threads wait while they have nothing to do: threads * seconds is the rows' sum and that.
struct Profile {
  int threads = 0;
  int chosen_threads = 0;                // of most such runs: this one may have tried another number
  std::vector<ThreadTime> thread_times;  // by which they were chosen; empty where there was no choice
  double seconds = 0;
  int64_t samples = 0;
  std::vector<ProfileRow> rows;
  // Nodes without tasks of their own, and whose tasks compute them; an empty name where there is nothing to compute.
  std::vector<std::pair<std::string, std::string>> fused;
  std::vector<StageCost> stages;  // in their order
  MemoryUse memory;
};

struct Plan;
struct Batch;
class Graph;
class Optimizer;
class Parameters;

// The times of a run, in words. `optimizer` is null where the run has made no step.
Profile describe(const Timers& timers, const Plan& plan, const Parameters& parameters, const Batch& batch,
                 const Optimizer* optimizer);

}  // namespace pycnn
