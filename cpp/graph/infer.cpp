#include "graph/infer.h"

#include <algorithm>
#include <cmath>

#include "graph/fields.h"

namespace pycnn {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 31;  // elements of one value of one sample
constexpr size_t kMaxOperands = 64;             // of one expression

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

std::string count_text(size_t n) { return std::to_string(n); }

// An instruction reads operands and the results of those before it. What it does not read names a register too.
void check_code(const std::string& name, const std::vector<MapInstruction>& code, size_t operands) {
  if (code.empty()) fail(name, "an expression needs at least one instruction");
  for (size_t i = 0; i < code.size(); ++i) {
    const int32_t registers[] = {code[i].a, code[i].b, code[i].c};
    for (int k = 0; k < 3; ++k) {
      const size_t written = operands + (k < operand_count(code[i].op) ? i : code.size());
      if (registers[k] < 0 || static_cast<size_t>(registers[k]) >= written)
        fail(name, "instruction " + count_text(i) + " reads register " + std::to_string(registers[k]) +
                       ", which nothing has written");
    }
  }
}

// The lowest and highest offset that a strided view touches must lie inside `size` values.
void check_view(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int64_t>& strides,
                int64_t offset, int64_t size) {
  if (strides.size() != dims.size())
    fail(name,
         "a view of " + count_text(dims.size()) + " axes needs as many strides, not " + count_text(strides.size()));
  if (dims.size() > static_cast<size_t>(kMaxAxes)) fail(name, "has more than " + std::to_string(kMaxAxes) + " axes");
  if (offset < 0 || offset >= size)
    fail(name, "the view begins at value " + std::to_string(offset) + " of " + std::to_string(size));
  int64_t low = offset, high = offset;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (strides[i] > kMaxSize || strides[i] < -kMaxSize) fail(name, "a stride is too large");
    (strides[i] < 0 ? low : high) += strides[i] * (dims[i] - 1);
  }
  if (low < 0 || high >= size)
    fail(name, "the view touches values " + std::to_string(low) + " to " + std::to_string(high) + " of " +
                   std::to_string(size));
}

// One overload an operation: the rules that its inputs must keep, and its output shape.
struct Infer {
  const std::string& name;
  const std::vector<const Node*>& inputs;
  const Shape& requested;

  void require_inputs(size_t least, size_t most) const {
    if (inputs.size() >= least && inputs.size() <= most) return;
    const std::string wanted = least == most ? (least == 1 ? "one input" : count_text(least) + " inputs")
                                             : count_text(least) + " to " + count_text(most) + " inputs";
    fail(name, "expected " + wanted + ", not " + count_text(inputs.size()));
  }
  const Shape& shape(size_t i) const { return inputs[i]->shape; }
  const Shape& x() const {
    require_inputs(1, 1);
    return shape(0);
  }
  const Shape& samples() const {
    if (!inputs[0]->batched) fail(name, "its input is the same for all samples; expected one with a batch axis");
    return shape(0);
  }
  // A weight of this shape, without a batch axis.
  void require_weight(size_t i, const char* what, const std::vector<int64_t>& dims) const {
    if (inputs[i]->batched || shape(i).dims != dims)
      fail(name, std::string("needs a ") + what + " of shape " + text_of(dims) + ", but has one of shape " +
                     shape(i).text() + (inputs[i]->batched ? " for each sample" : ""));
  }

  Shape operator()(const InputNode&) const {
    if (!inputs.empty()) fail(name, "an input has no inputs");
    return requested;
  }

  Shape operator()(const ParameterNode&) const { return requested; }

  Shape operator()(const ConstantNode& n) const {
    require_inputs(0, 0);
    checked(name, requested);
    if (!n.values || requested.size() != static_cast<int64_t>(n.values->size()))
      fail(name, "a constant of shape " + requested.text() + " needs " + std::to_string(requested.size()) + " values");
    return requested;
  }

  Shape operator()(const Conv2DNode& n) const {
    require_inputs(2, 3);
    const Shape& image = require_image(name, samples());
    const Shape& kernel = shape(1);
    if (kernel.rank() != 4)
      fail(name, "needs a kernel of shape (height, width, channels / groups, filters), not " + kernel.text());
    const int64_t filters = kernel.dims[3];
    const Pair kernel_size{kernel.dims[0], kernel.dims[1]};
    require_positive(name, "kernel_size", kernel_size);
    require_positive(name, "strides", n.strides);
    require_positive(name, "dilation", n.dilation);
    require_positive(name, "groups", n.groups);
    require_not_negative(name, n.padding);
    if (std::isnan(n.pad_value)) fail(name, "pad_value must be a number");
    if (image.c() % n.groups != 0)
      fail(name, "the input has " + std::to_string(image.c()) + " channels, which " + std::to_string(n.groups) +
                     " groups do not divide");
    if (filters % n.groups != 0)
      fail(name, std::to_string(filters) + " filters cannot be divided into " + std::to_string(n.groups) + " groups");
    require_weight(1, "kernel", {kernel_size.h, kernel_size.w, image.c() / n.groups, filters});
    if (inputs.size() > 2) require_weight(2, "bias", {filters});
    const Padding& p = n.padding;
    if (exceeds({p.top + image.h() + p.bottom, p.left + image.w() + p.right, image.c()}, kMaxSize))
      fail(name, "the input with its padding is too large");
    return {{window_count(name, "height", image.dims[0], kernel_size.h, n.strides.h, n.dilation.h, n.padding.top,
                          n.padding.bottom),
             window_count(name, "width", image.dims[1], kernel_size.w, n.strides.w, n.dilation.w, n.padding.left,
                          n.padding.right),
             filters}};
  }

  Shape operator()(const DenseNode&) const {
    require_inputs(2, 3);
    Shape y = samples();
    if (y.dims.empty()) fail(name, "its input needs at least one dimension besides the batch");
    if (shape(1).rank() != 2) fail(name, "needs a kernel of shape (inputs, units), not " + shape(1).text());
    const int64_t units = shape(1).dims[1];
    require_weight(1, "kernel", {y.c(), units});
    if (inputs.size() > 2) require_weight(2, "bias", {units});
    y.dims.back() = units;
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
    if (x().dims.empty()) fail(name, "its input needs at least one dimension besides the batch");
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
    checked(name, requested);
    if (requested.size() != x().size())
      fail(name, "cannot reshape " + x().text() + " (" + std::to_string(x().size()) + " values) to " +
                     requested.text() + " (" + std::to_string(requested.size()) + ")");
    return requested;
  }

  Shape operator()(const DropoutNode& n) const {
    if (!(n.rate >= 0 && n.rate < 1)) fail(name, "rate must lie in [0, 1), but is " + std::to_string(n.rate));
    x();
    return samples();
  }

  Shape operator()(const UniformNode&) const {
    require_inputs(0, 0);
    return requested;
  }

  Shape operator()(const BatchNormNode& n) const {
    const size_t weights = 2 + n.center + n.scale;
    require_inputs(1 + weights, 1 + weights);
    const Shape& y = samples();
    if (!(n.momentum >= 0 && n.momentum <= 1))
      fail(name, "momentum must lie in [0, 1], but is " + std::to_string(n.momentum));
    if (!(n.epsilon > 0)) fail(name, "epsilon must be positive, but is " + std::to_string(n.epsilon));
    for (size_t i = 1; i <= weights; ++i) {
      require_weight(i, "weight", {y.c()});
      if (i + 2 > weights && !std::holds_alternative<ParameterNode>(inputs[i]->attributes))
        fail(name, "its moving statistics must be parameters");
    }
    return y;
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

  Shape operator()(const AddNode&) const {
    if (inputs.size() < 2) fail(name, "expected at least two inputs, not " + count_text(inputs.size()));
    for (const Node* other : inputs) {
      if (other->shape.dims != shape(0).dims)
        fail(name, "all inputs must have one shape, but they have " + shape(0).text() + " and " + other->shape.text());
      if (other->batched != inputs[0]->batched) fail(name, "all inputs must have a batch axis, or none");
    }
    return shape(0);
  }

  Shape operator()(const ConcatNode& n) const {
    if (inputs.size() < 2) fail(name, "expected at least two inputs, not " + count_text(inputs.size()));
    Shape y = shape(0);
    const int64_t axis = n.axis < 0 ? n.axis + y.rank() : n.axis;
    if (axis < 0 || axis >= y.rank())
      fail(name, "axis " + std::to_string(n.axis) + " is none of a sample of shape " + y.text());
    for (size_t i = 1; i < inputs.size(); ++i) {
      Shape other = shape(i);
      const int64_t size = axis < other.rank() ? other.dims[static_cast<size_t>(axis)] : 0;
      if (axis < other.rank()) other.dims[static_cast<size_t>(axis)] = shape(0).dims[static_cast<size_t>(axis)];
      if (other.dims != shape(0).dims)
        fail(name, "inputs may differ in " + (axis + 1 == y.rank() ? "the last axis" : "axis " + std::to_string(axis)) +
                       " only, but have shapes " + shape(0).text() + " and " + shape(i).text());
      y.dims[static_cast<size_t>(axis)] += size;
    }
    return y;
  }

  Shape operator()(const MapNode& n) const {
    if (inputs.size() > kMaxOperands)
      fail(name, "an expression of more than " + count_text(kMaxOperands) + " operands");
    check_code(name, n.code, inputs.size());
    Shape y;
    for (const Node* input : inputs) y = broadcast_shapes(name, y, input->shape);
    if (y.rank() > kMaxAxes) fail(name, "has more than " + std::to_string(kMaxAxes) + " axes");
    return y;
  }

  Shape operator()(const ReduceNode& n) const {
    checked(name, requested);
    if (n.outer < 1 || n.n < 1 || n.inner < 1 || exceeds({n.outer, n.n, n.inner}, kMaxSize) ||
        n.outer * n.n * n.inner != x().size() || requested.size() != n.outer * n.inner)
      fail(name, "cannot reduce " + x().text() + " as (" + std::to_string(n.outer) + ", " + std::to_string(n.n) + ", " +
                     std::to_string(n.inner) + ") to " + requested.text());
    return requested;
  }

  Shape operator()(const StridedNode& n) const {
    check_view(name, checked(name, requested).dims, n.strides, n.offset, x().size());
    return requested;
  }

  Shape operator()(const ScatterNode& n) const {
    check_view(name, x().dims, n.strides, n.offset, checked(name, requested).size());
    return requested;
  }

  Shape operator()(const MatmulNode& n) const {
    require_inputs(2, 2);
    const auto matrix = [&](size_t i, bool transposed) -> Pair {
      const Shape& s = shape(i);
      if (s.rank() < 2) fail(name, "multiplies matrices, but an input has shape " + s.text());
      return transposed ? Pair{s.c(), s.w()} : Pair{s.w(), s.c()};
    };
    const Pair a = matrix(0, n.transpose_a), b = matrix(1, n.transpose_b);
    Shape y = shape(0), other = shape(1);
    if (other.rank() > y.rank()) std::swap(y, other);
    if (a.w != b.h)
      fail(name, "cannot multiply " + shape(0).text() + " by " + shape(1).text() + ": inner sizes " +
                     std::to_string(a.w) + " and " + std::to_string(b.h) + " differ");
    const bool shared = other.rank() == 2;
    if (!shared && !std::equal(y.dims.begin(), y.dims.end() - 2, other.dims.begin(), other.dims.end() - 2))
      fail(name, "leading axes differ: " + shape(0).text() + " and " + shape(1).text());
    y.dims[y.dims.size() - 2] = a.h;
    y.dims.back() = b.w;
    return y;
  }

  Shape operator()(const TakeNode& n) const {
    require_inputs(2, 2);
    if (n.axis < 0 || n.axis >= shape(0).rank())
      fail(name, "axis " + std::to_string(n.axis) + " is none of a sample of shape " + shape(0).text());
    Shape y;
    const auto& from = shape(0).dims;
    y.dims.insert(y.dims.end(), from.begin(), from.begin() + n.axis);
    y.dims.insert(y.dims.end(), shape(1).dims.begin(), shape(1).dims.end());
    y.dims.insert(y.dims.end(), from.begin() + n.axis + 1, from.end());
    return y;
  }

  Shape operator()(const BatchReduceNode&) const {
    x();
    return samples();
  }

  Shape operator()(const StopGradientNode&) const { return x(); }

  Shape operator()(const GradientNode&) const {
    require_inputs(2, 2);
    return shape(1);
  }

  Shape operator()(const HostNode& n) const {
    if (!n.function) fail(name, "has no function");
    if (inputs.empty()) fail(name, "expected at least one input");
    return requested;
  }
};

// Values have a batch axis where an input has one; these know better.
bool is_batched(const Attributes& attributes, const std::vector<const Node*>& inputs) {
  if (std::holds_alternative<InputNode>(attributes)) return true;
  if (const auto* uniform = std::get_if<UniformNode>(&attributes)) return uniform->batched;
  if (std::holds_alternative<BatchReduceNode>(attributes)) return false;
  if (std::holds_alternative<GradientNode>(attributes)) return inputs[1]->batched;
  return std::any_of(inputs.begin(), inputs.end(), [](const Node* n) { return n->batched; });
}

}  // namespace

Shape broadcast_shapes(const std::string& name, const Shape& a, const Shape& b) {
  const Shape &longer = a.rank() >= b.rank() ? a : b, &shorter = a.rank() >= b.rank() ? b : a;
  Shape y = longer;
  const size_t skip = longer.dims.size() - shorter.dims.size();
  for (size_t i = 0; i < shorter.dims.size(); ++i) {
    int64_t& d = y.dims[skip + i];
    if (d == 1) d = shorter.dims[i];
    else if (shorter.dims[i] != 1 && shorter.dims[i] != d)
      fail(name, "shapes " + a.text() + " and " + b.text() + " do not broadcast");
  }
  return y;
}

int64_t window_count(const std::string& name, const char* axis, int64_t size, int64_t kernel, int64_t stride,
                     int64_t dilation, int64_t before, int64_t after) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  const int64_t padded = size + before + after;
  if (reach > padded)
    fail(name, "the kernel or window spans " + std::to_string(reach) + " pixels in " + axis +
                   ", but the input with its padding has only " + std::to_string(padded));
  return (padded - reach) / stride + 1;
}

Inferred infer(const std::string& name, const Attributes& attributes, const std::vector<const Node*>& inputs,
               const Shape& requested) {
  Shape shape = std::visit(Infer{name, inputs, requested}, attributes);
  if (!std::holds_alternative<ParameterNode>(attributes))
    shape = checked(name, std::move(shape));  // which a Variable is already
  return {std::move(shape), is_batched(attributes, inputs)};
}

Shape infer_shape(const std::string& name, const Attributes& attributes, const Shape& x,
                  const std::vector<Shape>& weights) {
  std::vector<Node> nodes = {{"x", InputNode{}, {}, x, true}};
  for (const Shape& shape : weights) nodes.push_back({"weight", ConstantNode{}, {}, shape, false});
  std::vector<const Node*> inputs;
  for (const Node& node : nodes) inputs.push_back(&node);
  return infer(name, attributes, inputs, {}).shape;
}

}  // namespace pycnn
