// Runs a program on a batch: one parallel region a call.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/optimizer.h"
#include "engine/parameters.h"
#include "engine/program.h"
#include "runtime/threads.h"

namespace pycnn {

// A program with everything it needs to run.
struct Plan {
  Program program;
  std::vector<GradientParts> gradients;  // of each parameter
  const KernelTable* kernels = nullptr;
  int64_t prepared_version = 0;  // of the parameters that the preparations saw
};

// Memory that grows to what plans ask for and is shared by all plans of a network.
class Workspace {
 public:
  float* chunk(int64_t floats) { return grown(chunk_, floats); }
  float* slots(int64_t floats) { return grown(slots_, floats); }
  float* threads(int64_t floats) { return grown(threads_, floats); }
  std::vector<float> loss, correct;

 private:
  static float* grown(AlignedFloats& memory, int64_t floats);
  AlignedFloats chunk_, slots_, threads_;
};

class Runner {
 public:
  Runner(Plan& plan, Parameters& parameters, Workspace& workspace)
      : plan_(plan), parameters_(parameters), workspace_(workspace) {}

  // All stages on all chunks of the batch; then, where an optimizer is given, gradients are summed over the slots and
  // its step is done (on parameters that are trainable).
  void run(const Batch& batch, uint64_t seed, bool update, Optimizer* optimizer);

 private:
  struct ThreadMemory;
  void run_on(const Team& team, const Batch& batch, uint64_t seed, bool update, const Optimizer* optimizer);
  void run_chunk(const Team& team, const Run& run, int64_t chunk);
  void run_block_stage(const Team& team, const Run& run, const Stage& stage, std::atomic<int64_t>& next);
  void run_split_stage(const Team& team, const Run& run, const Stage& stage, std::atomic<int64_t>& next);
  void run_split_samples(const Team& team, const Run& run, const Stage& stage);
  void update_parameters(int64_t used_slots, const Optimizer* optimizer, std::atomic<int64_t>& next);
  void sum_parts(float* g, int parameter, int64_t begin, int64_t n, int64_t used_slots) const;
  void sum_slots(float* g, const SlotGradient& slot, int parameter, int64_t begin, int64_t n, int64_t used_slots) const;
  Work work(const Team& team, const Run& run);
  int64_t slot_count(int64_t samples) const;

  Plan& plan_;
  Parameters& parameters_;
  Workspace& workspace_;
  float* chunk_memory_ = nullptr;
  float* slot_memory_ = nullptr;
  float* thread_memory_ = nullptr;
  std::unique_ptr<std::atomic<int64_t>[]> counters_;  // one a stage execution: the next piece of work to take
};

}  // namespace pycnn
