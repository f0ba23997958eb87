#include "engine/program.h"

#include <algorithm>
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

double Program::flops() const {
  double sum = 0;
  for (const Task& task : tasks) sum += task.flops;
  return sum;
}

void Program::finish(int64_t capacity) {
  capacity_ = capacity;
  cut_stages();
  place_buffers();
  scratch_floats_ = 0;
  for (const Task& task : tasks) scratch_floats_ = std::max(scratch_floats_, align_floats(task.scratch_floats));
}

void Program::cut_stages() {
  stages_.clear();
  for (int i = 0; i < static_cast<int>(tasks.size()); ++i) {
    const Task& task = tasks[static_cast<size_t>(i)];
    const bool same_kind = !stages_.empty() && stages_.back().kind == task.kind;
    bool joins = same_kind && (task.kind == Task::kBlock || task.with_previous);
    if (split_samples && joins) {  // only what one thread does alone, one after the other
      const Task& previous = tasks[static_cast<size_t>(i) - 1];
      joins = task.kind == Task::kBlock && task.pieces == 1 && previous.pieces == 1;
    }
    if (joins) stages_.back().end = i + 1;
    else stages_.push_back({task.kind, i, i + 1});
  }
}

void Program::place_buffers() {
  std::vector<int> first_stage(buffers.size(), -1), last_stage(buffers.size(), -1);
  std::vector<int64_t> touched(stages_.size(), 0);
  for (int s = 0; s < static_cast<int>(stages_.size()); ++s)
    for (int t = stages_[static_cast<size_t>(s)].begin; t < stages_[static_cast<size_t>(s)].end; ++t)
      for (int b : tasks[static_cast<size_t>(t)].buffers) {
        Buffer& buffer = buffers[static_cast<size_t>(b)];
        if (last_stage[static_cast<size_t>(b)] != s) touched[static_cast<size_t>(s)] += buffer.stride;
        if (buffer.first_use < 0) buffer.first_use = t;
        buffer.last_use = t;
        if (first_stage[static_cast<size_t>(b)] < 0) first_stage[static_cast<size_t>(b)] = s;
        last_stage[static_cast<size_t>(b)] = s;
      }

  int64_t most_touched = 1;
  for (size_t s = 0; s < stages_.size(); ++s)
    if (stages_[s].kind == Task::kBlock) most_touched = std::max(most_touched, touched[s]);
  block_ = std::clamp<int64_t>(kBlockFloats / most_touched, 1, kMaxBlock);

  std::vector<size_t> order;
  for (size_t b = 0; b < buffers.size(); ++b)
    if (buffers[b].first_use >= 0) order.push_back(b);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].stride > buffers[b].stride; });
  std::vector<Placed> in_chunk, in_block;
  for (size_t b : order) {
    Buffer& buffer = buffers[b];
    const int stage = first_stage[b];
    buffer.per_block =
        !split_samples && stage == last_stage[b] && stages_[static_cast<size_t>(stage)].kind == Task::kBlock;
    buffer.offset = buffer.per_block ? find_offset(in_block, buffer.stride * block_, buffer.first_use, buffer.last_use)
                                     : find_offset(in_chunk, buffer.stride * capacity_, stage, last_stage[b]);
  }
  chunk_floats_ = extent(in_chunk);
  block_floats_ = extent(in_block);
}

std::string Program::text() const {
  std::ostringstream out;
  out << "chunks of up to " << capacity_ << " samples, blocks of " << block_ << "; memory: chunk "
      << chunk_floats_ * 4 / 1024 << " KiB, a thread " << (block_floats_ + scratch_floats_) * 4 / 1024
      << " KiB, gradients of a slot " << slot_floats * 4 / 1024 << " KiB\n";
  for (const Stage& stage : stages_) {
    out << (stage.kind == Task::kBlock ? "block" : "split") << '\n';
    for (int t = stage.begin; t < stage.end; ++t) {
      const Task& task = tasks[static_cast<size_t>(t)];
      out << "  " << task.name;
      if (!task.algorithm.empty()) out << " (" << task.algorithm << ")";
      if (task.flops > 0) out << "  " << task.flops / 1e6 << " MFLOP";
      out << '\n';
    }
  }
  return out.str();
}

}  // namespace pycnn
