#include <algorithm>

#include "engine/planner.h"

namespace pycnn {
namespace {

constexpr int64_t kMaxPieces = 8;  // a small batch's pools are cut by rows

}  // namespace

void plan_pool2d(Planner& planner, int node) {
  const auto& n = planner.attributes<Pool2DNode>(node);
  const int input = planner.node(node).inputs[0];
  const Shape& in = planner.shape(input);
  const Shape& out = planner.shape(node);
  const Planner::ChannelSlice y = planner.channels(node);
  const Pool2D p = {in.h(),         in.w(),          in.c(),      out.h(),     out.w(),
                    n.pool_size.h,  n.pool_size.w,   n.strides.h, n.strides.w, n.padding.top,
                    n.padding.left, n.count_padding, y.pixel};
  const bool average = n.average;
  const Pool2DKernels& pool = planner.kernels().pool2d;
  const int x = planner.value(input);
  const int64_t pieces = std::min(p.oh, kMaxPieces);
  Task forward;
  forward.name = planner.node(node).name;
  forward.buffers = {x, y.buffer};
  forward.pieces = pieces;
  forward.run = [=, &pool](const Work& w) {
    const int64_t begin = w.piece_begin * p.oh / pieces, end = w.piece_end * p.oh / pieces;
    for (int64_t i = w.begin; i < w.end; ++i)
      (average ? pool.average_forward : pool.max_forward)(w.at(y.buffer, i) + y.channel, w.at(x, i), p, begin, end);
  };
  planner.add(std::move(forward));

  planner.on_backward(node, [=, &planner, &pool] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      Task task;
      task.name = planner.node(node).name + " backward";
      task.buffers = {dy, dx};
      if (!average) task.buffers.push_back(x);
      task.run = [=, &pool](const Work& w) {
        for (int64_t i = w.begin; i < w.end; ++i) {
          if (average) pool.average_backward(w.at(dx, i), w.at(dy, i), p);
          else pool.max_backward(w.at(dx, i), w.at(x, i), w.at(dy, i), p);
        }
      };
      planner.add(std::move(task));
    });
  });
}

}  // namespace pycnn
