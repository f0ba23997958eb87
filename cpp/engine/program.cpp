#include "engine/program.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

namespace pycnn {
namespace {

// Gives overlapping lifetimes disjoint ranges: largest first, each at the lowest offset that is free.
struct Placed {
  int64_t begin, end;
  int from, to;
};

int64_t find_offset(std::vector<Placed>& placed, int64_t size, int from, int to) {
  int64_t offset = 0;
  std::vector<const Placed*> rivals;
  for (const Placed& p : placed)
    if (p.from <= to && from <= p.to) rivals.push_back(&p);
  std::sort(rivals.begin(), rivals.end(), [](const Placed* a, const Placed* b) { return a->begin < b->begin; });
  for (const Placed* p : rivals)
    if (p->begin < offset + size) offset = std::max(offset, p->end);
  placed.push_back({offset, offset + size, from, to});
  return offset;
}

int64_t extent(const std::vector<Placed>& placed) {
  int64_t end = 0;
  for (const Placed& p : placed) end = std::max(end, p.end);
  return end;
}

}  // namespace

int Program::add_buffer(int64_t floats) {
  buffers.push_back({floats, align_floats(floats)});
  return static_cast<int>(buffers.size()) - 1;
}

int Program::add_common(int64_t floats) {
  const int buffer = add_buffer(floats);
  buffers.back().stride = 0;
  buffers.back().common = true;
  return buffer;
}

int Program::add_fixed(float* memory, int64_t floats) {
  const int buffer = add_buffer(floats);
  Buffer& b = buffers.back();
  b.home = Buffer::kFixed;
  b.stride = 0;
  b.fixed = memory;
  return buffer;
}

float* Program::add_memory(int64_t floats, MemoryKind kind) {
  memory_.push_back({kind, AlignedFloats(floats)});
  return memory_.back().floats.data();
}

int64_t Program::memory_floats(MemoryKind kind) const {
  int64_t sum = 0;
  for (const Memory& memory : memory_) sum += memory.kind == kind ? memory.floats.size() : 0;
  return sum;
}

double Program::flops() const {
  double sum = 0;
  for (const Task& task : tasks) sum += task.flops;
  return sum;
}

int64_t Program::shared_stages(size_t from, size_t to) const {
  return std::count_if(stages_.begin() + static_cast<std::ptrdiff_t>(from),
                       stages_.begin() + static_cast<std::ptrdiff_t>(to), [](const Stage& s) { return s.is_shared(); });
}

size_t Program::next_host_stage(size_t from) const {
  while (from < stages_.size() && !stages_[from].by_host) ++from;
  return from;
}

void Program::size_slots() {
  const auto samples = [](double wanted) {
    return std::clamp(static_cast<int64_t>(std::ceil(wanted)), int64_t{1}, kSamplesPerSlot);
  };
  const double each = std::max(flops(), 1.0);
  worthwhile_slot_ = samples(kSlotFlops / each);
  efficient_slot_ = samples(kFlopsPerSlotFloat * static_cast<double>(slot_floats) / each);
  for (const Task& task : tasks)
    if (task.kind == Task::kBlock) efficient_slot_ = std::max(efficient_slot_, least_block(task));
}

// Enough to give work to many threads, of as many samples as make good use of one.
int64_t Program::slot_count(int64_t samples) const {
  const int64_t few = std::max(samples / kFewSlots, int64_t{1});
  const int64_t each = std::max(worthwhile_slot_, std::min(efficient_slot_, few));
  const auto slots_of = [&](int64_t size) { return std::clamp((samples + size - 1) / size, int64_t{1}, kMaxSlots); };
  const int64_t affordable = kSlotMemory / std::max(slot_floats, int64_t{1});
  return std::clamp(affordable, std::min(slots_of(kSamplesPerSlot), slots_of(each)), slots_of(each));
}

// Where gradients are summed a slot is a piece of work, since one thread must do it in order; otherwise any cut will
// do.
int64_t Program::piece_count(const Stage& stage, int64_t samples, int64_t threads) const {
  if (by_slots && (stage.by_slots || !cut.large_tasks)) return slot_count(samples);
  if (cut.large_tasks) return std::min(samples, std::max(2 * kMaxSlots, threads));
  const int64_t groups = (samples + kSamplesPerSlot - 1) / kSamplesPerSlot;
  return std::min(samples, (groups + threads - 1) / threads * threads);
}

// A small batch has slots of few samples. Weights that would be read anew for each of them are read for as many as
// leave every thread its share.
int64_t Program::pieces_together(const Stage& stage, int64_t samples, int64_t pieces, int64_t threads) const {
  return stage.shares_weights
             ? std::clamp(kGroup * pieces / samples, int64_t{1}, std::max(pieces / threads, int64_t{1}))
             : 1;
}

void Program::finish(int64_t capacity) {
  capacity_ = capacity;
  sort_by_position(preparations);
  // Those that need memory for themselves begin, the most first: packed weights have taken little yet.
  std::stable_sort(preparations.begin(), preparations.end(),
                   [](const Preparation& a, const Preparation& b) { return a.scratch_floats > b.scratch_floats; });
  size_slots();
  cut_stages();
  place_buffers();
  scratch_floats_ = 0;
  for (const Task& task : tasks) scratch_floats_ = std::max(scratch_floats_, align_floats(task.scratch_floats));
}

// How many tasks at the beginning every thread runs for itself. What some of them and later ones write has no place in
// memory of its own.
int Program::repeated_tasks() const {
  double flops = 0;
  int count = 0;
  for (const Task& task : tasks) {
    flops += task.flops;
    bool in_parts = false;
    for (int b : task.buffers) {
      const Buffer& buffer = buffers[static_cast<size_t>(b)];
      flops += static_cast<double>(buffer.floats);
      in_parts = in_parts || buffer.in_parts;
    }
    if (flops * static_cast<double>(capacity_) > kRepeatedFlops || task.kind != Task::kBlock || task.writes_result ||
        in_parts)
      break;
    ++count;
  }
  return count;
}

void Program::cut_stages() {
  stages_.clear();
  int first = 0;
  const bool has_host = std::any_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.by_host; });
  if (cut.splits_samples && !has_host && (first = repeated_tasks()) > 0) {
    stages_.push_back({Task::kBlock, 0, first, {}, {}});
    stages_.back().repeated = true;
  }
  for (int i = first; i < static_cast<int>(tasks.size()); ++i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    const bool same_kind = !stages_.empty() && stages_.back().kind == task.kind;
    bool joins = same_kind && (task.kind == Task::kBlock || task.with_previous);
    if (task.kind == Task::kOnce) {
      joins = same_kind && i > first && task.by_host == tasks[static_cast<size_t>(i) - 1].by_host;
    } else if (cut.splits_samples && joins) {  // only what one thread does alone, one after the other
      const Task& previous = tasks[static_cast<size_t>(i) - 1];
      joins = i > first && task.kind == Task::kBlock && task.pieces == 1 && previous.pieces == 1;
    }
    if (joins) stages_.back().end = i + 1;
    else stages_.push_back({task.kind, i, i + 1, {}, {}});
  }
  for (Stage& stage : stages_) {
    if (stage.kind == Task::kBlock) cut_passes(stage);
    if (stage.kind == Task::kSplit) cut_pieces(stage);
    stage.by_host = tasks[static_cast<size_t>(stage.begin)].by_host;
  }
  if (cut.large_tasks && by_slots && slot_count(capacity_) < kMaxSlots) cut_large_tasks();
  const auto any_by_slots = [&](const auto& part) {
    return std::any_of(tasks.begin() + part.begin, tasks.begin() + part.end,
                       [](const Task& task) { return task.by_slots; });
  };
  for (Stage& stage : stages_) {
    stage.by_slots = any_by_slots(stage);
    for (Pass& pass : stage.passes) {
      pass.by_slots = any_by_slots(pass);
      const auto is_far = [&](const Task& task) { return task.weights >= kFarWeights && least_block(task) > 1; };
      stage.shares_weights |=
          !pass.by_slots && std::any_of(tasks.begin() + pass.begin, tasks.begin() + pass.end, is_far);
    }
  }
  if (cut.splits_samples && !stages_.empty() && tasks[static_cast<size_t>(stages_.back().begin)].pieces == 1)
    stages_.back().by_caller = !stages_.back().by_host;
}

// What the tasks touch of a block of samples stays in the cache.
int64_t Program::natural_block(int begin, int end) const {
  std::set<int> touched;
  for (int t = begin; t < end; ++t)
    for (int b : tasks[static_cast<size_t>(t)].buffers) touched.insert(b);
  int64_t floats = 1;
  for (int b : touched) floats += buffers[static_cast<size_t>(b)].stride;
  return std::clamp<int64_t>(kBlockFloats / floats, 1, kGroup);
}

// Weights that do not stay in the cache from block to block are read from farther away each time.
int64_t Program::least_block(const Task& task) const {
  if (task.weights <= kBlockFloats) return 1;
  return std::clamp<int64_t>((kWeightUses + task.weight_uses - 1) / task.weight_uses, 1, kGroup);
}

void Program::cut_passes(Stage& stage) const {
  const int64_t natural = natural_block(stage.begin, stage.end);
  bool heavy_before = false;
  for (int t = stage.begin; t < stage.end; ++t) {
    const bool heavy = least_block(tasks[static_cast<size_t>(t)]) > natural;
    if (stage.passes.empty() || heavy != heavy_before) stage.passes.push_back({t, t, 1});
    stage.passes.back().end = t + 1;
    heavy_before = heavy;
  }
  for (Pass& pass : stage.passes) {
    pass.block = natural_block(pass.begin, pass.end);
    for (int t = pass.begin; t < pass.end; ++t)
      pass.block = std::max(pass.block, least_block(tasks[static_cast<size_t>(t)]));
  }
}

void Program::cut_pieces(Stage& stage) const {
  for (int t = stage.begin; t < stage.end; ++t) {
    const int64_t pieces = tasks[static_cast<size_t>(t)].pieces;
    for (int64_t i = 0; i < pieces; ++i) stage.pieces.push_back({t, i, i + 1, middle(i, i + 1, pieces)});
  }
  sort_by_position(stage.pieces);
}

// Gives large tasks stages of their own, in which many threads find work though there are few slots. With few threads
// that is slower: what they read has left the cache. The blocks stay, since sums over samples depend on them.
void Program::cut_large_tasks() {
  const double group = static_cast<double>(capacity_) / static_cast<double>(slot_count(capacity_));
  const auto is_cut = [&](const Task& task) { return task.may_be_cut && task.flops * group >= kFlopsToCut; };
  std::vector<Stage> before;
  std::swap(before, stages_);
  for (Stage& stage : before) {
    if (stage.kind != Task::kBlock) {
      stages_.push_back(std::move(stage));
      continue;
    }
    for (const Pass& pass : stage.passes)
      for (int t = pass.begin; t < pass.end; ++t) {
        const Task& task = tasks[static_cast<size_t>(t)];
        const bool cut = is_cut(task);
        const bool joins = t > stage.begin && stages_.back().is_cut == cut && (!cut || task.with_previous);
        if (!joins) stages_.push_back({Task::kBlock, t, t, {}, {}});
        Stage& last = stages_.back();
        last.end = t + 1;
        last.is_cut = cut;
        if (joins && !cut && t > pass.begin) last.passes.back().end = t + 1;
        else last.passes.push_back({t, t + 1, pass.block});
      }
  }
  for (Stage& stage : stages_)
    if (stage.is_cut) cut_groups(stage);
}

int64_t Program::group_count(const Task& task, int64_t samples) const {
  return task.by_slots ? slot_count(samples) : std::min(samples, kMaxSlots);
}

// Neighbouring pieces are parts of the same samples; where the weights are larger than those, samples of the same part.
void Program::cut_groups(Stage& stage) const {
  for (int t = stage.begin; t < stage.end; ++t) {
    const Task& task = tasks[static_cast<size_t>(t)];
    const int64_t groups = group_count(task, capacity_);
    const int64_t parts = task.by_slots ? 1 : std::min((kMaxSlots + groups - 1) / groups, task.pieces);
    const bool by_parts = task.weights > kBlockFloats;
    for (int64_t group = 0; group < kMaxSlots; ++group)  // a smaller batch may have more slots
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t at = by_parts ? part * groups + group : group * parts + part;
        stage.pieces.push_back({t, part * task.pieces / parts, (part + 1) * task.pieces / parts,
                                middle(at, at + 1, groups * parts), group});
      }
  }
  sort_by_position(stage.pieces);
}

void Program::place_buffers() {
  // Of each buffer: the tasks, passes and stages that use it first and last.
  struct Use {
    int task = -1, stage = -1;
    const Pass* pass = nullptr;
  };
  std::vector<Use> first(buffers.size()), last(buffers.size());
  for (int s = 0; s < static_cast<int>(stages_.size()); ++s) {
    const Stage& stage = stages_[static_cast<size_t>(s)];
    size_t pass = 0;
    for (int t = stage.begin; t < stage.end; ++t) {
      while (pass < stage.passes.size() && t >= stage.passes[pass].end) ++pass;
      const Use use{t, s, pass < stage.passes.size() ? &stage.passes[pass] : nullptr};
      for (int b : tasks[static_cast<size_t>(t)].buffers) {
        if (first[static_cast<size_t>(b)].task < 0) first[static_cast<size_t>(b)] = use;
        last[static_cast<size_t>(b)] = use;
      }
    }
  }

  std::vector<size_t> order;
  for (size_t b = 0; b < buffers.size(); ++b)
    if (first[b].task >= 0 && buffers[b].home != Buffer::kFixed) order.push_back(b);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].extent(capacity_) > buffers[b].extent(capacity_); });
  std::vector<Placed> in_chunk, own;
  for (size_t b : order) {
    Buffer& buffer = buffers[b];
    const Use &from = first[b], &to = last[b];
    if (stages_[static_cast<size_t>(from.stage)].repeated) {
      buffer.home = Buffer::kBlock;
      buffer.offset = find_offset(own, buffer.stride * capacity_, from.stage, to.stage);
    } else if (cut.splits_samples || from.stage != to.stage || !from.pass ||
               stages_[static_cast<size_t>(from.stage)].is_cut) {
      buffer.home = Buffer::kChunk;
      buffer.offset = find_offset(in_chunk, buffer.extent(capacity_), from.stage, to.stage);
    } else if (from.pass != to.pass) {  // alive while any block of these passes is worked on
      buffer.home = Buffer::kGroup;
      buffer.offset = find_offset(own, buffer.stride * kGroup, from.pass->begin, to.pass->end - 1);
    } else {
      buffer.home = Buffer::kBlock;
      buffer.offset = find_offset(own, buffer.stride * from.pass->block, from.task, to.task);
    }
  }
  chunk_floats_ = extent(in_chunk);
  own_floats_ = extent(own);
}

std::string Program::text() const {
  std::ostringstream out;
  out << "chunks of up to " << capacity_ << " samples; memory: chunk " << chunk_floats_ * 4 / 1024 << " KiB, a thread "
      << (own_floats_ + scratch_floats_) * 4 / 1024 << " KiB, gradients of a slot " << slot_floats * 4 / 1024
      << " KiB\n";
  const auto print = [&](int begin, int end) {
    for (int t = begin; t < end; ++t) {
      const Task& task = tasks[static_cast<size_t>(t)];
      out << "  " << task.name;
      if (!task.algorithm.empty()) out << " (" << task.algorithm << ")";
      if (task.flops > 0) out << "  " << task.flops / 1e6 << " MFLOP";
      out << '\n';
    }
  };
  for (const Stage& stage : stages_) {
    if (stage.repeated || stage.by_caller || stage.kind == Task::kOnce) {
      out << (stage.repeated ? "every thread\n" : stage.by_caller || stage.by_host ? "the caller\n" : "once\n");
      print(stage.begin, stage.end);
      continue;
    }
    if (stage.kind == Task::kSplit) {
      out << "split\n";
      print(stage.begin, stage.end);
    }
    if (stage.is_cut) {
      out << "block, cut\n";
      print(stage.begin, stage.end);
      continue;
    }
    for (const Pass& pass : stage.passes) {
      out << (pass.begin == stage.begin ? "block" : "  then a block") << " of " << pass.block << '\n';
      print(pass.begin, pass.end);
    }
  }
  return out.str();
}

}  // namespace pycnn
