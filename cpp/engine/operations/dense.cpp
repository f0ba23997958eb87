// Dense layers. A small one is a block task like any other; a large one (dense_split.cpp) sees the whole chunk.
#include "engine/operations/dense.h"

#include <algorithm>

namespace pycnn {
namespace {

constexpr int64_t kLargeWeights = 1 << 16;  // floats; a quarter of a common L2
// From so many on the weights of a single sample come from memory, and are read as they lie, where rows are long.
constexpr int64_t kStreamedWeights = 1 << 20, kStreamedUnits = 256;

Dense describe(Planner& planner, int node) {
  const Shape& x = planner.shape(planner.node(node).inputs[0]);
  Dense d;
  d.inputs = x.c();
  d.rows = x.size() / d.inputs;
  d.kernel = kernel_of(planner.node(node));
  d.bias = bias_of(planner.node(node));
  d.units = planner.shape(d.kernel).c();
  d.precision = planner.precision(planner.attributes<DenseNode>(node).precision);
  d.large = d.rows == 1 && d.inputs * d.units >= kLargeWeights && !planner.splits_samples();
  d.last = node;
  const int activation = planner.fusable_activation(node);
  if (activation >= 0) {
    d.activation = planner.attributes<ActivationNode>(activation).activation;
    d.last = activation;
    planner.mark_planned(activation);
  }
  d.clamp = is_clamp(d.activation, &d.lower);
  return d;
}

}  // namespace

std::string name_of(const Planner& planner, const Dense& d, int node) {
  return planner.node(node).name + (d.precision == Precision::kBfloat16 ? " in bfloat16" : "");
}

int64_t panels(const KernelTable& kernels, int64_t columns) {
  const int64_t panel = 2 * kernels.lanes;
  return (columns + panel - 1) / panel;
}

const float* pack(Planner& planner, const Dense& d, bool transposed) {
  const GemmKernels gemm = planner.gemm(d.precision);
  const int64_t depth = transposed ? d.units : d.inputs, columns = transposed ? d.inputs : d.units;
  const int64_t count = panels(planner.kernels(), columns);
  float* const packed = planner.add_memory(gemm.packed_floats(depth, columns), MemoryKind::kPackedWeights);
  planner.prepare_weights(d.kernel, count, [=](const float* weights, int64_t q) {
    if (transposed) gemm.pack_transposed(packed, weights, depth, depth, columns, q, q + 1);
    else gemm.pack(packed, weights, columns, depth, columns, q, q + 1);
  });
  return packed;
}

namespace {

// The layer of one sample, cut by columns: packing would hold the weights twice for nothing.
void plan_one(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const float *weights = planner.weights(d.kernel), *b = planner.weights(d.bias);
  Task task;
  task.name = name_of(planner, d, node);
  task.buffers = {x, y};
  task.pieces = panels(k, d.units);
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    const int64_t panel = 2 * k.lanes, from = w.piece_begin * panel,
                  columns = std::min(d.units, w.piece_end * panel) - from;
    float* to = w.at(y, w.begin) + from;
    k.gemm.multiply_one(to, w.at(x, w.begin), weights + from, d.units, b ? b + from : nullptr, d.inputs, columns,
                        d.lower);
    if (!d.clamp) k.activation.forward(to, to, columns, d.activation);
  };
  planner.add(std::move(task));
}

void plan_block(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const float* b = planner.weights(d.bias);
  const float* const packed = pack(planner, d, false);
  const int64_t count = panels(planner.kernels(), d.units);
  Task task;
  task.name = name_of(planner, d, node);
  task.buffers = {x, y};
  task.pieces = d.rows == 1 ? count : 1;
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    // Rows of neighbouring samples are one product; a sample of several rows is one of its own.
    const int64_t products = d.rows == 1 ? 1 : w.end - w.begin, rows = d.rows == 1 ? w.end - w.begin : d.rows;
    const bool whole = d.rows > 1;
    for (int64_t i = 0; i < products; ++i) {
      float* to = w.at(y, w.begin + i);
      const int64_t y_stride = whole ? d.units : w.stride(y), x_stride = whole ? d.inputs : w.stride(x);
      const int64_t first = whole ? 0 : w.piece_begin, end = whole ? count : w.piece_end;
      gemm.multiply(to, y_stride, w.at(x, w.begin + i), x_stride, packed, b, rows, d.inputs, d.units, first, end,
                    d.lower);
      if (d.clamp) continue;
      const int64_t from = first * 2 * k.lanes, until = std::min(d.units, end * 2 * k.lanes);
      k.activation.forward_rows(to + from, rows, y_stride, until - from, d.activation);
    }
  };
  planner.add(std::move(task));
}

void plan_block_backward(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const int input = planner.node(node).inputs[0], dy = planner.gradient(d.last);
  const bool by_kernel = planner.wants_gradient(d.kernel), by_bias = planner.wants_gradient(d.bias);
  const int64_t dw_slot = by_kernel ? planner.reserve_slot(d.kernel) : 0;
  const int64_t db_slot = by_bias ? planner.reserve_slot(d.bias) : 0;
  const bool linear = d.activation.kind == ActivationKind::kLinear;
  Task task;
  task.name = planner.node(node).name + " backward by weights";
  task.buffers = {x, y, dy};
  task.flops = by_kernel ? d.flops() : 0;
  task.by_slots = by_kernel || by_bias;
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    if (!linear)
      for (int64_t i = w.begin; i < w.end; ++i)
        k.activation.backward(w.at(dy, i), nullptr, w.at(y, i), w.at(dy, i), d.rows * d.units, d.activation);
    const bool whole = d.rows > 1;
    const int64_t products = whole ? w.end - w.begin : 1, rows = whole ? d.rows : w.end - w.begin;
    for (int64_t i = 0; i < products; ++i) {
      const bool accumulate = w.accumulate || i > 0;
      const int64_t dy_stride = whole ? d.units : w.stride(dy), x_stride = whole ? d.inputs : w.stride(x);
      const float* gradient = w.at(dy, w.begin + i);
      if (by_bias) k.elementwise.sum_rows(w.slot_gradient(db_slot), gradient, rows, d.units, dy_stride, accumulate);
      if (by_kernel)
        gemm.outer(w.slot_gradient(dw_slot), w.at(x, w.begin + i), x_stride, gradient, dy_stride, rows, d.units, 0,
                   d.inputs, accumulate);
    }
  };
  if (by_kernel || by_bias || !linear) planner.add(std::move(task));

  planner.add_gradient(input, [&](int dx) {
    const float* const packed = pack(planner, d, true);
    const int64_t count = panels(planner.kernels(), d.inputs);
    Task by_input;
    by_input.name = planner.node(node).name + " backward by input";
    by_input.buffers = {dy, dx};
    by_input.flops = d.flops();
    by_input.algorithm = "GEMM";
    by_input.run = [=](const Work& w) {
      const bool whole = d.rows > 1;
      const int64_t products = whole ? w.end - w.begin : 1, rows = whole ? d.rows : w.end - w.begin;
      for (int64_t i = 0; i < products; ++i)
        gemm.multiply(w.at(dx, w.begin + i), whole ? d.inputs : w.stride(dx), w.at(dy, w.begin + i),
                      whole ? d.units : w.stride(dy), packed, nullptr, rows, d.units, d.inputs, 0, count,
                      -__builtin_huge_valf());
    };
    planner.add(std::move(by_input));
  });
}

}  // namespace

void plan_dense(Planner& planner, int node) {
  const Dense d = describe(planner, node);
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(d.last);
  const bool streams = planner.samples_together() == 1 && d.rows == 1 && !planner.differentiated(d.last) &&
                       d.precision == Precision::kFloat32 && d.inputs * d.units >= kStreamedWeights &&
                       d.units >= kStreamedUnits;
  (streams ? plan_one : d.large ? plan_split : plan_block)(planner, d, node, x, y);
  planner.on_backward(d.last,
                      [=, &planner] { (d.large ? plan_split_backward : plan_block_backward)(planner, d, node, x, y); });
}

}  // namespace pycnn
