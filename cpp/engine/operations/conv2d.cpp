// Convolution, with the bias, activation and max-pool that follow it fused behind it; in inference a batch
// normalization between them is folded into the weights.
#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/planner.h"
#include "kernels/conv2d/cost.h"

namespace pycnn {
namespace {

struct Fused {
  Conv2D shape;
  Precision precision;
  FusedPool pool{1, 1};
  bool has_pool = false;
  int norm = -1;      // the batch normalization that is folded
  int residual = -1;  // the node whose value is added
  Activation activation;
  bool clamps = true;  // the activation is a bound from below, or none
  int last;            // the node whose value this task makes
  int64_t out;         // floats of that value

  double flops() const {
    return 2.0 * static_cast<double>(shape.oh * shape.ow * shape.k) *
           static_cast<double>(shape.kh * shape.kw * shape.c / shape.groups);
  }
  bool depthwise() const { return shape.groups == shape.c && shape.groups > 1; }
  // For people: `winograd` is the side of its tiles, or 0.
  std::string algorithm(int winograd) const {
    if (depthwise()) return "depthwise";
    if (winograd == 0) return shape.kh * shape.kw == 1 ? "direct 1x1" : "direct";
    const std::string m = std::to_string(winograd), r = std::to_string(shape.kh);
    return "Winograd F(" + m + "x" + m + "," + r + "x" + r + ")";
  }
  std::string text(const Planner& planner, int node) const {
    std::string name = planner.node(node).name;
    if (precision == Precision::kBfloat16 && !depthwise()) name += " in bfloat16";
    if (norm >= 0) name += " + batch norm";
    if (residual >= 0) name += " + residual";
    if (activation.kind != ActivationKind::kLinear) name += " + activation";
    return has_pool ? name + " + max-pool" : name;
  }
};

// A sum of two, whose other value is there before the convolution: its normalization may come after that.
void fuse_residual(Planner& planner, Fused& f) {
  const int sum = planner.fusable_sum(f.last);
  if (sum < 0) return;
  const std::vector<int>& inputs = planner.node(sum).inputs;
  const int other = inputs[0] == f.last ? inputs[1] : inputs[0];
  if (!planner.is_planned(other)) return;
  if (planner.differentiated(sum)) return;
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
  f.shape = {x.h(),           x.w(),           x.c(),       y.h(),       y.w(),        y.c(),
             kernel[0], kernel[1], n.strides.h, n.strides.w, n.dilation.h, n.dilation.w,
             n.padding.top,   n.padding.left,  n.groups,    n.pad_value};
  f.precision = n.precision;
  f.last = node;
  f.norm = planner.foldable_batch_norm(node);
  if (f.norm >= 0) {
    f.last = f.norm;
    planner.mark_planned(f.norm);
  }
  if (!planner.differentiated(f.last) && !f.depthwise()) fuse_residual(planner, f);
  const int activation = planner.fusable_activation(f.last);
  if (activation >= 0) {
    f.activation = planner.attributes<ActivationNode>(activation).activation;
    f.last = activation;
    planner.mark_planned(activation);
  }
  const int pool = f.depthwise() || f.residual >= 0 ? -1 : planner.fusable_pool(f.last);
  if (pool >= 0) {
    const Pair& size = planner.attributes<Pool2DNode>(pool).pool_size;
    f.pool = {size.h, size.w};
    f.has_pool = true;
    f.last = pool;
    planner.mark_planned(pool);
    // What no window looks at is not computed.
    f.shape.oh = f.shape.oh / size.h * size.h;
    f.shape.ow = f.shape.ow / size.w * size.w;
  }
  f.out = planner.shape(f.last).size();
  // Winograd's output transform pools 2x2 windows and bounds from below; anything else behind it is direct.
  float lower;
  f.clamps = is_clamp(f.activation, &lower);
  if (!planner.exact() && (!f.has_pool || (f.pool.ph == 2 && f.pool.pw == 2 && f.clamps)))
    planner.conv2d(f.precision).choose(f.shape, planner.samples_together());
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

// One task: by the activation, the pool, the weights and the input, image by image while the image is in the cache.
// Behind a max-pool both passes start from the pooled gradient where the kernels can; else from its unpooled form. The
// places of the maxima say where a ReLU has closed.
void plan_backward(Planner& planner, const Fused& f, int node, int argmax) {
  const Conv2D s = f.shape;
  const Conv2DKernels conv = planner.conv2d(f.precision);
  const auto sum_rows = planner.kernels().elementwise.sum_rows;
  const auto activation_backward = planner.kernels().activation.backward;
  const int input = planner.node(node).inputs[0];
  const int kernel = kernel_of(planner.node(node)), bias = bias_of(planner.node(node));
  const bool wants_dw = planner.wants_gradient(kernel), wants_db = planner.wants_gradient(bias);
  const float* weights = planner.weights(kernel);
  const int x = wants_dw ? planner.rematerialized(input) : -1, y = planner.value(f.last), dy = planner.gradient(f.last);
  const bool wants_dx = planner.wants_gradient(input);
  const bool pooled_weight = f.has_pool && s.k <= kUpdateRange && conv.has_pooled_weight(s, f.pool);
  const bool pooled_input = f.has_pool && conv.has_pooled_input(s, f.pool);
  const bool activates = f.activation.kind != ActivationKind::kLinear && !(f.has_pool && f.clamps);
  const bool by_weights = wants_dw || wants_db;
  const bool unpools = f.has_pool && !(((pooled_weight && wants_dw) || !by_weights) && (pooled_input || !wants_dx));
  const int64_t full = unpools ? align_floats(s.oh * s.ow * s.k) : 0;
  const bool transposed = pooled_weight && conv.pooled_weight_transposed(s, f.pool);
  const int64_t dw_slot = wants_dw ? planner.reserve_slot(kernel, transposed) : 0;
  const int64_t db_slot = wants_db ? planner.reserve_slot(bias) : 0;
  std::shared_ptr<AlignedFloats> packed;
  if (wants_dx) {
    packed =
        std::make_shared<AlignedFloats>(pooled_input ? conv.packed_pooled_floats(s) : conv.packed_transposed_floats(s));
    const auto pack = pooled_input ? conv.pack_pooled : conv.pack_transposed;
    planner.prepare({kernel}, (pooled_input ? conv.pack_pooled_pieces : conv.pack_transposed_pieces)(s),
                    [=](int64_t i) { pack(packed->data(), weights, s, i, i + 1); });
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
        full + std::max(conv.scratch_floats(s), f.has_pool ? conv.pooled_scratch_floats(s, f.pool) : 0);
    task.flops = f.flops() * (wants_dw + (dx >= 0));
    const std::string dw_algorithm = !wants_dw        ? ""
                                     : !pooled_weight ? f.algorithm(s.winograd_weight)
                                   : transposed   ? "sparse"
                                                  : "first layer, sparse";
    const std::string dx_algorithm = pooled_input ? "sparse" : f.algorithm(s.winograd_backward);
    if (dx < 0 || dw_algorithm == dx_algorithm) task.algorithm = dw_algorithm;
    else task.algorithm = wants_dw ? dw_algorithm + " dw, " + dx_algorithm + " dx" : dx_algorithm;
    if (packed) {
      task.weights = packed->size();
      task.weight_uses = conv.transposed_weight_uses(s);
    }
    if (wants_dw && s.winograd_weight) {  // its sums of products are transformed at the end of every block
      const int64_t side = s.winograd_weight + s.kh - 1, sums = side * side * s.c * s.k;
      if (sums > task.weights) {
        task.weights = sums;
        task.weight_uses = winograd_tiles(s, s.winograd_weight);
      }
    }
    task.run = [=](const Work& w) {
      float* scratch = w.scratch + full;
      for (int64_t i = w.begin; i < w.end; ++i) {
        float* gradient = w.at(dy, i);
        const auto* places = argmax >= 0 ? reinterpret_cast<const uint8_t*>(w.at(argmax, i)) : nullptr;
        const bool accumulate = w.accumulate || i > w.begin;
        if (activates) activation_backward(gradient, nullptr, w.at(y, i), gradient, f.out, f.activation);
        if (unpools) conv.unpool(w.scratch, gradient, places, s, f.pool);
        float* db = wants_db ? w.slot_gradient(db_slot) : nullptr;
        const bool pooled_dw = pooled_weight && wants_dw;
        if (db && !pooled_dw) sum_rows(db, unpools ? w.scratch : gradient, s.oh * s.ow, s.k, s.k, accumulate);

        if (pooled_dw)
          conv.backward_weight_pooled(w.slot_gradient(dw_slot), db, w.at(x, i), gradient, places, scratch, s, f.pool, accumulate);
        else if (unpools && wants_dw)
          conv.backward_weight(w.slot_gradient(dw_slot), {w.at(x, i), 0, w.scratch, 0, 1}, scratch, s, accumulate);
        if (dx < 0) continue;
        if (pooled_input) conv.backward_input_pooled(w.at(dx, i), gradient, places, packed->data(), scratch, s, f.pool);
        else if (unpools) conv.backward_input({w.at(dx, i), 0, w.scratch, 0, 1}, packed->data(), scratch, s);
      }
      // All images at once: their tiles fill Winograd's products better.
      if (!f.has_pool && wants_dw)
        conv.backward_weight(w.slot_gradient(dw_slot),
                             {w.at(x, w.begin), w.stride(x), w.at(dy, w.begin), w.stride(dy), w.end - w.begin}, scratch,
                             s, w.accumulate);
      if (dx < 0 || pooled_input || unpools) return;
      conv.backward_input({w.at(dx, w.begin), w.stride(dx), w.at(dy, w.begin), w.stride(dy), w.end - w.begin},
                          packed->data(), scratch, s);
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
  const Conv2DKernels& conv = planner.conv2d(f.precision);
  const int input = planner.node(node).inputs[0];
  const int kernel = kernel_of(planner.node(node)), bias = bias_of(planner.node(node));
  const float *weights = planner.weights(kernel), *b = planner.weights(bias);
  const int x = planner.value(input);
  const Planner::ChannelSlice slice =
      f.depthwise() || f.residual >= 0 ? planner.own_channels(f.last) : planner.channels(f.last);
  const int y = slice.buffer;
  const int residual = f.residual >= 0 ? planner.value(f.residual) : -1;
  const int argmax = f.has_pool && planner.differentiated(f.last) ? planner.add_buffer((f.out + 3) / 4) : -1;

  auto packed = std::make_shared<AlignedFloats>(conv.packed_floats(s));
  const int64_t packs = conv.pack_pieces(s);
  std::shared_ptr<Folded> folded;
  if (f.norm >= 0) {
    folded = std::make_shared<Folded>(Folded{AlignedFloats(s.kh * s.kw * s.c / s.groups * s.k), AlignedFloats(s.k)});
    b = folded->bias.data();
    const BatchNormInputs n = batch_norm_inputs(planner.node(f.norm));
    planner.prepare({kernel, bias, n.gamma, n.beta, n.mean, n.variance}, 1, [=, fold = folder(planner, node, f.norm, folded)](int64_t) {
      fold();
      conv.pack(packed->data(), folded->weights.data(), s, 0, packs);
    });
  } else {
    planner.prepare({kernel}, packs, [=](int64_t i) { conv.pack(packed->data(), weights, s, i, i + 1); });
  }

  Task forward;
  forward.name = f.text(planner, node);
  forward.buffers = {x, y};
  if (argmax >= 0) forward.buffers.push_back(argmax);
  if (residual >= 0) forward.buffers.push_back(residual);
  forward.pieces = conv.pieces(s);
  forward.scratch_floats = conv.scratch_floats(s);
  forward.flops = f.flops();
  forward.algorithm = f.algorithm(s.winograd_forward);
  forward.weights = packed->size();
  forward.weight_uses = conv.weight_uses(s);
  forward.run = [=, kept = folded](const Work& w) {
    Images images{w.at(y, w.begin) + slice.channel, w.stride(y), w.at(x, w.begin), w.stride(x), w.end - w.begin};
    images.y_pixel = slice.pixel;
    if (residual >= 0) {
      images.residual = w.at(residual, w.begin);
      images.residual_stride = w.stride(residual);
    }
    if (!f.has_pool) {
      conv.forward(images, packed->data(), b, w.scratch, s, f.activation, w.piece_begin, w.piece_end);
      return;
    }
    if (argmax >= 0) {
      images.argmax = reinterpret_cast<uint8_t*>(w.at(argmax, w.begin));
      images.argmax_stride = 4 * w.stride(argmax);
    }
    conv.forward_pool(images, packed->data(), b, w.scratch, s, f.pool, f.activation, w.piece_begin, w.piece_end);
  };
  planner.add(std::move(forward));

  planner.on_backward(f.last, [=, &planner] { plan_backward(planner, f, node, argmax); });
}

}  // namespace pycnn
