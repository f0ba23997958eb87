#include "engine/runner.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/threads.h"

namespace pycnn {
namespace {

constexpr double kFlopsPerThread = 3e6;     // about ten microseconds of work: less is not worth sharing
constexpr int64_t kLeastScratch = 1 << 19;  // so large that it goes back to the system afterwards
constexpr double kFlopsToWake = 5e7;        // a multiple of what waking a thread takes
constexpr double kFlopsToChoose = 4e8;      // a millisecond or two: longer calls are worth all threads

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
    const GradientParts& parts = gradients[static_cast<size_t>(p)];
    if (parts.empty()) continue;
    const int64_t size = parameters.size(p), range = range_of(parts);
    for (int64_t from = 0; from < size; from += range) {
      const int64_t length = std::min(range, size - from);
      updates.push_back({p, from, length, middle(from, from + length, size)});
    }
  }
  sort_by_position(updates);
  early.assign(static_cast<size_t>(parameters.count()), false);
  for (int p : program.updated_by_tasks) {
    const GradientParts& parts = gradients[static_cast<size_t>(p)];
    early[static_cast<size_t>(p)] = parts.whole && parts.slots.empty() && parts.further.empty();
  }
}

void Plan::find_stale(const Parameters& parameters) {
  stale.clear();
  const int64_t version = parameters.version();
  if (version == prepared_version) return;
  prepared_version = version;
  for (size_t i = 0; i < program.preparations.size(); ++i) {
    Preparation& preparation = program.preparations[i];
    int64_t sum = 0;
    for (int p : preparation.parameters) sum += parameters.variable(p).version();
    if (std::exchange(preparation.version, sum) != sum) stale.push_back(static_cast<int>(i));
  }
}

void Plan::forget_stale() {
  prepared_version = -1;
  for (int i : stale) program.preparations[static_cast<size_t>(i)].version = -1;
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

void Runner::run(const Batch& batch, uint64_t seed, Optimizer* optimizer, Timers* timers) {
  timers_ = timers;
  plan_.find_stale(parameters_);
  try {
    choose_threads_and_run(batch, seed, optimizer);
  } catch (...) {
    plan_.forget_stale();
    throw;
  }
}

void Runner::choose_threads_and_run(const Batch& batch, uint64_t seed, Optimizer* optimizer) {
  const double flops = plan_.program.flops() * static_cast<double>(batch.samples);
  const int most = static_cast<int>(std::clamp<double>(flops / kFlopsPerThread, 1, num_threads()));
  const Wake wake = flops < kFlopsToWake ? Wake::kIfFrequent : Wake::kAlways;
  if (most == 1 || flops >= kFlopsToChoose) return run(batch, seed, optimizer, most, most, wake);

  ThreadChoice& choice = plan_.thread_choices.of({batch.samples, most, !plan_.stale.empty(), optimizer != nullptr});
  thread_choice_ = &choice;
  const auto start = std::chrono::steady_clock::now();
  run(batch, seed, optimizer, choice.threads(), most, wake);
  choice.took(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Runner::run(const Batch& batch, uint64_t seed, Optimizer* optimizer, int threads, int most_threads, Wake wake) {
  const Program& program = plan_.program;
  const int64_t chunks = pieces_of(batch.samples, program.capacity());

  workspace_.losses.resize(static_cast<size_t>(batch.samples * program.losses));
  workspace_.metrics.resize(static_cast<size_t>(batch.samples * program.metrics));
  chunk_memory_ = workspace_.chunk(program.chunk_floats());
  slots_ = program.slot_count(std::min(program.capacity(), batch.samples));
  slot_memory_ = workspace_.slots(program.slot_floats * slots_);
  thread_memory_ = workspace_.threads((program.own_floats() + program.scratch_floats()) * most_threads);
  const std::vector<Stage>& stages = program.stages();
  const auto queues_of = [&](size_t from, size_t to) {
    return (from == 0 && !plan_.stale.empty()) + chunks * program.shared_stages(from, to);
  };
  const int64_t queues = queues_of(0, stages.size()) + plan_.has_gradients;
  WorkQueue* queue = workspace_.queues(queues);
  last_queue_ = queues > 0 ? queue + queues - 1 : nullptr;

  // A host function that throws must find the weights as they were, and a second chunk adds to a gradient.
  const bool at_once = chunks == 1 && program.next_host_stage(0) == stages.size();
  early_optimizer_ = at_once ? optimizer : nullptr;
  if (timers_)
    timers_->begin(threads,
                   program.tasks.size() + program.preparations.size() + static_cast<size_t>(parameters_.count()));
  if (optimizer) {
    for (const UpdateRange& range : plan_.updates) optimizer->state(parameters_.shared(range.parameter));
  }
  std::atomic<bool> failed{false};
  std::exception_ptr exception;
  Run run{&batch, 0, batch.samples, seed, workspace_.losses.data(), workspace_.metrics.data(), &failed, &exception};
  // Host functions run between two teams: the threads are theirs.
  for (size_t from = 0;;) {
    const size_t to = program.next_host_stage(from);
    parallel(threads, wake, [&](const Team& team) { run_on(team, run, from, to, queue, optimizer); });
    if (to == stages.size()) break;
    run_once(Team(0, 1), run, stages[to]);
    if (failed) break;
    queue += queues_of(from, to);
    from = to + 1;
  }
  if (timers_) timers_->end();
  if (exception) std::rethrow_exception(exception);
  if (program.writes_parameters) parameters_.touch();
  else if (optimizer) parameters_.touch_trainable();
}

// The first exception ends the run. Preparations come with less and less scratch memory: what a large one has had is
// given back before packed weights have taken theirs.
void Runner::prepare(const Preparation& preparation, AlignedFloats& scratch, const Run& run) {
  if (run.failed->load()) return;
  try {
    const int64_t wanted = preparation.scratch_floats > 0 ? std::max(preparation.scratch_floats, kLeastScratch) : 0;
    if (scratch.size() < wanted || scratch.size() > 2 * std::max(wanted, kLeastScratch)) {
      scratch = AlignedFloats();
      scratch = AlignedFloats(wanted);
    }
    preparation.run(scratch.data());
  } catch (...) {
    if (!run.failed->exchange(true)) *run.exception = std::current_exception();
  }
}

// Stages [from, to); before the first one preparations, after the last one updates.
void Runner::run_on(const Team& team, Run run, size_t from, size_t to, WorkQueue* queue, const Optimizer* optimizer) {
  const Program& program = plan_.program;
  const Batch& batch = *run.batch;
  if (from == 0 && !plan_.stale.empty()) {
    AlignedFloats scratch;
    share(team, *queue++, static_cast<int64_t>(plan_.stale.size()), [&](int64_t i) {
      const size_t index = static_cast<size_t>(plan_.stale[static_cast<size_t>(i)]);
      timed(team, program.tasks.size() + index, [&] { prepare(program.preparations[index], scratch, run); });
    });
    if (run.failed->load()) return;
  }
  for (; run.begin < batch.samples; run.begin += program.capacity()) {
    run.samples = std::min(program.capacity(), batch.samples - run.begin);
    if (program.cut.splits_samples) run_split_samples(team, run, from, to, queue);
    else run_stages(team, run, from, to, queue);
  }
  if (to < program.stages().size() || !plan_.has_gradients) return;
  const GradientSum sum(plan_.kernels->elementwise, slot_memory_, program.slot_floats, slots_);
  const size_t parameters = program.tasks.size() + program.preparations.size();
  share(team, *queue, static_cast<int64_t>(plan_.updates.size()), [&](int64_t i) {
    const UpdateRange& range = plan_.updates[static_cast<size_t>(i)];
    if (takes(range.parameter)) return;
    timed(team, parameters + static_cast<size_t>(range.parameter), [&] {
      sum(parameters_.gradient(range.parameter) + range.begin, plan_.gradients[static_cast<size_t>(range.parameter)],
          range.begin, range.size);
      if (optimizer) this->update(range, *optimizer);
    });
  });
}

void Runner::apply(Optimizer& optimizer) {
  for (const UpdateRange& range : plan_.updates) optimizer.state(parameters_.shared(range.parameter));
  const int64_t ranges = static_cast<int64_t>(plan_.updates.size());
  WorkQueue* queue = workspace_.queues(1);
  parallel(static_cast<int>(std::min<int64_t>(num_threads(), ranges)), Wake::kIfFrequent, [&](const Team& team) {
    queue->share_last(team, ranges, [&](int64_t i) { update(plan_.updates[static_cast<size_t>(i)], optimizer); });
  });
  parameters_.touch_trainable();
}

void Runner::update(const UpdateRange& range, const Optimizer& optimizer) {
  if (!parameters_.trainable(range.parameter)) return;
  optimizer.update(*plan_.kernels, parameters_.variable(range.parameter), range.begin,
                   parameters_.gradient(range.parameter) + range.begin, range.size);
}

bool Runner::takes(int parameter) const { return early_optimizer_ && plan_.early[static_cast<size_t>(parameter)]; }

void Runner::update(int parameter, int64_t begin, const float* gradient, int64_t floats) const {
  for (int64_t from = 0; from < floats; from += kUpdateRange)
    early_optimizer_->update(*plan_.kernels, parameters_.variable(parameter), begin + from, gradient + from,
                             std::min(kUpdateRange, floats - from));
}

void Runner::run_once(const Team& team, const Run& run, const Stage& stage) {
  Work w = work(team, run);
  w.end = 1;
  w.slot_memory = slot_memory_;
  for (int t = stage.begin; t < stage.end && !run.failed->load(); ++t) {
    w.piece_end = plan_.program.tasks[static_cast<size_t>(t)].pieces;
    run_task(team, t, w);
  }
}

void Runner::run_stages(const Team& team, const Run& run, size_t from, size_t to, WorkQueue*& queue) {
  // To and fro: a stage begins with the samples that the one before it has left in the cache.
  bool backwards = false;
  for (size_t s = from; s < to; ++s) {
    const Stage& stage = plan_.program.stages()[s];
    if (stage.kind == Task::kSplit) {
      run_split_stage(team, run, stage, *queue++);
    } else if (stage.kind == Task::kOnce) {
      share(team, *queue++, 1, [&](int64_t) { run_once(team, run, stage); });
    } else {
      if (stage.is_cut) run_cut_stage(team, run, stage, *queue++);
      else run_block_stage(team, run, stage, *queue++, backwards);
      backwards = !backwards;
    }
  }
}

Work Runner::work(const Team& team, const Run& run) {
  const Program& program = plan_.program;
  float* own = thread_memory_ + team.rank() * (program.own_floats() + program.scratch_floats());
  Work w{run, program.buffers, chunk_memory_, own, own + program.own_floats()};
  w.updater = this;
  return w;
}

void Runner::take_slot(Work& w, int64_t slot) const {
  w.slot = slot;
  w.slot_memory = slot_memory_ + slot * plan_.program.slot_floats;
}

void Runner::run_block_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue, bool backwards) {
  const Program& program = plan_.program;
  const int64_t pieces = program.piece_count(stage, run.samples, team.size());
  const int64_t together = program.pieces_together(stage, run.samples, pieces, team.size());
  const auto first_sample = [&](int64_t piece) { return piece * run.samples / pieces; };
  Work w = work(team, run);
  const auto run_piece = [&](int64_t piece) {
    const int64_t begin = first_sample(piece), end = first_sample(piece + 1);
    if (stage.by_slots) take_slot(w, piece);
    for (w.group_begin = begin; w.group_begin < end; w.group_begin += kGroup)
      for (const Pass& pass : stage.passes)
        run_pass(team, w, pass, begin, w.group_begin, std::min(end, w.group_begin + kGroup));
  };
  if (together == 1) return share(team, queue, pieces, run_piece, backwards);
  const auto run_pieces = [&](int64_t i) {
    const int64_t first = i * together, last = std::min(pieces, first + together);
    w.group_begin = first_sample(first);
    for (const Pass& pass : stage.passes) {
      if (!pass.by_slots) run_pass(team, w, pass, w.group_begin, w.group_begin, first_sample(last));
      for (int64_t piece = first; pass.by_slots && piece < last; ++piece) {
        take_slot(w, piece);
        run_pass(team, w, pass, first_sample(piece), first_sample(piece), first_sample(piece + 1));
      }
    }
  };
  share(team, queue, pieces_of(pieces, together), run_pieces, backwards);
}

void Runner::run_cut_stage(const Team& team, const Run& run, const Stage& stage, WorkQueue& queue) {
  const Program& program = plan_.program;
  Work w = work(team, run);
  share(team, queue, static_cast<int64_t>(stage.pieces.size()), [&](int64_t i) {
    const Piece& piece = stage.pieces[static_cast<size_t>(i)];
    const Task& task = program.tasks[static_cast<size_t>(piece.task)];
    const int64_t groups = program.group_count(task, run.samples);
    if (piece.group >= groups) return;
    const int64_t begin = piece.group * run.samples / groups, end = (piece.group + 1) * run.samples / groups;
    const int64_t block = stage.passes[static_cast<size_t>(piece.task - stage.begin)].block;
    if (task.by_slots) take_slot(w, piece.group);
    w.piece_begin = piece.begin;
    w.piece_end = piece.end;
    for (w.begin = begin; w.begin < end; w.begin = w.end) {
      w.end = std::min(end, w.begin + block);
      w.accumulate = run.begin > 0 || w.begin > begin;
      run_task(team, piece.task, w);
    }
  });
}

// Blocks of the samples [from, end), in a piece of work that begins at `begin`.
void Runner::run_pass(const Team& team, Work& w, const Pass& pass, int64_t begin, int64_t from, int64_t end) {
  for (w.begin = from; w.begin < end; w.begin = w.end) {
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
    w.piece_begin = piece.begin;
    w.piece_end = piece.end;
    run_task(team, piece.task, w);
  });
}

// A stage is one task whose pieces are dealt out evenly, since there are too few samples to deal out; or some tasks of
// one piece.
void Runner::run_split_samples(const Team& team, const Run& run, size_t from, size_t to, WorkQueue*& queue) {
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
  for (size_t s = from; s < to; ++s) {
    const Stage& stage = plan_.program.stages()[s];
    if (stage.repeated) {
      repeated = &stage;
      continue;
    }
    const auto run_repeated = [&] {
      if (repeated) run_tasks(*std::exchange(repeated, nullptr), 0, 1);
    };
    const bool once = stage.kind == Task::kOnce;
    const int64_t pieces = once ? 1 : plan_.program.tasks[static_cast<size_t>(stage.begin)].pieces;
    const int64_t shares = std::min<int64_t>(team.size(), pieces);
    const auto run_share = [&](int64_t share) {
      run_repeated();
      if (once) run_once(team, run, stage);
      else run_tasks(stage, share * pieces / shares, (share + 1) * pieces / shares);
    };
    if (!stage.by_caller) this->share(team, *queue++, shares, run_share);
    else if (team.rank() == 0) run_share(0);
  }
}

}  // namespace pycnn
