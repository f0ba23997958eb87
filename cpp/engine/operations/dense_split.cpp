// Large dense layers see the whole chunk, so that their weights pass through the cache once a chunk and no thread needs
// a gradient of its own.
#include <algorithm>

#include "engine/operations/dense.h"

namespace pycnn {
namespace {

constexpr int64_t kRowBlocks = 4;
constexpr int64_t kDepthParts = 4;  // of the inputs
// Weights that no cache holds are read once, by pieces that have all rows.
constexpr int64_t kFarWeights = 1 << 22, kFarDepthParts = 16;
constexpr int64_t kInputsPerPiece = 64;

// Pieces of a split product: (panels of the result, or parts of the sum) x (blocks of rows).
struct Cut {
  int64_t panel, begin, end;  // samples of the chunk
};
Cut cut(const Work& w, int64_t piece, int64_t row_blocks = kRowBlocks) {
  const int64_t block = piece % row_blocks;
  return {piece / row_blocks, block * w.run.samples / row_blocks, (block + 1) * w.run.samples / row_blocks};
}

// Panels of packed weights in one piece. In bfloat16 the left-hand side is rounded for each piece anew.
int64_t panels_at_once(const Dense& d, int64_t all) {
  return d.precision == Precision::kBfloat16 ? std::clamp<int64_t>(all / 2, 1, 4) : 1;
}

// The products of packed weights.
void plan_packed(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const GemmKernels gemm = planner.gemm(d.precision);
  const float* b = planner.weights(d.bias);
  const float* const packed = pack(planner, d, false);
  Task task;
  task.name = name_of(planner, d, node);
  task.kind = Task::kSplit;
  task.buffers = {x, y};
  const int64_t all = panels(k, d.units), at_once = panels_at_once(d, all);
  task.pieces = (all + at_once - 1) / at_once * kRowBlocks;
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const Cut c = cut(w, piece);
      const int64_t rows = c.end - c.begin, first = c.panel * at_once, end = std::min(all, first + at_once);
      if (rows == 0) continue;
      float* to = w.at(y, c.begin);
      gemm.multiply(to, w.stride(y), w.at(x, c.begin), w.stride(x), packed, b, rows, d.inputs, d.units, first, end,
                    d.lower);
      if (d.clamp) continue;
      const int64_t column = first * 2 * k.lanes, width = std::min<int64_t>(end * 2 * k.lanes, d.units) - column;
      k.activation.forward_rows(to + column, rows, w.stride(y), width, d.activation);
    }
  };
  planner.add(std::move(task));
}

void plan_packed_by_input(Planner& planner, const Dense& d, int node, int dy, int dx) {
  const GemmKernels gemm = planner.gemm(d.precision);
  const float* const packed = pack(planner, d, true);
  Task task;
  task.name = planner.node(node).name + " backward by input";
  task.kind = Task::kSplit;
  task.buffers = {dy, dx};
  const int64_t all = panels(planner.kernels(), d.inputs), at_once = panels_at_once(d, all);
  task.pieces = (all + at_once - 1) / at_once * kRowBlocks;
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.with_previous = planner.wants_gradient(d.kernel) || planner.wants_gradient(d.bias);  // its own weights' task
  task.run = [=](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const Cut c = cut(w, piece);
      if (c.end == c.begin) continue;
      gemm.multiply(w.at(dx, c.begin), w.stride(dx), w.at(dy, c.begin), w.stride(dy), packed, nullptr, c.end - c.begin,
                    d.units, d.inputs, c.panel * at_once, std::min(all, (c.panel + 1) * at_once),
                    -__builtin_huge_valf());
    }
  };
  planner.add(std::move(task));
}

// --- in training, in float32: products that read the weights as they lie. A step changes them all, so that packing
// would cost as much as it gains; and a thread reads those rows only that it also updates.

bool is_plain(const Planner& planner, const Dense& d) {
  return planner.differentiated(d.kernel) && d.precision == Precision::kFloat32 &&
         d.units % (2 * planner.kernels().lanes) == 0;
}

// A piece sums over a part of the inputs; the parts are added up after it.
void plan_plain(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const float *weights = planner.weights(d.kernel), *b = planner.weights(d.bias);
  const bool far = d.inputs * d.units >= kFarWeights;
  const int64_t count = far ? kFarDepthParts : kDepthParts, row_blocks = far ? 1 : kRowBlocks;
  const int parts = planner.add_buffer(count * d.units);
  Task task;
  task.name = name_of(planner, d, node);
  task.kind = Task::kSplit;
  task.buffers = {x, parts};
  task.pieces = count * row_blocks;
  task.flops = d.flops();
  task.algorithm = "GEMM";
  task.run = [=, &k](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const Cut c = cut(w, piece, row_blocks);
      const int64_t first = c.panel * d.inputs / count, end = (c.panel + 1) * d.inputs / count;
      k.gemm.multiply_plain(w.at(parts, c.begin) + c.panel * d.units, w.stride(parts), w.at(x, c.begin) + first,
                            w.stride(x), weights + first * d.units, d.units, c.end - c.begin, end - first, d.units);
    }
  };
  planner.add(std::move(task));

  Task sum;
  sum.name = planner.node(node).name + " sum";
  sum.buffers = {parts, y};
  sum.run = [=, &k](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) {
      float* to = w.at(y, i);
      k.elementwise.sum_slots(to, w.at(parts, i), d.units, count, d.units);
      if (b) k.elementwise.add(to, to, b, d.units);
      if (d.activation.kind != ActivationKind::kLinear) k.activation.forward(to, to, d.units, d.activation);
    }
  };
  planner.add(std::move(sum));
}

// What a piece of a backward task does: the inputs [first, first + inputs), with scratch memory of its own.
using PieceOfInputs = std::function<void(const Work&, float* scratch, int64_t first, int64_t inputs)>;

// The transpose of dx is the product of the weights and the transpose of dy.
int64_t plain_by_input_scratch(const Planner& planner, const Dense& d) {
  return planner.kernels().gemm.packed_floats(d.units, kChunkSamples) + kInputsPerPiece * kChunkSamples;
}
PieceOfInputs plain_by_input(Planner& planner, const Dense& d, int dy, int dx) {
  const KernelTable& k = planner.kernels();
  const float* weights = planner.weights(d.kernel);
  const int64_t packed_floats = k.gemm.packed_floats(d.units, kChunkSamples);
  return [=, &k](const Work& w, float* packed, int64_t first, int64_t inputs) {
    float* const transposed = packed + packed_floats;
    for (int64_t begin = 0; begin < w.run.samples; begin += kChunkSamples) {
      const int64_t samples = std::min(kChunkSamples, w.run.samples - begin), all = panels(k, samples);
      k.gemm.pack_transposed(packed, w.at(dy, begin), w.stride(dy), d.units, samples, 0, all);
      k.gemm.multiply(transposed, kChunkSamples, weights + first * d.units, d.units, packed, nullptr, inputs, d.units,
                      samples, 0, all, -__builtin_huge_valf());
      k.elementwise.transpose(w.at(dx, begin) + first, w.stride(dx), transposed, kChunkSamples, inputs, samples);
    }
  };
}

// dw, and with `parameter` at once the step that it is for: it is then written nowhere but to scratch memory.
PieceOfInputs by_weights(Planner& planner, const Dense& d, int x, int dy, float* dw, int parameter) {
  const GemmKernels gemm = planner.gemm(d.precision);
  return [=](const Work& w, float* scratch, int64_t first, int64_t inputs) {
    const bool updates = parameter >= 0 && w.updater->takes(parameter);
    gemm.outer(updates ? scratch : dw + first * d.units, w.at(x, 0) + first, w.stride(x), w.at(dy, 0), w.stride(dy),
               w.run.samples, d.units, 0, inputs, !updates && w.run.begin > 0);
    if (updates) w.updater->update(parameter, first * d.units, scratch, inputs * d.units);
  };
}

// A task of both, cut by inputs; of the weights only where dx is -1. What updates weights comes last.
void plan_by_inputs(Planner& planner, const Dense& d, int node, int x, int dy, int dx, float* dw, float* db) {
  const auto sum_rows = planner.kernels().elementwise.sum_rows;
  const bool by_input = dx >= 0;
  const int parameter = dw ? planner.updated_by_task(d.kernel) : -1;
  const PieceOfInputs to_input = by_input ? plain_by_input(planner, d, dy, dx) : nullptr;
  const PieceOfInputs to_weights = dw ? by_weights(planner, d, x, dy, dw, parameter) : nullptr;
  const int64_t pieces = dw || by_input ? (d.inputs + kInputsPerPiece - 1) / kInputsPerPiece : 0;
  Task task;
  task.name = planner.node(node).name + (by_input ? " backward" : " backward by weights");
  task.kind = Task::kSplit;
  task.buffers = {x, dy};
  if (by_input) task.buffers.push_back(dx);
  task.pieces = pieces + (db != nullptr);  // the last one is the bias
  task.flops = d.flops() * ((dw != nullptr) + by_input);
  task.algorithm = "GEMM";
  task.scratch_floats =
      std::max(by_input ? plain_by_input_scratch(planner, d) : 0, parameter >= 0 ? kInputsPerPiece * d.units : 0);
  task.run = [=](const Work& w) {
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece) {
      const int64_t first = piece * kInputsPerPiece, inputs = std::min(kInputsPerPiece, d.inputs - first);
      if (piece == pieces) {
        sum_rows(db, w.at(dy, 0), w.run.samples, d.units, w.stride(dy), w.run.begin > 0);
        continue;
      }
      if (to_input) to_input(w, w.scratch, first, inputs);
      if (to_weights) to_weights(w, w.scratch, first, inputs);
    }
  };
  planner.add(std::move(task));
}

}  // namespace

void plan_split(Planner& planner, const Dense& d, int node, int x, int y) {
  (is_plain(planner, d) ? plan_plain : plan_packed)(planner, d, node, x, y);
}

void plan_split_backward(Planner& planner, const Dense& d, int node, int x, int y) {
  const KernelTable& k = planner.kernels();
  const int input = planner.node(node).inputs[0];
  const int dy = planner.gradient(d.last);
  float* dw = planner.wants_gradient(d.kernel) ? planner.gradient_of(d.kernel) : nullptr;
  float* db = planner.wants_gradient(d.bias) ? planner.gradient_of(d.bias) : nullptr;
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

  const bool wants_dx = planner.wants_gradient(input), together = is_plain(planner, d) && wants_dx;
  if ((dw || db) && !together) plan_by_inputs(planner, d, node, x, dy, -1, dw, db);
  planner.add_gradient(input, [&](int dx) {
    if (together) plan_by_inputs(planner, d, node, x, dy, dx, dw, db);
    else plan_packed_by_input(planner, d, node, dy, dx);
  });
}

}  // namespace pycnn
