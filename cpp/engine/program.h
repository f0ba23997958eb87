// A program: the tasks of a network in the order in which they run, cut into stages, with their memory.
//
// A *block* task works on samples independently of each other. Neighbouring block tasks form one stage that runs depth
// first: a thread takes a group of samples through all of them. Where the weights are larger than what the samples
// leave, more samples share each pass over them: a stage is cut into passes, each with the block size that suits
// it, and a thread takes its group through one pass after the other. A *split* task sees the whole chunk and brings its
// own cut into pieces. A *once* task works on values that have no batch axis, or reduces one. After a stage all of it
// is done.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/elementwise/elementwise.h"
#include "runtime/memory.h"

namespace pycnn {

inline int64_t bytes_of(SourceType type) {
  return type == SourceType::kFloat64 ? 8 : type == SourceType::kFloat32 ? 4 : 1;
}

// What the caller hands to one run: pointers to arrays of its own.
struct Source {
  const void* data = nullptr;
  SourceType type = SourceType::kFloat32;
};
struct Target {  // class numbers or values, one of the two
  const int32_t* labels = nullptr;
  const float* values = nullptr;
};
struct Batch {
  int64_t samples = 0;
  const int64_t* index = nullptr;     // picks samples of all arrays but the outputs; null: all in order
  std::vector<Source> inputs;         // in the order of the network's inputs
  std::vector<Target> targets;        // as the objective numbers them
  std::vector<const float*> weights;  // one a sample, for each target; null or missing: 1
  std::vector<float*> outputs;        // null where not wanted

  int64_t source(int64_t sample) const { return index ? index[sample] : sample; }
  float weight(int target, int64_t source) const {
    const size_t t = static_cast<size_t>(target);
    return target >= 0 && t < weights.size() && weights[t] ? weights[t][source] : 1.0f;
  }
};

// One chunk of a batch on its way through the program, the same for all threads.
struct Run {
  const Batch* batch;
  int64_t begin;                  // of the chunk in the batch
  int64_t samples;                // in the chunk
  uint64_t seed;                  // of this step's dropout
  float* losses;                  // of each loss, one a sample of the batch
  float* metrics;                 // the same of each metric
  std::atomic<bool>* failed;      // set by a preparation or host function that has thrown; nothing after it counts
  std::exception_ptr* exception;  // what it has thrown

  float* loss(int term) const { return losses + term * batch->samples + begin; }
  float* metric(int term) const { return metrics + term * batch->samples + begin; }
};

// A tensor of the program: `floats` a sample. Samples are `stride` apart, on cache lines.
struct Buffer {
  int64_t floats;
  int64_t stride;
  // Whose samples it holds: kGroup and kBlock lie in a thread's own memory, kFixed is the same for all samples.
  enum Home { kChunk, kGroup, kBlock, kFixed } home = kChunk;
  int64_t offset = 0;      // in floats, of that memory
  bool in_parts = false;   // several tasks write it
  bool common = false;     // one for all samples, with a stride of 0, for as long as tasks use it
  float* fixed = nullptr;  // of kFixed, which has a stride of 0

  int64_t extent(int64_t samples) const { return common ? align_floats(floats) : stride * samples; }
};

// What makes the optimizer's step on a part of a variable, at once where its gradient is made.
class Updater {
 public:
  // False where the whole gradient is asked for, or is a sum that is not complete yet.
  virtual bool takes(int parameter) const = 0;
  virtual void update(int parameter, int64_t begin, const float* gradient, int64_t floats) const = 0;

 protected:
  ~Updater() = default;
};

// What one call of a task works on.
struct Work {
  const Run& run;
  const std::vector<Buffer>& buffers;
  float* chunk_memory;
  float* own_memory;  // this thread's
  float* scratch;
  float* slot_memory = nullptr;
  int64_t group_begin = 0, block_begin = 0;  // samples that the buffers of own_memory start at
  int64_t begin = 0, end = 0;                // samples of the chunk
  int64_t piece_begin = 0, piece_end = 0;    // of Task::pieces
  int64_t slot = 0;
  bool accumulate = false;  // whether this slot's gradients already hold something
  const Updater* updater = nullptr;

  float* at(int buffer, int64_t sample) const {
    const Buffer& b = buffers[static_cast<size_t>(buffer)];
    if (b.home == Buffer::kFixed) return b.fixed;
    if (b.home == Buffer::kChunk) return chunk_memory + b.offset + sample * b.stride;
    return own_memory + b.offset + (sample - (b.home == Buffer::kGroup ? group_begin : block_begin)) * b.stride;
  }
  int64_t stride(int buffer) const { return buffers[static_cast<size_t>(buffer)].stride; }
  float* slot_gradient(int64_t offset) const { return slot_memory + offset; }
};

struct Task {
  std::string name;
  enum Kind { kBlock, kSplit, kOnce } kind = kBlock;
  std::function<void(const Work&)> run;
  std::vector<int> buffers;  // all it reads or writes
  int64_t pieces = 1;        // kSplit: of the chunk. kBlock: that one sample's work can be cut into
  int64_t scratch_floats = 0;
  double flops = 0;            // a sample
  int64_t weights = 0;         // floats that it reads for every block
  int64_t weight_uses = 1;     // how often a sample uses each of them
  bool by_slots = false;       // kBlock: adds to what the slot of its samples has
  bool may_be_cut = false;     // kBlock: where that gives a team more pieces; its others do not wait for it
  bool with_previous = false;  // kSplit, and what may be cut: need not wait for it to end
  bool writes_result = false;  // to the caller's memory
  bool by_host = false;        // kOnce: functions of the caller, on its thread
  // Diagnostics; the planner sets the first two.
  int node = -1;
  bool backward = false;
  bool packs = false;  // weights
  std::string algorithm;
};

// Brings a weight into the form that kernels read, a part of it: whenever one of its variables has changed.
struct Preparation {
  int node;
  std::function<void(float* scratch)> run;
  int64_t scratch_floats;       // given back right after it
  double position;              // as in Piece
  std::vector<int> parameters;  // that it reads
  int64_t version = -1;         // of these, when it ran last
};

// Where the tasks leave a gradient in every slot.
struct SlotGradient {
  int64_t offset;
  int64_t rows, columns;
  bool transposed;  // it lies as (columns, rows)
};

// What the gradient by a value without a batch axis is the sum of: more than one part where several nodes read it.
struct GradientParts {
  float* whole = nullptr;  // memory that a node overwrites
  std::vector<SlotGradient> slots;
  std::vector<const float*> further;  // memory that other nodes overwrite

  bool empty() const { return !whole && slots.empty(); }
};

// The position of a piece [begin, end) of `all`: its middle. Work of a single piece is then between the halves of all
// others, not with the first pieces of one thread.
inline double middle(int64_t begin, int64_t end, int64_t all) {
  return static_cast<double>(begin + end) / static_cast<double>(2 * all);
}

template <class Positioned>
void sort_by_position(std::vector<Positioned>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Positioned& a, const Positioned& b) { return a.position < b.position; });
}

struct Pass {
  int begin, end;         // tasks
  int64_t block;          // samples
  bool by_slots = false;  // some task is
};

// One of the pieces that some work is cut into: pieces [begin, end) of a task, on the whole chunk or on a group of
// samples. Where several works are dealt out together, their pieces are ordered by `position`, so that a thread gets
// the same part of each: what it reads it has often written.
struct Piece {
  int task;
  int64_t begin, end;
  double position;  // in its work, from 0 to 1
  int64_t group = 0;
};

struct Stage {
  Task::Kind kind;
  int begin, end;               // tasks
  std::vector<Pass> passes;     // of block tasks
  std::vector<Piece> pieces;    // of split tasks, and of those that are cut
  bool repeated = false;        // every thread runs these tasks for itself, in memory of its own
  bool by_caller = false;       // the last one: the calling thread runs these tasks
  bool by_host = false;         // it runs them without a team: they are functions of its own
  bool by_slots = false;        // some block task is
  bool shares_weights = false;  // some pass takes the samples of several slots, for weights that no cache holds
  bool is_cut = false;          // block tasks whose samples are cut, each a pass

  bool is_shared() const { return !repeated && !by_caller && !by_host; }
};

// How samples are cut. None of it depends on the number of threads: that is what keeps results the same bits.
constexpr int64_t kChunkSamples = 128;     // bounds the memory of a training step
constexpr int64_t kBlockFloats = 1 << 17;  // 512 KB: half of a common L2
constexpr int64_t kSamplesPerSlot = 8;
constexpr int64_t kGroup = kSamplesPerSlot;  // samples that a thread takes through a stage at once
constexpr int64_t kWeightUses = 32;          // of weights that L2 does not hold, for each time they are read
constexpr int64_t kFarWeights = 1 << 20;     // floats worth being read for several slots at once
constexpr int64_t kMaxSlots = 16;
constexpr int64_t kSlotMemory = 1 << 25;  // floats of all slots together, where that leaves enough of them
// What a slot must be worth: less is not worth a piece of its own, or is mostly the writing and adding up of gradients.
constexpr double kSlotFlops = 5e7, kFlopsPerSlotFloat = 1600;
constexpr double kFlopsToCut = 2e7;  // of a group of samples that is worth being cut
constexpr int64_t kFewSlots = 8;     // that a small batch has, whatever sharing a pass over weights would save
// What is not worth sharing out where samples are split: the first operations of a network up to so many. About three
// microseconds; to fetch what other cores have made takes as long.
constexpr double kRepeatedFlops = 8e5;
// Floats that an optimizer step takes at once: its five arrays stay in L1 and L2. No transposed row may be longer.
constexpr int64_t kUpdateRange = 8192;

constexpr int kByLoss = -2;

// What memory that lives as long as a program is for.
enum class MemoryKind { kValues, kPackedWeights, kGradients };

// What a program is cut for; its results are the same bits for every cut.
struct Cut {
  bool splits_samples = false;  // every sample's work, one stage a task: for batches smaller than the team
  bool single_sample = false;   // of which a batch never has more
  bool large_tasks = false;     // finer than by slots: for teams larger than the number of those of a small batch

  bool operator<(const Cut& o) const {
    return std::tie(splits_samples, single_sample, large_tasks) <
           std::tie(o.splits_samples, o.single_sample, o.large_tasks);
  }
};

class Program {
 public:
  std::vector<Task> tasks;
  std::vector<Buffer> buffers;
  std::vector<Preparation> preparations;
  int64_t slot_floats = 0;         // gradients of one slot
  int losses = 0, metrics = 0;     // of the objective, that tasks write
  bool writes_parameters = false;  // such as moving statistics
  bool by_slots = false;           // samples are dealt out slot by slot, since gradients or statistics are summed
  bool whole_batch = false;        // some task needs the whole batch in one chunk
  Cut cut;
  std::vector<int> updated_by_tasks;  // parameters that the tasks of their gradients can update
  std::vector<int> done_by;  // of each node: itself, the node it is fused into, kByLoss, or -1 where not needed

  int add_buffer(int64_t floats);
  int add_fixed(float* memory, int64_t floats);
  int add_common(int64_t floats);
  float* add_memory(int64_t floats, MemoryKind kind);  // for as long as the program lives
  int64_t memory_floats(MemoryKind kind) const;

  // After the last task: stages, block size, offsets for chunks of up to `capacity` samples.
  void finish(int64_t capacity);

  const std::vector<Stage>& stages() const { return stages_; }
  int64_t shared_stages(size_t from, size_t to) const;  // of [from, to)
  size_t next_host_stage(size_t from) const;            // the number of stages where there is none
  int64_t slot_count(int64_t samples) const;
  int64_t piece_count(const Stage& stage, int64_t samples, int64_t threads) const;  // of a stage of block tasks
  // How many neighbouring pieces a thread takes through the stage at once.
  int64_t pieces_together(const Stage& stage, int64_t samples, int64_t pieces, int64_t threads) const;
  int64_t group_count(const Task& task, int64_t samples) const;  // of one that is cut
  int64_t capacity() const { return capacity_; }
  int64_t chunk_floats() const { return chunk_floats_; }
  int64_t own_floats() const { return own_floats_; }  // of a thread
  int64_t scratch_floats() const { return scratch_floats_; }
  double flops() const;  // a sample
  std::string text() const;

 private:
  void cut_stages();
  int repeated_tasks() const;
  void size_slots();
  void cut_passes(Stage& stage) const;
  void cut_pieces(Stage& stage) const;
  void cut_large_tasks();
  void cut_groups(Stage& stage) const;
  int64_t natural_block(int begin, int end) const;
  int64_t least_block(const Task& task) const;
  void place_buffers();

  struct Memory {
    MemoryKind kind;
    AlignedFloats floats;
  };
  std::vector<Memory> memory_;
  std::vector<Stage> stages_;
  int64_t capacity_ = 0, chunk_floats_ = 0, own_floats_ = 0, scratch_floats_ = 0;
  int64_t worthwhile_slot_ = 1, efficient_slot_ = 1;  // samples
};

}  // namespace pycnn
