// Dense layers. A small one is a block task like any other; a large one sees the whole chunk, so that its weights pass
// through the cache once a chunk and no thread needs a gradient of its own.
#include <algorithm>
#include <memory>

#include "engine/planner.h"

namespace pycnn {
namespace {

constexpr int64_t kLargeWeights = 1 << 16;  // floats; a quarter of a common L2
constexpr int64_t kRowBlocks = 4;
constexpr int64_t kInputsPerPiece = 64;

struct Dense {
  int64_t rows;  // a sample
  int64_t inputs, units;
  Precision precision;
  bool large;
  Activation activation;
  float lower;
  bool clamp;
  int last;  // the node whose value this layer makes

  double flops() const { return 2.0 * static_cast<double>(rows * inputs) * static_cast<double>(units); }
};

Dense describe(Planner& planner, int node) {
  const Shape& x = planner.shape(planner.node(node).inputs[0]);
  Dense d;
  d.inputs = x.c();
  d.rows = x.size() / d.inputs;
  d.units = planner.attributes<DenseNode>(node).units;
  d.precision = planner.attributes<DenseNode>(node).precision;
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

std::string name_of(const Planner& planner, const Dense& d, int node) {
  return planner.node(node).name + (d.precision == Precision::kBfloat16 ? " in bfloat16" : "");
}

int64_t panels(const Planner& planner, int64_t columns) {
  const int64_t panel = 2 * planner.kernels().lanes;
  return (columns + panel - 1) / panel;
}

std::shared_ptr<AlignedFloats> pack(Planner& planner, const float* weights, const Dense& d, bool transposed) {
  const GemmKernels gemm = planner.gemm(d.precision);
  const int64_t depth = transposed ? d.units : d.inputs, columns = transposed ? d.inputs : d.units;
  const int64_t count = panels(planner, columns);
  auto packed = std::make_shared<AlignedFloats>(gemm.packed_floats(depth, columns));
  planner.prepare(count, [=](int64_t q) {
    if (transposed) gemm.pack_transposed(packed->data(), weights, depth, depth, columns, q, q + 1);
    else gemm.pack(packed->data(), weights, columns, depth, columns, q, q + 1);
  });
  return packed;
}

void plan_block(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const int bias = planner.parameter(node, "bias");
  const float* b = bias >= 0 ? planner.weights(bias) : nullptr;
  const auto packed = pack(planner, planner.weights(planner.parameter(node, "kernel")), d, false);
  const int64_t count = panels(planner, d.units);
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
      gemm.multiply(to, y_stride, w.at(x, w.begin + i), x_stride, packed->data(), b, rows, d.inputs, d.units, first,
                    end, d.lower);
      if (d.clamp) continue;
      const int64_t from = first * 2 * k.lanes, until = std::min(d.units, end * 2 * k.lanes);
      for (int64_t r = 0; r < rows; ++r)
        k.activation.forward(to + r * y_stride + from, to + r * y_stride + from, until - from, d.activation);
    }
  };
  planner.add(std::move(task));
}

void plan_block_backward(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const int input = planner.node(node).inputs[0];
  const int kernel = planner.parameter(node, "kernel"), bias = planner.parameter(node, "bias");
  const int dy = planner.gradient(d.last);
  const int64_t dw_slot = planner.reserve_slot(kernel), db_slot = bias >= 0 ? planner.reserve_slot(bias) : 0;
  Task task;
  task.name = planner.node(node).name + " backward by weights";
  task.buffers = {x, y, dy};
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    if (d.activation.kind != ActivationKind::kLinear)
      for (int64_t i = w.begin; i < w.end; ++i)
        k.activation.backward(w.at(dy, i), nullptr, w.at(y, i), w.at(dy, i), d.rows * d.units, d.activation);
    const bool whole = d.rows > 1;
    const int64_t products = whole ? w.end - w.begin : 1, rows = whole ? d.rows : w.end - w.begin;
    for (int64_t i = 0; i < products; ++i) {
      const bool accumulate = w.accumulate || i > 0;
      const int64_t dy_stride = whole ? d.units : w.stride(dy), x_stride = whole ? d.inputs : w.stride(x);
      const float* gradient = w.at(dy, w.begin + i);
      if (bias >= 0) k.elementwise.sum_rows(w.slot_gradient(db_slot), gradient, rows, d.units, dy_stride, accumulate);
      gemm.outer(w.slot_gradient(dw_slot), w.at(x, w.begin + i), x_stride, gradient, dy_stride, rows, d.units, 0,
                 d.inputs, accumulate);
    }
  };
  planner.add(std::move(task));

  planner.add_gradient(input, [&](int dx) {
    const auto packed = pack(planner, planner.weights(kernel), d, true);
    const int64_t count = panels(planner, d.inputs);
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
                      whole ? d.units : w.stride(dy), packed->data(), nullptr, rows, d.units, d.inputs, 0, count,
                      -__builtin_huge_valf());
    };
    planner.add(std::move(by_input));
  });
}

// Pieces of a split product: (panels of the result) x (blocks of rows).
struct Cut {
  int64_t panel, begin, end;  // samples of the chunk
};
Cut cut(const Work& w, int64_t piece) {
  const int64_t block = piece % kRowBlocks;
  return {piece / kRowBlocks, block * w.run.samples / kRowBlocks, (block + 1) * w.run.samples / kRowBlocks};
}

void plan_split(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const int bias = planner.parameter(node, "bias");
  const float* b = bias >= 0 ? planner.weights(bias) : nullptr;
  const auto packed = pack(planner, planner.weights(planner.parameter(node, "kernel")), d, false);
  Task task;
  task.name = name_of(planner, d, node);
  task.kind = Task::kSplit;
  task.buffers = {x, y};
  task.pieces = panels(planner, d.units) * kRowBlocks;
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const Cut c = cut(w, piece);
      const int64_t rows = c.end - c.begin, column = c.panel * 2 * k.lanes;
      if (rows == 0) continue;
      float* to = w.at(y, c.begin);
      gemm.multiply(to, w.stride(y), w.at(x, c.begin), w.stride(x), packed->data(), b, rows, d.inputs, d.units, c.panel,
                    c.panel + 1, d.lower);
      if (d.clamp) continue;
      const int64_t width = std::min<int64_t>(2 * k.lanes, d.units - column);
      for (int64_t r = 0; r < rows; ++r) {
        float* row = to + r * w.stride(y) + column;
        k.activation.forward(row, row, width, d.activation);
      }
    }
  };
  planner.add(std::move(task));
}

void plan_split_backward(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const int input = planner.node(node).inputs[0];
  const int kernel = planner.parameter(node, "kernel"), bias = planner.parameter(node, "bias");
  const int dy = planner.gradient(d.last);
  float* dw = planner.gradient_of(kernel);
  float* db = bias >= 0 ? planner.gradient_of(bias) : nullptr;
  if (d.activation.kind != ActivationKind::kLinear) {
    Task task;
    task.name = planner.node(node).name + " backward by activation";
    task.buffers = {y, dy};
    task.run = [=, &k](const Work& w) {
      for (int64_t i = w.begin; i < w.end; ++i)
        k.activation.backward(w.at(dy, i), nullptr, w.at(y, i), w.at(dy, i), d.units, d.activation);
    };
    planner.add(std::move(task));
  }

  const int64_t weight_pieces = (d.inputs + kInputsPerPiece - 1) / kInputsPerPiece;
  Task task;
  task.name = planner.node(node).name + " backward by weights";
  task.kind = Task::kSplit;
  task.buffers = {x, dy};
  task.pieces = weight_pieces + 1;  // the last one is the bias
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const bool accumulate = w.run.begin > 0;
      if (piece < weight_pieces) {
        gemm.outer(dw, w.at(x, 0), w.stride(x), w.at(dy, 0), w.stride(dy), w.run.samples, d.units,
                   piece * kInputsPerPiece, std::min(d.inputs, (piece + 1) * kInputsPerPiece), accumulate);
      } else if (db) {
        k.elementwise.sum_rows(db, w.at(dy, 0), w.run.samples, d.units, w.stride(dy), accumulate);
      }
    }
  };
  planner.add(std::move(task));

  planner.add_gradient(input, [&](int dx) {
    const auto packed = pack(planner, planner.weights(kernel), d, true);
    Task by_input;
    by_input.name = planner.node(node).name + " backward by input";
    by_input.kind = Task::kSplit;
    by_input.buffers = {dy, dx};
    by_input.pieces = panels(planner, d.inputs) * kRowBlocks;
    by_input.flops = d.flops();
    by_input.algorithm = "GEMM";
    by_input.with_previous = true;
    by_input.run = [=](const Work& w) {
      for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
        const Cut c = cut(w, piece);
        if (c.end == c.begin) continue;
        gemm.multiply(w.at(dx, c.begin), w.stride(dx), w.at(dy, c.begin), w.stride(dy), packed->data(), nullptr,
                      c.end - c.begin, d.units, d.inputs, c.panel, c.panel + 1, -__builtin_huge_valf());
      }
    };
    planner.add(std::move(by_input));
  });
}

}  // namespace

void plan_dense(Planner& planner, int node) {
  const Dense d = describe(planner, node);
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(d.last);
  (d.large ? plan_split : plan_block)(planner, d, node, x, y);
  planner.on_backward([=, &planner] { (d.large ? plan_split_backward : plan_block_backward)(planner, d, node, x, y); });
}

}  // namespace pycnn
