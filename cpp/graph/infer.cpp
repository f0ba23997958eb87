#include "graph/infer.h"

#include <cmath>

namespace pycnn {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 31;     // elements of one tensor of one sample
constexpr int64_t kMaxWeights = int64_t{1} << 40;  // elements of one parameter

[[noreturn]] void fail(const std::string& name, const std::string& message) {
  throw std::invalid_argument(name + ": " + message);
}

void require_positive(const std::string& name, const char* what, int64_t value) {
  if (value < 1) fail(name, std::string(what) + " must be at least 1, not " + std::to_string(value));
}

void require_positive(const std::string& name, const char* what, const Pair& value) {
  if (value.h < 1 || value.w < 1)
    fail(name, std::string(what) + " must be at least 1, not " + text_of({value.h, value.w}));
  if (value.h > kMaxSize || value.w > kMaxSize)
    fail(name, std::string(what) + " is too large: " + text_of({value.h, value.w}));
}

void require_not_negative(const std::string& name, const Padding& p) {
  if (p.top < 0 || p.bottom < 0 || p.left < 0 || p.right < 0)
    fail(name, "padding must not be negative, but is (top, bottom, left, right) = " +
                   text_of({p.top, p.bottom, p.left, p.right}));
  if (p.top > kMaxSize || p.bottom > kMaxSize || p.left > kMaxSize || p.right > kMaxSize)
    fail(name, "padding is too large");
}

const Shape& require_image(const std::string& name, const Shape& x) {
  if (x.rank() != 3)
    fail(name, "expected images of shape (height, width, channels), but the input has shape " + x.text());
  return x;
}

// Whether the product of positive dims is larger than limit.
bool exceeds(const std::vector<int64_t>& dims, int64_t limit) {
  int64_t size = 1;
  for (int64_t d : dims) {
    if (d > limit / size) return true;
    size *= d;
  }
  return false;
}

Shape checked(const std::string& name, Shape shape) {
  for (int64_t d : shape.dims)
    if (d < 1) fail(name, "every dimension must be at least 1, but the shape is " + shape.text());
  if (exceeds(shape.dims, kMaxSize)) fail(name, "a sample of shape " + shape.text() + " is too large");
  return shape;
}

void check_weights(const std::string& name, const std::vector<int64_t>& dims) {
  if (exceeds(dims, kMaxWeights)) fail(name, "its weights are too large: " + text_of(dims));
}

// One overload an operation: the rules that its inputs must keep, and its output shape.
struct Infer {
  const std::string& name;
  const std::vector<Shape>& inputs;
  const Shape& requested;

  const Shape& x() const {
    if (inputs.size() != 1) fail(name, "expected one input, not " + std::to_string(inputs.size()));
    return inputs[0];
  }

  Shape operator()(const InputNode&) const {
    if (!inputs.empty()) fail(name, "an input has no inputs");
    if (requested.dims.empty()) fail(name, "an input needs at least one dimension besides the batch");
    return requested;
  }

  Shape operator()(const Conv2DNode& n) const {
    const Shape& image = require_image(name, x());
    require_positive(name, "filters", n.filters);
    require_positive(name, "kernel_size", n.kernel_size);
    require_positive(name, "strides", n.strides);
    require_positive(name, "dilation", n.dilation);
    require_positive(name, "groups", n.groups);
    require_not_negative(name, n.padding);
    if (std::isnan(n.pad_value)) fail(name, "pad_value must be a number");
    if (image.c() % n.groups != 0)
      fail(name, "the input has " + std::to_string(image.c()) + " channels, which " + std::to_string(n.groups) +
                     " groups do not divide");
    if (n.filters % n.groups != 0)
      fail(name, std::to_string(n.filters) + " filters cannot be divided into " + std::to_string(n.groups) + " groups");
    check_weights(name, {n.kernel_size.h, n.kernel_size.w, image.c() / n.groups, n.filters});
    const Padding& p = n.padding;
    if (exceeds({p.top + image.h() + p.bottom, p.left + image.w() + p.right, image.c()}, kMaxSize))
      fail(name, "the input with its padding is too large");
    return {{window_count(name, "height", image.dims[0], n.kernel_size.h, n.strides.h, n.dilation.h, n.padding.top,
                          n.padding.bottom),
             window_count(name, "width", image.dims[1], n.kernel_size.w, n.strides.w, n.dilation.w, n.padding.left,
                          n.padding.right),
             n.filters}};
  }

  Shape operator()(const DenseNode& n) const {
    require_positive(name, "units", n.units);
    Shape y = x();
    check_weights(name, {y.c(), n.units});
    y.dims.back() = n.units;
    return y;
  }

  Shape operator()(const ActivationNode& n) const {
    if (std::isnan(n.activation.alpha) || std::isnan(n.activation.max_value) || std::isnan(n.activation.threshold))
      fail(name, "the activation's parameters must be numbers");
    return x();
  }

  Shape operator()(const SoftmaxNode&) const { return x(); }

  Shape operator()(const MaxoutNode& n) const {
    require_positive(name, "pieces", n.pieces);
    if (x().c() % n.pieces != 0)
      fail(name, std::to_string(x().c()) + " channels cannot be divided into groups of " + std::to_string(n.pieces));
    Shape y = x();
    y.dims.back() /= n.pieces;
    return y;
  }

  Shape operator()(const Pool2DNode& n) const {
    const Shape& image = require_image(name, x());
    require_positive(name, "pool_size", n.pool_size);
    require_positive(name, "strides", n.strides);
    require_not_negative(name, n.padding);
    const Padding& p = n.padding;
    if (p.top >= n.pool_size.h || p.bottom >= n.pool_size.h || p.left >= n.pool_size.w || p.right >= n.pool_size.w)
      fail(name, "padding must be smaller than the window " + text_of({n.pool_size.h, n.pool_size.w}) +
                     ", but is (top, bottom, left, right) = " + text_of({p.top, p.bottom, p.left, p.right}));
    return {
        {window_count(name, "height", image.dims[0], n.pool_size.h, n.strides.h, 1, n.padding.top, n.padding.bottom),
         window_count(name, "width", image.dims[1], n.pool_size.w, n.strides.w, 1, n.padding.left, n.padding.right),
         image.c()}};
  }

  Shape operator()(const ReshapeNode&) const {
    if (requested.dims.empty()) fail(name, "a reshape needs at least one dimension besides the batch");
    checked(name, requested);
    if (requested.size() != x().size())
      fail(name, "cannot reshape " + x().text() + " (" + std::to_string(x().size()) + " values) to " +
                     requested.text() + " (" + std::to_string(requested.size()) + ")");
    return requested;
  }

  Shape operator()(const DropoutNode& n) const {
    if (!(n.rate >= 0 && n.rate < 1)) fail(name, "rate must lie in [0, 1), but is " + std::to_string(n.rate));
    return x();
  }

  Shape operator()(const BatchNormNode& n) const {
    if (!(n.momentum >= 0 && n.momentum <= 1))
      fail(name, "momentum must lie in [0, 1], but is " + std::to_string(n.momentum));
    if (!(n.epsilon > 0)) fail(name, "epsilon must be positive, but is " + std::to_string(n.epsilon));
    return x();
  }

  Shape operator()(const Pad2DNode& n) const {
    const Shape& image = require_image(name, x());
    require_not_negative(name, n.padding);
    const int64_t h = image.dims[0], w = image.dims[1];
    const Padding& p = n.padding;
    if (n.mode == PadMode::kReflect && (p.top >= h || p.bottom >= h || p.left >= w || p.right >= w))
      fail(name, "reflection can pad at most the size - 1 of the image " + image.text());
    return {{p.top + h + p.bottom, p.left + w + p.right, image.c()}};
  }

  Shape operator()(const ScaleShiftNode&) const { return x(); }
  Shape operator()(const AddNode&) const { return same_shapes(); }
  Shape operator()(const MultiplyNode&) const { return same_shapes(); }

  Shape same_shapes() const {
    if (inputs.size() < 2) fail(name, "expected at least two inputs, not " + std::to_string(inputs.size()));
    for (const Shape& other : inputs)
      if (other.dims != inputs[0].dims)
        fail(name, "all inputs must have one shape, but they have " + inputs[0].text() + " and " + other.text());
    return inputs[0];
  }

  Shape operator()(const ConcatNode&) const {
    if (inputs.size() < 2) fail(name, "expected at least two inputs, not " + std::to_string(inputs.size()));
    Shape y = inputs[0];
    for (size_t i = 1; i < inputs.size(); ++i) {
      Shape other = inputs[i];
      const int64_t channels = other.c();
      other.dims.back() = inputs[0].c();
      if (other.dims != inputs[0].dims)
        fail(name, "inputs may differ in the last axis only, but have shapes " + inputs[0].text() + " and " +
                       inputs[i].text());
      y.dims.back() += channels;
    }
    return y;
  }
};

}  // namespace

int64_t window_count(const std::string& name, const char* axis, int64_t size, int64_t kernel, int64_t stride,
                     int64_t dilation, int64_t before, int64_t after) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  const int64_t padded = size + before + after;
  if (reach > padded)
    fail(name, "the kernel or window spans " + std::to_string(reach) + " pixels in " + axis +
                   ", but the input with its padding has only " + std::to_string(padded));
  return (padded - reach) / stride + 1;
}

Shape infer_shape(const std::string& name, const Attributes& attributes, const std::vector<Shape>& inputs,
                  const Shape& requested) {
  return checked(name, std::visit(Infer{name, inputs, requested}, attributes));
}

std::vector<Parameter> parameters_of(const Attributes& attributes, const std::vector<Shape>& inputs) {
  std::vector<Parameter> parameters;
  const auto add = [&](const char* name, std::vector<int64_t> dims, bool trainable = true) {
    parameters.push_back({name, std::move(dims), -1, trainable});
  };
  if (const auto* conv = std::get_if<Conv2DNode>(&attributes)) {
    add("kernel", {conv->kernel_size.h, conv->kernel_size.w, inputs[0].c() / conv->groups, conv->filters});
    if (conv->use_bias) add("bias", {conv->filters});
  } else if (const auto* dense = std::get_if<DenseNode>(&attributes)) {
    add("kernel", {inputs[0].c(), dense->units});
    if (dense->use_bias) add("bias", {dense->units});
  } else if (const auto* norm = std::get_if<BatchNormNode>(&attributes)) {
    if (norm->scale) add("gamma", {inputs[0].c()}, !norm->frozen);
    if (norm->center) add("beta", {inputs[0].c()}, !norm->frozen);
    add("moving_mean", {inputs[0].c()}, false);
    add("moving_variance", {inputs[0].c()}, false);
  }
  return parameters;
}

}  // namespace pycnn
