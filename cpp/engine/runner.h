// Runs a program on a batch: one call of parallel() a run, and one more after each call of host functions.
#pragma once

#include <memory>
#include <vector>

#include "engine/gradients.h"
#include "engine/optimizer.h"
#include "engine/parameters.h"
#include "engine/profile.h"
#include "engine/program.h"
#include "engine/thread_choice.h"
#include "graph/graph.h"
#include "runtime/team.h"

namespace pycnn {

// A range of a parameter, as the update takes it at once.
struct UpdateRange {
  int parameter;
  int64_t begin, size;  // floats
  double position;      // as in Piece
};

// A program with everything it needs to run.
struct Plan {
  Graph graph;
  Program program;
  std::vector<GradientParts> gradients;  // of each parameter
  std::vector<UpdateRange> updates;
  const KernelTable* kernels = nullptr;
  bool has_gradients = false;
  int64_t prepared_version = -1;  // of the parameters that the preparations saw; there may be none, of version 0
  std::vector<int> stale;         // preparations that a run has to make
  std::vector<char> early;        // of each parameter: whether its gradient's task can update it
  ThreadChoices thread_choices;   // for its small calls

  void cut_updates(const Parameters& parameters);  // after gradients are known
  void find_stale(const Parameters& parameters);
  void forget_stale();  // where they were not all made
};

// Memory that grows to what plans ask for and is shared by all plans of a network.
class Workspace {
 public:
  float* chunk(int64_t floats) { return grown(chunk_, floats); }
  float* slots(int64_t floats) { return grown(slots_, floats); }
  float* threads(int64_t floats) { return grown(threads_, floats); }
  WorkQueue* queues(int64_t count);  // fresh ones
  int64_t chunk_floats() const { return chunk_.size(); }
  int64_t slot_floats() const { return slots_.size(); }
  int64_t thread_floats() const { return threads_.size(); }
  std::vector<float> losses, metrics;

 private:
  static float* grown(AlignedFloats& memory, int64_t floats);
  AlignedFloats chunk_, slots_, threads_;
  std::unique_ptr<WorkQueue[]> queues_;
  int64_t queue_count_ = 0;
};

class Runner : private Updater {
 public:
  Runner(Plan& plan, Parameters& parameters, Workspace& workspace)
      : plan_(plan), parameters_(parameters), workspace_(workspace) {}

  // All stages on all chunks of the batch; then, where the plan has gradients, they are summed over the slots, and the
  // step of the optimizer is done where one is given. Throws what a preparation or a host function has thrown.
  void run(const Batch& batch, uint64_t seed, Optimizer* optimizer, Timers* timers = nullptr);
  // Of the last run: null where its threads were not a matter of choice.
  const ThreadChoice* thread_choice() const { return thread_choice_; }
  // The step of the optimizer alone, on the gradients as they are.
  void apply(Optimizer& optimizer);

 private:
  void prepare(const Preparation& preparation, AlignedFloats& scratch, const Run& run);
  void choose_threads_and_run(const Batch& batch, uint64_t seed, Optimizer* optimizer);
  void run(const Batch& batch, uint64_t seed, Optimizer* optimizer, int threads, int most_threads, Wake wake);
  void run_on(const Team& team, Run run, size_t from, size_t to, WorkQueue* queue, const Optimizer* optimizer);
  void run_stages(const Team& team, const Run& run, size_t from, size_t to, WorkQueue*& queue);
  void run_block_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue, bool backwards);
  void run_cut_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue);
  void run_pass(const Team& team, Work& w, const Pass& pass, int64_t begin, int64_t from, int64_t end);
  void run_split_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue);
  void run_once(const Team& team, const Run& run, const Stage& stage);
  void run_split_samples(const Team& team, const Run& run, size_t from, size_t to, WorkQueue*& queue);
  void update(const UpdateRange& range, const Optimizer& optimizer);
  bool takes(int parameter) const override;
  void update(int parameter, int64_t begin, const float* gradient, int64_t floats) const override;
  Work work(const Team& team, const Run& run);
  void take_slot(Work& w, int64_t slot) const;
  void run_task(const Team& team, int index, const Work& w);
  template <class Body>
  void share(const Team& team, WorkQueue& queue, int64_t n, const Body& body, bool backwards = false);
  template <class Body>
  void timed(const Team& team, size_t item, const Body& body);

  Plan& plan_;
  Parameters& parameters_;
  Workspace& workspace_;
  Timers* timers_ = nullptr;  // null: profiling is off
  const ThreadChoice* thread_choice_ = nullptr;
  float* chunk_memory_ = nullptr;
  float* slot_memory_ = nullptr;
  int64_t slots_ = 0;                           // of the batch
  const Optimizer* early_optimizer_ = nullptr;  // null: no update before all gradients are made
  float* thread_memory_ = nullptr;
  WorkQueue* last_queue_ = nullptr;
};

}  // namespace pycnn
