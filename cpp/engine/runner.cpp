#include "engine/runner.h"

#include <algorithm>

namespace pycnn {
namespace {

// Less work than this (some tens of microseconds) is not worth another thread: waking it where it sleeps takes as long,
// and on a virtual machine longer.
constexpr double kFlopsPerThread = 8e6;

int64_t pieces_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

}  // namespace

float* Workspace::grown(AlignedFloats& memory, int64_t floats) {
  if (memory.size() < floats) {
    memory = AlignedFloats();  // give the old one back first
    memory = AlignedFloats(floats);
  }
  return memory.data();
}

void Runner::run(const Batch& batch, uint64_t seed, bool update, Optimizer* optimizer) {
  const Program& program = plan_.program;
  const int64_t chunks = pieces_of(batch.samples, program.capacity());
  const double flops = program.flops() * static_cast<double>(batch.samples);
  const int threads = static_cast<int>(std::clamp<double>(flops / kFlopsPerThread, 1, num_threads()));

  workspace_.loss.resize(static_cast<size_t>(batch.samples));
  workspace_.correct.resize(static_cast<size_t>(batch.samples));
  chunk_memory_ = workspace_.chunk(program.chunk_floats());
  slot_memory_ = workspace_.slots(program.slot_floats * kMaxSlots);
  thread_memory_ = workspace_.threads((program.block_floats() + program.scratch_floats()) * threads);
  counters_ = std::make_unique<std::atomic<int64_t>[]>(static_cast<size_t>(chunks) * program.stages().size() + 2);

  const bool updates_weights = update && optimizer && optimizer->spec().kind != OptimizerKind::kNone;
  parallel(threads,
           [&](const Team& team) { run_on(team, batch, seed, update, updates_weights ? optimizer : nullptr); });
  if (update) parameters_.touch();  // also the moving statistics
}

void Runner::run_on(const Team& team, const Batch& batch, uint64_t seed, bool update, const Optimizer* optimizer) {
  const Program& program = plan_.program;
  const int64_t stages = static_cast<int64_t>(program.stages().size());
  const int64_t chunks = pieces_of(batch.samples, program.capacity());
  if (plan_.prepared_version != parameters_.version()) {
    std::atomic<int64_t>& next = counters_[static_cast<size_t>(chunks * stages)];
    std::vector<std::pair<const Preparation*, int64_t>> all;
    for (const Preparation& p : program.preparations)
      for (int64_t piece = 0; piece < p.pieces; ++piece) all.emplace_back(&p, piece);
    for (int64_t i; (i = next.fetch_add(1)) < static_cast<int64_t>(all.size());)
      all[static_cast<size_t>(i)].first->run(all[static_cast<size_t>(i)].second);
    team.barrier();
    if (team.rank() == 0) plan_.prepared_version = parameters_.version();
  }
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t begin = chunk * program.capacity();
    const Run run{&batch,
                  begin,
                  std::min(program.capacity(), batch.samples - begin),
                  seed,
                  workspace_.loss.data(),
                  workspace_.correct.data()};
    run_chunk(team, run, chunk);
  }
  if (update) {
    const int64_t used = slot_count(std::min(program.capacity(), batch.samples));
    update_parameters(used, optimizer, counters_[static_cast<size_t>(chunks * stages + 1)]);
  }
}

void Runner::run_chunk(const Team& team, const Run& run, int64_t chunk) {
  const auto& stages = plan_.program.stages();
  for (size_t s = 0; s < stages.size(); ++s) {
    std::atomic<int64_t>& next = counters_[static_cast<size_t>(chunk) * stages.size() + s];
    if (stages[s].kind == Task::kSplit) run_split_stage(team, run, stages[s], next);
    else if (plan_.program.split_samples) run_split_samples(team, run, stages[s]);
    else run_block_stage(team, run, stages[s], next);
    team.barrier();
  }
}

Work Runner::work(const Team& team, const Run& run) {
  const Program& program = plan_.program;
  float* own = thread_memory_ + team.rank() * (program.block_floats() + program.scratch_floats());
  return Work{run, program.buffers, chunk_memory_, own, own + program.block_floats(), nullptr, 0, 0, 0, 0, 0};
}

// In training a slot is a piece of work, since one thread must sum its gradients in order; otherwise a block is.
int64_t Runner::slot_count(int64_t samples) const {
  return std::clamp(pieces_of(samples, kSamplesPerSlot), int64_t{1}, kMaxSlots);
}

void Runner::run_block_stage(const Team& team, const Run& run, const Stage& stage, std::atomic<int64_t>& next) {
  const Program& program = plan_.program;
  const int64_t slots = slot_count(run.samples);
  Work w = work(team, run);
  for (int64_t slot; (slot = next.fetch_add(1)) < slots;) {
    const int64_t begin = slot * run.samples / slots, end = (slot + 1) * run.samples / slots;
    w.slot = slot;
    w.slot_memory = slot_memory_ + slot * program.slot_floats;
    for (w.begin = begin; w.begin < end; w.begin = w.end) {
      w.end = std::min(end, w.begin + program.block());
      w.block_begin = w.begin;
      w.accumulate = run.begin > 0 || w.begin > begin;
      for (int t = stage.begin; t < stage.end; ++t) {
        const Task& task = program.tasks[static_cast<size_t>(t)];
        w.piece_begin = 0;
        w.piece_end = task.pieces;
        task.run(w);
      }
    }
  }
}

void Runner::run_split_stage(const Team& team, const Run& run, const Stage& stage, std::atomic<int64_t>& next) {
  Work w = work(team, run);
  w.begin = 0;
  w.end = run.samples;
  int64_t total = 0;
  for (int t = stage.begin; t < stage.end; ++t) total += plan_.program.tasks[static_cast<size_t>(t)].pieces;
  for (int64_t piece; (piece = next.fetch_add(1)) < total;) {
    int t = stage.begin;
    while (piece >= plan_.program.tasks[static_cast<size_t>(t)].pieces)
      piece -= plan_.program.tasks[static_cast<size_t>(t++)].pieces;
    w.piece_begin = piece;
    w.piece_end = piece + 1;
    plan_.program.tasks[static_cast<size_t>(t)].run(w);
  }
}

// One task, its pieces dealt out evenly: there are too few samples to deal out. Or some tasks of one piece.
void Runner::run_split_samples(const Team& team, const Run& run, const Stage& stage) {
  const Program& program = plan_.program;
  const int64_t pieces = program.tasks[static_cast<size_t>(stage.begin)].pieces;
  const int64_t shares = std::min<int64_t>(team.size(), pieces);
  if (team.rank() >= shares) return;
  Work w = work(team, run);
  w.begin = 0;
  w.end = run.samples;
  w.piece_begin = team.rank() * pieces / shares;
  w.piece_end = (team.rank() + 1) * pieces / shares;
  for (int t = stage.begin; t < stage.end; ++t) program.tasks[static_cast<size_t>(t)].run(w);
}

// g = the sum over slots of the gradient's floats [begin, begin + n), as the parameter lies.
void Runner::sum_slots(float* g, const SlotGradient& slot, int parameter, int64_t begin, int64_t n,
                       int64_t used_slots) const {
  const ElementwiseKernels& k = plan_.kernels->elementwise;
  const float* slots = slot_memory_ + slot.offset;
  const int64_t stride = plan_.program.slot_floats;
  if (!slot.transposed) return k.sum_slots(g, slots + begin, stride, used_slots, n);
  const int64_t columns = parameters_.description(parameter).dims.back();
  const int64_t rows = parameters_.size(parameter) / columns, first = begin / columns, count = n / columns;
  float sum[kUpdateRange];
  for (int64_t c = 0; c < columns; ++c)
    k.sum_slots(sum + c * count, slots + c * rows + first, stride, used_slots, count);
  k.transpose(g, columns, sum, count, columns, count);
}

// The same over all parts of a parameter's gradient.
void Runner::sum_parts(float* g, int parameter, int64_t begin, int64_t n, int64_t used_slots) const {
  const GradientParts& parts = plan_.gradients[static_cast<size_t>(parameter)];
  const auto add = plan_.kernels->elementwise.add;
  bool filled = parts.whole;
  for (const SlotGradient& slot : parts.slots) {
    float sum[kUpdateRange];
    sum_slots(filled ? sum : g, slot, parameter, begin, n, used_slots);
    if (filled) add(g, g, sum, n);
    filled = true;
  }
  for (const AlignedFloats& further : parts.further) add(g, g, further.data() + begin, n);
}

void Runner::update_parameters(int64_t used_slots, const Optimizer* optimizer, std::atomic<int64_t>& next) {
  int64_t piece = 0, mine = next.fetch_add(1);
  for (int p = 0; p < parameters_.count(); ++p) {
    const int64_t size = parameters_.size(p), columns = parameters_.description(p).dims.back();
    bool transposed = false;
    for (const SlotGradient& slot : plan_.gradients[static_cast<size_t>(p)].slots) transposed |= slot.transposed;
    // Whole rows, so that a range of a transposed gradient is a block of it.
    const int64_t range = transposed ? std::max<int64_t>(kUpdateRange / columns, 1) * columns : kUpdateRange;
    for (int64_t from = 0; from < size; from += range, ++piece) {
      if (piece != mine) continue;
      mine = next.fetch_add(1);
      const int64_t n = std::min(range, size - from);
      float* g = parameters_.gradient(p) + from;
      sum_parts(g, p, from, n, used_slots);
      if (optimizer && parameters_.trainable(p))
        optimizer->update(*plan_.kernels, parameters_.weights(p) + from, g, parameters_.offset(p) + from, n);
    }
  }
}

}  // namespace pycnn
