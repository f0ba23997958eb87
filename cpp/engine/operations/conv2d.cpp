// Convolution, with the bias, activation and max-pool that follow it fused into it; in inference a batch normalization
// between them is folded into the weights.
#include <algorithm>
#include <cmath>

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
  std::string text(const Planner& planner, int node, bool rounds) const {
    std::string name = planner.node(node).name;
    if (rounds) name += " in bfloat16";
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
  f.precision = planner.precision(n.precision);
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
// a = gamma / sqrt(variance + epsilon). The result may be where w is.
std::function<void(float* weights, float* bias, const float* w)> folder(Planner& planner, int node, int norm) {
  const BatchNormInputs inputs = batch_norm_inputs(planner.node(norm));
  const float* b = planner.weights(bias_of(planner.node(node)));
  const float *gamma = planner.weights(inputs.gamma), *beta = planner.weights(inputs.beta);
  const float *mean = planner.weights(inputs.mean), *variance = planner.weights(inputs.variance);
  const float epsilon = planner.attributes<BatchNormNode>(norm).epsilon;
  const int64_t k = planner.shape(node).c(), size = planner.shape(kernel_of(planner.node(node))).size();
  return [=](float* weights, float* bias, const float* w) {
    std::vector<float> scale(static_cast<size_t>(k));
    for (int64_t i = 0; i < k; ++i) {
      const float a = (gamma ? gamma[i] : 1.0f) / std::sqrt(variance[i] + epsilon);
      scale[static_cast<size_t>(i)] = a;
      bias[i] = ((b ? b[i] : 0.0f) - mean[i]) * a + (beta ? beta[i] : 0.0f);
    }
    for (int64_t i = 0; i < size; ++i) weights[i] = w[i] * scale[static_cast<size_t>(i % k)];
  };
}

// argmax are bytes in a buffer of floats.
uint8_t* bytes_at(const Work& w, int buffer, int64_t sample) {
  return buffer >= 0 ? reinterpret_cast<uint8_t*>(w.at(buffer, sample)) : nullptr;
}

// From so many weights on, and only where they are more than what their gradient is made of.
constexpr int64_t kLargeGradient = 1 << 17;
// From so many on even where a pool's gradient could be taken as the sparse one that it is.
constexpr int64_t kHugeGradient = 1 << 20;

// The backward pass of a convolution with what is fused into it.
class ConvolutionBackward {
 public:
  ConvolutionBackward(Planner& planner, const Fused& f, int node, bool clamps, int argmax);
  void plan();

 private:
  bool sums_whole_chunk();
  void weigh(Task& task) const;
  void plan_block(int dx);
  void plan_input(int dx, bool with_previous);
  void plan_weight_pieces();

  Planner& planner_;
  const Fused f_;
  const int node_, argmax_;
  const int input_, kernel_, bias_;
  const bool wants_dw_, wants_db_, wants_dx_;
  Conv2DBackwardWeight by_weight_;
  Conv2DBackwardInput by_input_;
  bool activates_;
  bool in_pieces_;     // the weight gradient is
  int x_, y_, dy_;     // buffers
  int unpooled_ = -1;  // the gradient before the pool of all samples
  PackedWeights packed_;
};

ConvolutionBackward::ConvolutionBackward(Planner& planner, const Fused& f, int node, bool clamps, int argmax)
    : planner_(planner), f_(f), node_(node), argmax_(argmax), input_(planner.node(node).inputs[0]),
      kernel_(kernel_of(planner.node(node))), bias_(bias_of(planner.node(node))),
      wants_dw_(planner.wants_gradient(kernel_)), wants_db_(planner.wants_gradient(bias_)),
      wants_dx_(planner.wants_gradient(input_)) {
  const Conv2DKernels& conv = planner.conv2d(f.precision);
  by_weight_ = conv.choose_backward_weight(f.shape, f.options);
  by_input_ = conv.choose_backward_input(f.shape, f.options);
  activates_ = f.options.activation.kind != ActivationKind::kLinear && !(f.has_pool() && clamps);
  in_pieces_ = sums_whole_chunk();
  x_ = wants_dw_ ? planner.rematerialized(input_) : -1;
  y_ = planner.value(f.last);
  dy_ = planner.gradient(f.last);
  if (in_pieces_ && f.has_pool()) unpooled_ = planner.add_buffer(f.shape.oh * f.shape.ow * f.shape.k);
  if (!wants_dx_) return;
  packed_ = planner.pack(kernel_, by_input_.packed_floats, by_input_.pack_pieces,
                         [form = by_input_](float* packed, const float* weights, int64_t i) {
                           form.pack(packed, weights, form.shape, i, i + 1);
                         });
}

// A large weight gradient is summed over all samples of the chunk, cut by channels: slots of it would take much memory,
// and more time than the samples' values take.
bool ConvolutionBackward::sums_whole_chunk() {
  const Conv2D& s = f_.shape;
  const int64_t weights = s.kh * s.kw * s.c / s.groups * s.k;
  if (!wants_dw_ || weights < kLargeGradient || weights < s.h * s.w * s.c + s.oh * s.ow * s.k) return false;
  if (by_weight_.pooled && weights < kHugeGradient) return false;
  Conv2DOptions options = f_.options;
  options.pool = {};
  const Conv2DBackwardWeight form = planner_.conv2d(f_.precision).choose_backward_weight(s, options);
  if (form.pieces == 0) return false;
  by_weight_ = form;
  return true;
}

void ConvolutionBackward::plan() {
  // What is not one image after the other while it is in the cache can be cut finer.
  const bool pooled = f_.has_pool(), by_pool = by_weight_.pooled && by_input_.pooled && !in_pieces_;
  const bool apart = planner_.cuts_large_tasks() && wants_dx_ && (!pooled || (by_pool && wants_dw_));
  const bool others = (!in_pieces_ && (wants_dw_ || wants_db_)) || activates_ || pooled;
  if (others && (apart || !wants_dx_)) plan_block(-1);
  if (wants_dx_)
    planner_.add_gradient(input_, [&](int dx) { apart ? plan_input(dx, others && !activates_) : plan_block(dx); });
  if (in_pieces_) plan_weight_pieces();
}

// The larger ones of the weights that the gradients by input and weights read for every block: the same for both,
// whether they are a task together or two, since the blocks, and with them the bits of sums, depend on it.
void ConvolutionBackward::weigh(Task& task) const {
  if (wants_dx_) {
    task.weights = by_input_.packed_floats;
    task.weight_uses = by_input_.weight_reuse;
  }
  if (wants_dw_ && !in_pieces_ && by_weight_.sum_floats > task.weights) {
    task.weights = by_weight_.sum_floats;
    task.weight_uses = by_weight_.weight_reuse;
  }
}

// By the input alone, which can be cut inside a sample.
void ConvolutionBackward::plan_input(int dx, bool with_previous) {
  const int dy = dy_, argmax = argmax_;
  Task task;
  task.name = planner_.node(node_).name + " backward by input";
  task.buffers = {dy, dx};
  if (argmax >= 0) task.buffers.push_back(argmax);
  packed_.add_to(task.buffers);
  task.pieces = by_input_.pieces;
  task.may_be_cut = true;
  task.with_previous = with_previous;
  task.scratch_floats = by_input_.scratch_floats;
  task.flops = f_.flops();
  task.algorithm = by_input_.name;
  weigh(task);
  task.run = [=, by_input = by_input_, packed = packed_](const Work& w) {
    InputGradients images{w.at(dx, w.begin), w.stride(dx), w.at(dy, w.begin), w.stride(dy), w.end - w.begin};
    images.argmax = bytes_at(w, argmax, w.begin);
    images.argmax_stride = argmax >= 0 ? 4 * w.stride(argmax) : 0;
    by_input.run(images, packed.at(w), w.scratch, by_input, w.piece_begin, w.piece_end);
  };
  planner_.add(std::move(task));
}

// One task: by the activation, the pool, the weights unless they are another's, and the input unless that is, image by
// image while the image is in the cache. With a max-pool both passes start from the pooled gradient where their forms
// can; else from its unpooled form. The argmax says where a ReLU has closed. Without one a pass takes all images at
// once: their tiles fill Winograd's products better.
void ConvolutionBackward::plan_block(int dx) {
  const Fused f = f_;
  const Conv2D s = f.shape;
  const int x = in_pieces_ ? -1 : x_, y = y_, dy = dy_, argmax = argmax_, unpooled = unpooled_;
  const bool dw_here = wants_dw_ && !in_pieces_, db_here = wants_db_ && !in_pieces_, activates = activates_;
  const bool dense_dw = dw_here ? !by_weight_.pooled : db_here;  // reads the gradient before the pool
  const bool unpools = f.has_pool() && (in_pieces_ || dense_dw || (dx >= 0 && !by_input_.pooled));
  const int64_t full = unpools && unpooled < 0 ? align_floats(s.oh * s.ow * s.k) : 0;
  const int64_t dw_slot = dw_here ? planner_.reserve_slot(kernel_, by_weight_.transposed) : 0;
  const int64_t db_slot = db_here ? planner_.reserve_slot(bias_) : 0;
  Task task;
  task.name = planner_.node(node_).name + " backward";
  task.buffers = {dy};
  if (x >= 0) task.buffers.push_back(x);
  if (activates) task.buffers.push_back(y);
  if (argmax >= 0) task.buffers.push_back(argmax);
  if (unpooled >= 0) task.buffers.push_back(unpooled);
  if (dx >= 0) {
    task.buffers.push_back(dx);
    packed_.add_to(task.buffers);
  }
  task.scratch_floats =
      full + std::max(dw_here ? by_weight_.scratch_floats : 0, dx >= 0 ? by_input_.scratch_floats : 0);
  task.flops = f.flops() * (dw_here + (dx >= 0));
  task.by_slots = dw_here || db_here;
  task.may_be_cut = dw_here && dx < 0;
  task.algorithm = dw_here ? by_weight_.name : by_input_.name;
  if (dx >= 0 && task.algorithm != by_input_.name) task.algorithm += " dw, " + std::string(by_input_.name) + " dx";
  weigh(task);
  task.run = [=, by_weight = by_weight_, by_input = by_input_, packed = packed_,
              unpool = planner_.conv2d(f.precision).unpool,
              activation_backward = planner_.kernels().activation.backward,
              sum_rows = planner_.kernels().elementwise.sum_rows](const Work& w) {
    float* scratch = w.scratch + full;
    float* db = db_here ? w.slot_gradient(db_slot) : nullptr;
    const int64_t count = f.has_pool() ? 1 : w.end - w.begin;
    for (int64_t i = w.begin; i < w.end; i += count) {
      for (int64_t j = i; activates && j < i + count; ++j)
        activation_backward(w.at(dy, j), nullptr, w.at(y, j), w.at(dy, j), f.out, f.options.activation);
      const uint8_t* argmaxes = bytes_at(w, argmax, i);
      float* dense = unpooled >= 0 ? w.at(unpooled, i) : w.scratch;
      if (unpools) unpool(dense, w.at(dy, i), argmaxes, s, f.options.pool);
      const auto gradient = [&](bool pooled) { return unpools && !pooled ? dense : w.at(dy, i); };
      const bool accumulate = w.accumulate || i > w.begin;
      if (dw_here)
        by_weight.run(w.slot_gradient(dw_slot), db,
                      {w.at(x, i), w.stride(x), gradient(by_weight.pooled), w.stride(dy), count, argmaxes}, scratch,
                      by_weight, accumulate);
      for (int64_t j = i; db && !dw_here && j < i + count; ++j)
        sum_rows(db, unpools ? dense : w.at(dy, j), s.oh * s.ow, s.k, s.k, accumulate || j > i);
      if (dx < 0) continue;
      by_input.run({w.at(dx, i), w.stride(dx), gradient(by_input.pooled), w.stride(dy), count, argmaxes}, packed.at(w),
                   scratch, by_input, 0, by_input.pieces);
    }
  };
  planner_.add(std::move(task));
}

void ConvolutionBackward::plan_weight_pieces() {
  const int x = x_, dy = unpooled_ >= 0 ? unpooled_ : dy_;
  float *dw = planner_.gradient_of(kernel_), *db = wants_db_ ? planner_.gradient_of(bias_) : nullptr;
  Task task;
  task.name = planner_.node(node_).name + " backward by weights";
  task.kind = Task::kSplit;
  task.buffers = {x, dy};
  task.pieces = by_weight_.pieces;
  task.scratch_floats = by_weight_.piece_scratch_floats;
  task.flops = f_.flops();
  task.algorithm = by_weight_.name;
  task.run = [=, form = by_weight_](const Work& w) {
    const ImagePairs images{w.at(x, 0), w.stride(x), w.at(dy, 0), w.stride(dy), w.run.samples};
    for (int64_t piece = w.piece_begin; piece < w.piece_end; ++piece)
      form.run_piece(dw, db, images, w.scratch, form, w.run.begin > 0, piece);
  };
  planner_.add(std::move(task));
}

}  // namespace

void plan_conv2d(Planner& planner, int node) {
  const Fused f = fuse(planner, node);
  const Conv2D& s = f.shape;
  const Conv2DForward conv = planner.conv2d(f.precision).choose_forward(s, f.options);
  const int input = planner.node(node).inputs[0];
  const int kernel = kernel_of(planner.node(node)), bias = bias_of(planner.node(node));
  const float* b = planner.weights(bias);
  const int x = planner.value(input);
  const Planner::ChannelSlice slice =
      f.depthwise() || f.residual >= 0 ? planner.own_channels(f.last) : planner.channels(f.last);
  const int y = slice.buffer;
  const int residual = f.residual >= 0 ? planner.value(f.residual) : -1;
  const int argmax =
      f.has_pool() && planner.differentiated(f.last) ? planner.add_buffer((conv.argmax_bytes + 3) / 4) : -1;

  PackedWeights packed;
  if (f.norm >= 0) {
    float* const memory = planner.add_memory(conv.packed_floats, MemoryKind::kPackedWeights);
    float* const folded_bias = planner.add_memory(s.k, MemoryKind::kPackedWeights);
    packed.memory = memory;
    b = folded_bias;
    const BatchNormInputs n = batch_norm_inputs(planner.node(f.norm));
    planner.prepare(
        {kernel, bias, n.gamma, n.beta, n.mean, n.variance}, 1,
        [=, fold = folder(planner, node, f.norm), weights = planner.stored_weights(kernel)](int64_t, float* folded) {
          fold(folded, folded_bias, weights.at(folded));
          conv.pack(memory, folded, s, 0, conv.pack_pieces);
        },
        planner.shape(kernel).size());
  } else {
    packed = planner.pack(kernel, conv.packed_floats, conv.pack_pieces,
                          [=](float* to, const float* weights, int64_t i) { conv.pack(to, weights, s, i, i + 1); });
  }

  Task forward;
  forward.name = f.text(planner, node, conv.rounds);
  forward.buffers = {x, y};
  packed.add_to(forward.buffers);
  if (argmax >= 0) forward.buffers.push_back(argmax);
  if (residual >= 0) forward.buffers.push_back(residual);
  forward.pieces = conv.pieces;
  forward.may_be_cut = true;
  forward.scratch_floats = conv.scratch_floats;
  forward.flops = f.flops();
  forward.algorithm = conv.name;
  forward.weights = conv.packed_floats;
  forward.weight_uses = conv.weight_reuse;
  forward.run = [=](const Work& w) {
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
    conv.run(images, packed.at(w), b, w.scratch, conv, w.piece_begin, w.piece_end);
  };
  planner.add(std::move(forward));

  planner.on_backward(
      f.last, [=, &planner, clamps = conv.clamps] { ConvolutionBackward(planner, f, node, clamps, argmax).plan(); });
}

}  // namespace pycnn
