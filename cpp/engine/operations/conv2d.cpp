// Convolution, with the bias, activation and max-pool that follow it fused into it; in inference a batch normalization
// between them is folded into the weights.
#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/planner.h"

namespace pycnn {
namespace {

static_assert(kMaxPooledFilters <= kUpdateRange, "an update takes whole rows of a transposed gradient");

struct Fused {
  Conv2D shape;
  Precision precision;
  Conv2DOptions options;
  int norm = -1;      // the batch normalization that is folded
  int residual = -1;  // the node whose value is added
  int last;           // the node whose value this task makes
  int64_t out;        // floats of that value

  double flops() const {
    return 2.0 * static_cast<double>(shape.oh * shape.ow * shape.k) *
           static_cast<double>(shape.kh * shape.kw * shape.c / shape.groups);
  }
  bool depthwise() const { return shape.groups == shape.c && shape.groups > 1; }
  bool has_pool() const { return options.pool.ph > 0; }
  std::string text(const Planner& planner, int node) const {
    std::string name = planner.node(node).name;
    if (precision == Precision::kBfloat16 && !depthwise()) name += " in bfloat16";
    if (norm >= 0) name += " + batch norm";
    if (residual >= 0) name += " + residual";
    if (options.activation.kind != ActivationKind::kLinear) name += " + activation";
    return has_pool() ? name + " + max-pool" : name;
  }
};

// A sum of two, whose other value is there before the convolution: its normalization may come after that.
void fuse_residual(Planner& planner, Fused& f) {
  const int sum = planner.fusable_sum(f.last);
  if (sum < 0) return;
  const std::vector<int>& inputs = planner.node(sum).inputs;
  const int other = inputs[0] == f.last ? inputs[1] : inputs[0];
  if (!planner.is_planned(other) || planner.differentiated(sum)) return;
  f.residual = other;
  f.last = sum;
  planner.mark_planned(sum);
}

Fused fuse(Planner& planner, int node) {
  const auto& n = planner.attributes<Conv2DNode>(node);
  const Shape& x = planner.shape(planner.node(node).inputs[0]);
  const Shape& y = planner.shape(node);
  const std::vector<int64_t>& kernel = planner.shape(kernel_of(planner.node(node))).dims;
  Fused f;
  f.shape = {x.h(),         x.w(),          x.c(),       y.h(),       y.w(),        y.c(),
             kernel[0],     kernel[1],      n.strides.h, n.strides.w, n.dilation.h, n.dilation.w,
             n.padding.top, n.padding.left, n.groups,    n.pad_value};
  f.precision = n.precision;
  f.last = node;
  f.norm = planner.foldable_batch_norm(node);
  if (f.norm >= 0) {
    f.last = f.norm;
    planner.mark_planned(f.norm);
  }
  if (!f.depthwise()) fuse_residual(planner, f);
  const int activation = planner.fusable_activation(f.last);
  if (activation >= 0) {
    f.options.activation = planner.attributes<ActivationNode>(activation).activation;
    f.last = activation;
    planner.mark_planned(activation);
  }
  const int pool = f.depthwise() || f.residual >= 0 ? -1 : planner.fusable_pool(f.last);
  if (pool >= 0) {
    const Pair& size = planner.attributes<Pool2DNode>(pool).pool_size;
    f.options.pool = {size.h, size.w};
    f.last = pool;
    planner.mark_planned(pool);
    // What no window covers is not computed.
    f.shape.oh = f.shape.oh / size.h * size.h;
    f.shape.ow = f.shape.ow / size.w * size.w;
  }
  f.out = planner.shape(f.last).size();
  f.options.images = planner.samples_together();
  if (planner.exact()) f.options.tile = 0;
  return f;
}

// Weights and bias with a batch normalization's scale and shift multiplied in: w * a and (b - mean) * a + beta, where
// a = gamma / sqrt(variance + epsilon).
struct Folded {
  AlignedFloats weights, bias;
};

std::function<void()> folder(Planner& planner, int node, int norm, const std::shared_ptr<Folded>& folded) {
  const BatchNormInputs inputs = batch_norm_inputs(planner.node(norm));
  const float *w = planner.weights(kernel_of(planner.node(node))), *b = planner.weights(bias_of(planner.node(node)));
  const float *gamma = planner.weights(inputs.gamma), *beta = planner.weights(inputs.beta);
  const float *mean = planner.weights(inputs.mean), *variance = planner.weights(inputs.variance);
  const float epsilon = planner.attributes<BatchNormNode>(norm).epsilon;
  const int64_t k = planner.shape(node).c(), size = folded->weights.size();
  return [=] {
    std::vector<float> scale(static_cast<size_t>(k));
    for (int64_t i = 0; i < k; ++i) {
      const float a = (gamma ? gamma[i] : 1.0f) / std::sqrt(variance[i] + epsilon);
      scale[static_cast<size_t>(i)] = a;
      folded->bias.data()[i] = ((b ? b[i] : 0.0f) - mean[i]) * a + (beta ? beta[i] : 0.0f);
    }
    for (int64_t i = 0; i < size; ++i) folded->weights.data()[i] = w[i] * scale[static_cast<size_t>(i % k)];
  };
}

// argmax are bytes in a buffer of floats.
uint8_t* bytes_at(const Work& w, int buffer, int64_t sample) {
  return buffer >= 0 ? reinterpret_cast<uint8_t*>(w.at(buffer, sample)) : nullptr;
}

// One task: by the activation, the pool, the weights and the input, image by image while the image is in the cache.
// With a max-pool both passes start from the pooled gradient where their forms can; else from its unpooled form. The
// argmax says where a ReLU has closed. Without one a pass takes all images at once: their tiles fill Winograd's
// products better.
void plan_backward(Planner& planner, const Fused& f, int node, bool clamps, int argmax) {
  const Conv2D s = f.shape;
  const Conv2DKernels& conv = planner.conv2d(f.precision);
  const auto unpool = conv.unpool;
  const auto activation_backward = planner.kernels().activation.backward;
  const int input = planner.node(node).inputs[0];
  const int kernel = kernel_of(planner.node(node)), bias = bias_of(planner.node(node));
  const bool wants_dw = planner.wants_gradient(kernel), wants_db = planner.wants_gradient(bias);
  const float* weights = planner.weights(kernel);
  const int x = wants_dw ? planner.rematerialized(input) : -1, y = planner.value(f.last), dy = planner.gradient(f.last);
  const bool wants_dx = planner.wants_gradient(input);
  const Conv2DBackwardWeight by_weight = conv.choose_backward_weight(s, f.options);
  const Conv2DBackwardInput by_input = conv.choose_backward_input(s, f.options);
  const bool activates = f.options.activation.kind != ActivationKind::kLinear && !(f.has_pool() && clamps);
  const bool dense_dw = wants_dw ? !by_weight.pooled : wants_db;  // reads the gradient before the pool
  const bool unpools = f.has_pool() && (dense_dw || (wants_dx && !by_input.pooled));
  const auto sum_rows = planner.kernels().elementwise.sum_rows;
  const int64_t full = unpools ? align_floats(s.oh * s.ow * s.k) : 0;
  const int64_t dw_slot = wants_dw ? planner.reserve_slot(kernel, by_weight.transposed) : 0;
  const int64_t db_slot = wants_db ? planner.reserve_slot(bias) : 0;
  std::shared_ptr<AlignedFloats> packed;
  if (wants_dx) {
    packed = std::make_shared<AlignedFloats>(by_input.packed_floats);
    planner.prepare({kernel}, by_input.pack_pieces,
                    [=](int64_t i) { by_input.pack(packed->data(), weights, s, i, i + 1); });
  }

  const auto emit = [&](int dx) {
    Task task;
    task.name = planner.node(node).name + " backward";
    task.buffers = {dy};
    if (x >= 0) task.buffers.push_back(x);
    if (activates) task.buffers.push_back(y);
    if (argmax >= 0) task.buffers.push_back(argmax);
    if (dx >= 0) task.buffers.push_back(dx);
    task.scratch_floats =
        full + std::max(wants_dw ? by_weight.scratch_floats : 0, dx >= 0 ? by_input.scratch_floats : 0);
    task.flops = f.flops() * (wants_dw + (dx >= 0));
    task.algorithm = wants_dw ? by_weight.name : by_input.name;
    if (dx >= 0 && task.algorithm != by_input.name) task.algorithm += " dw, " + std::string(by_input.name) + " dx";
    if (wants_dx) {
      task.weights = by_input.packed_floats;
      task.weight_uses = by_input.weight_reuse;
    }
    if (wants_dw && by_weight.sum_floats > task.weights) {
      task.weights = by_weight.sum_floats;
      task.weight_uses = by_weight.weight_reuse;
    }
    task.run = [=](const Work& w) {
      float* scratch = w.scratch + full;
      float* db = wants_db ? w.slot_gradient(db_slot) : nullptr;
      const int64_t count = f.has_pool() ? 1 : w.end - w.begin;
      for (int64_t i = w.begin; i < w.end; i += count) {
        for (int64_t j = i; activates && j < i + count; ++j)
          activation_backward(w.at(dy, j), nullptr, w.at(y, j), w.at(dy, j), f.out, f.options.activation);
        const uint8_t* argmaxes = bytes_at(w, argmax, i);
        if (unpools) unpool(w.scratch, w.at(dy, i), argmaxes, s, f.options.pool);
        const auto gradient = [&](bool pooled) { return unpools && !pooled ? w.scratch : w.at(dy, i); };
        const bool accumulate = w.accumulate || i > w.begin;
        if (wants_dw)
          by_weight.run(w.slot_gradient(dw_slot), db,
                        {w.at(x, i), w.stride(x), gradient(by_weight.pooled), w.stride(dy), count, argmaxes}, scratch,
                        by_weight, accumulate);
        for (int64_t j = i; db && !wants_dw && j < i + count; ++j)
          sum_rows(db, unpools ? w.scratch : w.at(dy, j), s.oh * s.ow, s.k, s.k, accumulate || j > i);
        if (dx < 0) continue;
        by_input.run({w.at(dx, i), w.stride(dx), gradient(by_input.pooled), w.stride(dy), count, argmaxes},
                     packed->data(), scratch, by_input);
      }
    };
    planner.add(std::move(task));
  };
  if (wants_dx) planner.add_gradient(input, emit);
  else emit(-1);
}

}  // namespace

void plan_conv2d(Planner& planner, int node) {
  const Fused f = fuse(planner, node);
  const Conv2D& s = f.shape;
  const Conv2DForward conv = planner.conv2d(f.precision).choose_forward(s, f.options);
  const int input = planner.node(node).inputs[0];
  const int kernel = kernel_of(planner.node(node)), bias = bias_of(planner.node(node));
  const float *weights = planner.weights(kernel), *b = planner.weights(bias);
  const int x = planner.value(input);
  const Planner::ChannelSlice slice =
      f.depthwise() || f.residual >= 0 ? planner.own_channels(f.last) : planner.channels(f.last);
  const int y = slice.buffer;
  const int residual = f.residual >= 0 ? planner.value(f.residual) : -1;
  const int argmax =
      f.has_pool() && planner.differentiated(f.last) ? planner.add_buffer((conv.argmax_bytes + 3) / 4) : -1;

  auto packed = std::make_shared<AlignedFloats>(conv.packed_floats);
  std::shared_ptr<Folded> folded;
  if (f.norm >= 0) {
    folded = std::make_shared<Folded>(Folded{AlignedFloats(s.kh * s.kw * s.c / s.groups * s.k), AlignedFloats(s.k)});
    b = folded->bias.data();
    const BatchNormInputs n = batch_norm_inputs(planner.node(f.norm));
    planner.prepare({kernel, bias, n.gamma, n.beta, n.mean, n.variance}, 1,
                    [=, fold = folder(planner, node, f.norm, folded)](int64_t) {
                      fold();
                      conv.pack(packed->data(), folded->weights.data(), s, 0, conv.pack_pieces);
                    });
  } else {
    planner.prepare({kernel}, conv.pack_pieces, [=](int64_t i) { conv.pack(packed->data(), weights, s, i, i + 1); });
  }

  Task forward;
  forward.name = f.text(planner, node);
  forward.buffers = {x, y};
  if (argmax >= 0) forward.buffers.push_back(argmax);
  if (residual >= 0) forward.buffers.push_back(residual);
  forward.pieces = conv.pieces;
  forward.scratch_floats = conv.scratch_floats;
  forward.flops = f.flops();
  forward.algorithm = conv.name;
  forward.weights = conv.packed_floats;
  forward.weight_uses = conv.weight_reuse;
  forward.run = [=, kept = folded](const Work& w) {
    Images images{w.at(y, w.begin) + slice.channel, w.stride(y), w.at(x, w.begin), w.stride(x), w.end - w.begin};
    images.y_pixel = slice.pixel;
    if (residual >= 0) {
      images.residual = w.at(residual, w.begin);
      images.residual_stride = w.stride(residual);
    }
    if (argmax >= 0) {
      images.argmax = bytes_at(w, argmax, w.begin);
      images.argmax_stride = 4 * w.stride(argmax);
    }
    conv.run(images, packed->data(), b, w.scratch, conv, w.piece_begin, w.piece_end);
  };
  planner.add(std::move(forward));

  planner.on_backward(f.last, [=, &planner, clamps = conv.clamps] { plan_backward(planner, f, node, clamps, argmax); });
}

}  // namespace pycnn
