#include "engine/runner.h"

#include <algorithm>
#include <utility>

#include "runtime/threads.h"

namespace pycnn {
namespace {

constexpr double kFlopsPerThread = 3e6;  // about ten microseconds of work: less is not worth sharing
constexpr double kFlopsToWake = 5e7;     // a multiple of what waking a thread takes

int64_t pieces_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

}  // namespace

float* Workspace::grown(AlignedFloats& memory, int64_t floats) {
  if (memory.size() < floats) {
    memory = AlignedFloats();  // give the old one back first
    memory = AlignedFloats(floats);
  }
  return memory.data();
}

WorkQueue* Workspace::queues(int64_t count) {
  if (count > queue_count_) {
    queues_ = std::make_unique<WorkQueue[]>(static_cast<size_t>(count));
    queue_count_ = count;
  } else {
    std::for_each_n(queues_.get(), count, [](WorkQueue& queue) { queue.reset(); });
  }
  return queues_.get();
}

void Plan::cut_updates(const Parameters& parameters) {
  for (int p = 0; p < parameters.count(); ++p) {
    const int64_t size = parameters.size(p), columns = parameters.description(p).dims.back();
    bool transposed = false;
    for (const SlotGradient& slot : gradients[static_cast<size_t>(p)].slots) transposed |= slot.transposed;
    // Whole rows, so that a range of a transposed gradient is a block of it.
    const int64_t range = transposed ? std::max<int64_t>(kUpdateRange / columns, 1) * columns : kUpdateRange;
    for (int64_t from = 0; from < size; from += range) {
      const int64_t length = std::min(range, size - from);
      updates.push_back({p, from, length, middle(from, from + length, size)});
    }
  }
  sort_by_place(updates);
}

// Items of the timers: tasks, preparations, parameters.
template <class Body>
void Runner::timed(const Team& team, size_t item, const Body& body) {
  if (!timers_) return body();
  const auto start = Timers::Clock::now();
  body();
  timers_->add(team.rank(), item, Timers::Clock::now() - start);
}

template <class Body>
void Runner::share(const Team& team, WorkQueue& queue, int64_t n, const Body& body, bool backwards) {
  if (&queue == last_queue_) queue.share_last(team, n, body);
  else queue.share(team, n, body, backwards);
}

void Runner::run_task(const Team& team, int index, const Work& w) {
  const Task& task = plan_.program.tasks[static_cast<size_t>(index)];
  timed(team, static_cast<size_t>(index), [&] { task.run(w); });
}

void Runner::run(const Batch& batch, uint64_t seed, bool update, Optimizer* optimizer, Timers* timers) {
  const Program& program = plan_.program;
  training_ = update;
  timers_ = timers;
  const int64_t chunks = pieces_of(batch.samples, program.capacity());
  const double flops = program.flops() * static_cast<double>(batch.samples);
  const int threads = static_cast<int>(std::clamp<double>(flops / kFlopsPerThread, 1, num_threads()));

  workspace_.loss.resize(static_cast<size_t>(batch.samples));
  workspace_.correct.resize(static_cast<size_t>(batch.samples));
  chunk_memory_ = workspace_.chunk(program.chunk_floats());
  slot_memory_ = workspace_.slots(program.slot_floats * slot_count(std::min(program.capacity(), batch.samples)));
  thread_memory_ = workspace_.threads((program.own_floats() + program.scratch_floats()) * threads);
  const bool prepares = plan_.prepared_version != parameters_.version();
  const int64_t queues = prepares + chunks * program.shared_stages() + update;
  queues_ = workspace_.queues(queues);
  last_queue_ = queues > 0 ? queues_ + queues - 1 : nullptr;

  if (timers)
    timers->begin(threads,
                  program.tasks.size() + program.preparations.size() + static_cast<size_t>(parameters_.count()));
  const bool updates_weights = update && optimizer && optimizer->spec().kind != OptimizerKind::kNone;
  parallel(threads, flops < kFlopsToWake ? Wake::kIfFrequent : Wake::kAlways,
           [&](const Team& team) { run_on(team, batch, seed, update, updates_weights ? optimizer : nullptr); });
  if (timers) timers->end();
  plan_.prepared_version = parameters_.version();
  if (update) parameters_.touch();  // also the moving statistics
}

void Runner::run_on(const Team& team, const Batch& batch, uint64_t seed, bool update, const Optimizer* optimizer) {
  const Program& program = plan_.program;
  WorkQueue* queue = queues_;
  if (plan_.prepared_version != parameters_.version()) {
    share(team, *queue++, static_cast<int64_t>(program.preparations.size()), [&](int64_t i) {
      const size_t index = static_cast<size_t>(i);
      timed(team, program.tasks.size() + index, program.preparations[index].run);
    });
  }
  for (int64_t begin = 0; begin < batch.samples; begin += program.capacity()) {
    const int64_t samples = std::min(program.capacity(), batch.samples - begin);
    const Run run{&batch, begin, samples, seed, workspace_.loss.data(), workspace_.correct.data()};
    if (program.split_samples) return run_split_samples(team, run, queue);
    // To and fro: a stage begins with the samples that the one before it has left in the cache.
    bool backwards = false;
    for (const Stage& stage : program.stages()) {
      if (stage.kind == Task::kSplit) {
        run_split_stage(team, run, stage, *queue++);
        continue;
      }
      run_block_stage(team, run, stage, *queue++, backwards);
      backwards = !backwards;
    }
  }
  if (!update) return;
  const int64_t used = slot_count(std::min(program.capacity(), batch.samples));
  const size_t parameters = program.tasks.size() + program.preparations.size();
  share(team, *queue, static_cast<int64_t>(plan_.updates.size()), [&](int64_t i) {
    const UpdateRange& range = plan_.updates[static_cast<size_t>(i)];
    timed(team, parameters + static_cast<size_t>(range.parameter), [&] { this->update(range, used, optimizer); });
  });
}

Work Runner::work(const Team& team, const Run& run) {
  const Program& program = plan_.program;
  float* own = thread_memory_ + team.rank() * (program.own_floats() + program.scratch_floats());
  return Work{run, program.buffers, chunk_memory_, own, own + program.own_floats()};
}

// In training a slot is a piece of work, since one thread must sum its gradients in order; otherwise any cut will do.
int64_t Runner::piece_count(int64_t samples, int64_t threads) const {
  if (training_) return slot_count(samples);
  return std::min(samples, pieces_of(pieces_of(samples, kSamplesPerSlot), threads) * threads);
}

void Runner::run_block_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue, bool backwards) {
  const Program& program = plan_.program;
  const int64_t pieces = piece_count(run.samples, team.size());
  Work w = work(team, run);
  const auto run_piece = [&](int64_t piece) {
    const int64_t begin = piece * run.samples / pieces, end = (piece + 1) * run.samples / pieces;
    w.slot = piece;
    w.slot_memory = slot_memory_ + piece * program.slot_floats;
    for (w.group_begin = begin; w.group_begin < end; w.group_begin += kGroup)
      for (const Pass& pass : stage.passes) run_pass(team, w, pass, begin, std::min(end, w.group_begin + kGroup));
  };
  share(team, queue, pieces, run_piece, backwards);
}

// Blocks of the group that ends at `end`, in a piece of work that begins at `begin`.
void Runner::run_pass(const Team& team, Work& w, const Pass& pass, int64_t begin, int64_t end) {
  for (w.begin = w.group_begin; w.begin < end; w.begin = w.end) {
    w.end = std::min(end, w.begin + pass.block);
    w.block_begin = w.begin;
    w.accumulate = w.run.begin > 0 || w.begin > begin;
    for (int t = pass.begin; t < pass.end; ++t) {
      w.piece_begin = 0;
      w.piece_end = plan_.program.tasks[static_cast<size_t>(t)].pieces;
      run_task(team, t, w);
    }
  }
}

void Runner::run_split_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue) {
  Work w = work(team, run);
  w.begin = 0;
  w.end = run.samples;
  share(team, queue, static_cast<int64_t>(stage.pieces.size()), [&](int64_t i) {
    const Piece& piece = stage.pieces[static_cast<size_t>(i)];
    w.piece_begin = piece.index;
    w.piece_end = piece.index + 1;
    run_task(team, piece.task, w);
  });
}

// A stage is one task whose pieces are dealt out evenly, since there are too few samples to deal out; or some tasks of
// one piece.
void Runner::run_split_samples(const Team& team, const Run& run, WorkQueue* queue) {
  Work w = work(team, run);
  w.begin = 0;
  w.end = run.samples;
  const auto run_tasks = [&](const Stage& stage, int64_t begin, int64_t end) {
    w.piece_begin = begin;
    w.piece_end = end;
    for (int t = stage.begin; t < stage.end; ++t) {
      if (stage.repeated) w.piece_end = plan_.program.tasks[static_cast<size_t>(t)].pieces;
      run_task(team, t, w);
    }
  };
  const Stage* repeated = nullptr;  // what this thread has to do before it takes a piece, if it ever gets one
  for (const Stage& stage : plan_.program.stages()) {
    if (stage.repeated) {
      repeated = &stage;
      continue;
    }
    const int64_t pieces = plan_.program.tasks[static_cast<size_t>(stage.begin)].pieces;
    const int64_t shares = std::min<int64_t>(team.size(), pieces);
    const auto run_share = [&](int64_t share) {
      if (repeated) run_tasks(*std::exchange(repeated, nullptr), 0, 1);
      run_tasks(stage, share * pieces / shares, (share + 1) * pieces / shares);
    };
    if (!stage.alone) this->share(team, *queue++, shares, run_share);
    else if (team.rank() == 0) run_share(0);
  }
}

// g = the sum over slots of the gradient's range, as the parameter lies.
void Runner::sum_slots(float* g, const UpdateRange& range, const SlotGradient& slot, int64_t used_slots) const {
  const ElementwiseKernels& k = plan_.kernels->elementwise;
  const float* slots = slot_memory_ + slot.offset;
  const int64_t stride = plan_.program.slot_floats;
  if (!slot.transposed) return k.sum_slots(g, slots + range.begin, stride, used_slots, range.size);
  const int64_t columns = parameters_.description(range.parameter).dims.back();
  const int64_t rows = parameters_.size(range.parameter) / columns;
  const int64_t first = range.begin / columns, count = range.size / columns;
  float sum[kUpdateRange];
  for (int64_t c = 0; c < columns; ++c)
    k.sum_slots(sum + c * count, slots + c * rows + first, stride, used_slots, count);
  k.transpose(g, columns, sum, count, columns, count);
}

// g = the sum over all parts of the gradient's range.
void Runner::sum_parts(float* g, const UpdateRange& range, int64_t used_slots) const {
  const GradientParts& parts = plan_.gradients[static_cast<size_t>(range.parameter)];
  const auto add = plan_.kernels->elementwise.add;
  bool filled = parts.whole;
  for (const SlotGradient& slot : parts.slots) {
    float sum[kUpdateRange];
    sum_slots(filled ? sum : g, range, slot, used_slots);
    if (filled) add(g, g, sum, range.size);
    filled = true;
  }
  for (const AlignedFloats& further : parts.further) add(g, g, further.data() + range.begin, range.size);
}

void Runner::update(const UpdateRange& range, int64_t used_slots, const Optimizer* optimizer) {
  float* g = parameters_.gradient(range.parameter) + range.begin;
  sum_parts(g, range, used_slots);
  if (!optimizer || !parameters_.trainable(range.parameter)) return;
  optimizer->update(*plan_.kernels, parameters_.weights(range.parameter) + range.begin, g,
                    parameters_.offset(range.parameter) + range.begin, range.size);
}

}  // namespace pycnn
