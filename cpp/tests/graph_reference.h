// The values of a graph in double precision, by plain loops: what tests hold networks to. Batch normalization, dropout
// and functions of the host are left out.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>

#include "graph/graph.h"
#include "tests/check.h"

namespace pycnn::testing {

typedef std::vector<double> Doubles;
typedef std::vector<int64_t> Dims;

inline double sum_of(const Doubles& values) { return std::accumulate(values.begin(), values.end(), 0.0); }
inline double mean_of(const Doubles& values) { return sum_of(values) / static_cast<double>(values.size()); }

// Visits every index of an array of this shape, in row-major order.
template <class Visit>
void for_indices(const Dims& dims, const Visit& visit) {
  Dims index(dims.size(), 0);
  for (int64_t left = Shape{dims}.size(); left > 0; --left) {
    visit(index);
    for (size_t a = dims.size(); a-- > 0;) {
      if (++index[a] < dims[a]) break;
      index[a] = 0;
    }
  }
}

inline double reference_activation(const Activation& f, double x) {
  switch (f.kind) {
    case ActivationKind::kLinear: return x;
    case ActivationKind::kRelu: return std::max(x, 0.0);
    case ActivationKind::kTanh: return std::tanh(x);
    case ActivationKind::kSigmoid: return 1.0 / (1.0 + std::exp(-x));
    case ActivationKind::kSilu: return x / (1.0 + std::exp(-x));
    default: fail(__FILE__, __LINE__, "the reference lacks activation ", static_cast<int>(f.kind)); return kNan;
  }
}

inline double reference_map(const MapInstruction& m, double a, double b, double c) {
  switch (m.op) {
    case MapOp::kConstant: return m.value;
    case MapOp::kAdd: return a + b;
    case MapOp::kSubtract: return a - b;
    case MapOp::kMultiply: return a * b;
    case MapOp::kDivide: return a / b;
    case MapOp::kMaximum: return std::max(a, b);
    case MapOp::kMinimum: return std::min(a, b);
    case MapOp::kPower: return std::pow(a, b);
    case MapOp::kLess: return a < b;
    case MapOp::kWhere: return a != 0 ? b : c;
    case MapOp::kNegative: return -a;
    case MapOp::kAbs: return std::abs(a);
    case MapOp::kExp: return std::exp(a);
    case MapOp::kLog: return std::log(a);
    case MapOp::kSqrt: return std::sqrt(a);
    case MapOp::kSquare: return a * a;
    case MapOp::kReciprocal: return 1.0 / a;
    case MapOp::kTanh: return std::tanh(a);
    case MapOp::kSigmoid: return 1.0 / (1.0 + std::exp(-a));
    case MapOp::kSin: return std::sin(a);
    case MapOp::kCos: return std::cos(a);
    case MapOp::kStopGradient: return a;
    case MapOp::kActivation: return reference_activation(m.activation, a);
    default: fail(__FILE__, __LINE__, "the reference lacks operation ", static_cast<int>(m.op)); return kNan;
  }
}

// One operation on one sample: pointers to the operands in, the values of the result out.
struct ReferenceOperation {
  const Graph& graph;
  const Node& node;
  std::vector<const double*> x;

  const Dims& dims(size_t input) const { return graph.shape(node.inputs[input]).dims; }
  int64_t size(size_t input) const { return graph.shape(node.inputs[input]).size(); }
  Doubles result() const { return Doubles(static_cast<size_t>(node.shape.size())); }
  Doubles copy() const { return Doubles(x[0], x[0] + size(0)); }

  template <class T>
  Doubles operator()(const T&) const {
    fail(__FILE__, __LINE__, "the reference lacks the operation of ", node.name);
    return result();
  }
  Doubles operator()(const ReshapeNode&) const { return copy(); }
  Doubles operator()(const StopGradientNode&) const { return copy(); }
  Doubles operator()(const ActivationNode& n) const {
    Doubles y = copy();
    for (double& v : y) v = reference_activation(n.activation, v);
    return y;
  }
  Doubles operator()(const SoftmaxNode& n) const {
    Doubles y = copy();
    const int64_t c = node.shape.c();
    for (size_t row = 0; row < y.size(); row += static_cast<size_t>(c)) {
      double sum = 0;
      for (int64_t i = 0; i < c; ++i) sum += std::exp(y[row + i]);
      for (int64_t i = 0; i < c; ++i) y[row + i] = n.log ? y[row + i] - std::log(sum) : std::exp(y[row + i]) / sum;
    }
    return y;
  }
  Doubles operator()(const MaxoutNode& n) const {
    Doubles y = result();
    for (size_t i = 0; i < y.size(); ++i) y[i] = *std::max_element(x[0] + i * n.pieces, x[0] + (i + 1) * n.pieces);
    return y;
  }
  Doubles operator()(const AddNode&) const {
    Doubles y = result();
    for (const double* operand : x)
      for (size_t i = 0; i < y.size(); ++i) y[i] += operand[i];
    return y;
  }
  Doubles operator()(const ConcatNode& n) const {
    Doubles y;
    const size_t axis = static_cast<size_t>(n.axis < 0 ? n.axis + node.shape.rank() : n.axis);
    const int64_t rows = std::accumulate(node.shape.dims.begin(), node.shape.dims.begin() + axis, int64_t{1},
                                         std::multiplies<int64_t>());
    for (int64_t r = 0; r < rows; ++r)
      for (size_t k = 0; k < x.size(); ++k) {
        const int64_t width = size(k) / rows;
        y.insert(y.end(), x[k] + r * width, x[k] + (r + 1) * width);
      }
    return y;
  }
  // x padded by `value`, at any row and column.
  double pixel(const Dims& image, int64_t row, int64_t column, int64_t channel, double value) const {
    if (row < 0 || row >= image[0] || column < 0 || column >= image[1]) return value;
    return x[0][(row * image[1] + column) * image[2] + channel];
  }
  Doubles operator()(const Pad2DNode& n) const {
    Doubles y;
    if (n.mode != PadMode::kConstant) fail(__FILE__, __LINE__, "the reference pads by constants only");
    for_indices(node.shape.dims, [&](const Dims& i) {
      y.push_back(pixel(dims(0), i[0] - n.padding.top, i[1] - n.padding.left, i[2], n.value));
    });
    return y;
  }
  Doubles operator()(const Pool2DNode& n) const {
    Doubles y;
    for_indices(node.shape.dims, [&](const Dims& i) {
      double sum = 0, largest = -kInf;
      for_indices({n.pool_size.h, n.pool_size.w}, [&](const Dims& at) {
        const double v = pixel(dims(0), i[0] * n.strides.h + at[0], i[1] * n.strides.w + at[1], i[2], kNan);
        sum += v;
        largest = std::max(largest, v);
      });
      y.push_back(n.average ? sum / static_cast<double>(n.pool_size.h * n.pool_size.w) : largest);
    });
    return y;
  }
  Doubles operator()(const Conv2DNode& n) const {
    Doubles y;
    const Dims &image = dims(0), &kernel = dims(1);
    const int64_t group = kernel[3] / n.groups;
    for_indices(node.shape.dims, [&](const Dims& i) {
      double sum = x.size() > 2 ? x[2][i[2]] : 0;
      const double* w = x[1] + i[2];
      for (int64_t kh = 0; kh < kernel[0]; ++kh)
        for (int64_t kw = 0; kw < kernel[1]; ++kw)
          for (int64_t c = 0; c < kernel[2]; ++c, w += kernel[3])
            sum += *w * pixel(image, i[0] * n.strides.h + kh * n.dilation.h - n.padding.top,
                              i[1] * n.strides.w + kw * n.dilation.w - n.padding.left, i[2] / group * kernel[2] + c,
                              n.pad_value);
      y.push_back(sum);
    });
    return y;
  }
  Doubles operator()(const DenseNode&) const {
    Doubles y = result();
    const int64_t inputs = dims(1)[0], units = dims(1)[1];
    for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
      y[i] = x.size() > 2 ? x[2][i % units] : 0;
      for (int64_t j = 0; j < inputs; ++j) y[i] += x[0][i / units * inputs + j] * x[1][j * units + i % units];
    }
    return y;
  }
  Doubles operator()(const MapNode& n) const {
    Doubles y;
    for_indices(node.shape.dims, [&](const Dims& i) {
      Doubles registers;
      for (size_t k = 0; k < x.size(); ++k) {
        int64_t at = 0;
        const size_t skip = i.size() - dims(k).size();
        for (size_t a = 0; a < dims(k).size(); ++a) at = at * dims(k)[a] + (dims(k)[a] == 1 ? 0 : i[skip + a]);
        registers.push_back(x[k][at]);
      }
      for (const MapInstruction& m : n.code) {
        const auto at = [&](int32_t r) { return static_cast<size_t>(r) < registers.size() ? registers[r] : 0.0; };
        registers.push_back(reference_map(m, at(m.a), at(m.b), at(m.c)));
      }
      y.push_back(registers.back());
    });
    return y;
  }
  Doubles operator()(const ReduceNode& n) const {
    Doubles y;
    for_indices({n.outer, n.inner}, [&](const Dims& i) {
      Doubles row;
      for (int64_t k = 0; k < n.n; ++k) row.push_back(x[0][(i[0] * n.n + k) * n.inner + i[1]]);
      const auto least = std::min_element(row.begin(), row.end()), most = std::max_element(row.begin(), row.end());
      const double sum = std::accumulate(row.begin(), row.end(), 0.0);
      switch (n.kind) {
        case ReduceKind::kSum: y.push_back(sum); break;
        case ReduceKind::kMean: y.push_back(sum / static_cast<double>(n.n)); break;
        case ReduceKind::kMax: y.push_back(*most); break;
        case ReduceKind::kMin: y.push_back(*least); break;
        case ReduceKind::kProd:
          y.push_back(std::accumulate(row.begin(), row.end(), 1.0, std::multiplies<double>()));
          break;
        case ReduceKind::kArgmax: y.push_back(static_cast<double>(most - row.begin())); break;
        case ReduceKind::kArgmin: y.push_back(static_cast<double>(least - row.begin())); break;
        case ReduceKind::kAny: y.push_back(std::any_of(row.begin(), row.end(), [](double v) { return v != 0; })); break;
        case ReduceKind::kAll: y.push_back(std::all_of(row.begin(), row.end(), [](double v) { return v != 0; })); break;
      }
    });
    return y;
  }
  static int64_t offset_of(const Dims& index, int64_t offset, const std::vector<int64_t>& strides) {
    return std::inner_product(index.begin(), index.end(), strides.begin(), offset);
  }
  Doubles operator()(const StridedNode& n) const {
    Doubles y;
    for_indices(node.shape.dims, [&](const Dims& i) { y.push_back(x[0][offset_of(i, n.offset, n.strides)]); });
    return y;
  }
  Doubles operator()(const ScatterNode& n) const {
    Doubles y(static_cast<size_t>(node.shape.size()), n.fill);
    const double* from = x[0];
    for_indices(dims(0), [&](const Dims& i) { y[static_cast<size_t>(offset_of(i, n.offset, n.strides))] = *from++; });
    return y;
  }
  Doubles operator()(const MatmulNode& n) const {
    Doubles y;
    const int64_t m = node.shape.w(), columns = node.shape.c(), count = node.shape.size() / (m * columns);
    const int64_t depth = n.transpose_a ? graph.shape(node.inputs[0]).w() : graph.shape(node.inputs[0]).c();
    for_indices({count, m, columns}, [&](const Dims& i) {
      const double* a = x[0] + (dims(0).size() == 2 ? 0 : i[0] * m * depth);
      const double* b = x[1] + (dims(1).size() == 2 ? 0 : i[0] * depth * columns);
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += (n.transpose_a ? a[k * m + i[1]] : a[i[1] * depth + k]) *
               (n.transpose_b ? b[i[2] * depth + k] : b[k * columns + i[2]]);
      y.push_back(sum);
    });
    return y;
  }
  Doubles operator()(const TakeNode& n) const {
    Doubles y;
    const auto begin = dims(0).begin();
    const Dims outer(begin, begin + n.axis), inner(begin + n.axis + 1, dims(0).end());
    const int64_t rows = dims(0)[static_cast<size_t>(n.axis)];
    for_indices({Shape{outer}.size(), size(1), Shape{inner}.size()}, [&](const Dims& i) {
      const int64_t picked = static_cast<int64_t>(x[1][i[1]]);
      const int64_t row = std::clamp<int64_t>(picked < 0 ? picked + rows : picked, 0, rows - 1);
      y.push_back(x[0][(i[0] * rows + row) * Shape{inner}.size() + i[2]]);
    });
    return y;
  }
};

class Reference {
 public:
  // Parameters as their variables hold them; inputs in the order of the graph's.
  Reference(const Graph& graph, const std::vector<Floats>& inputs, int64_t samples)
      : graph_(graph), samples_(samples), values_(graph.nodes().size()) {
    size_t next = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      const Attributes& node = graph.nodes()[i].attributes;
      if (std::holds_alternative<InputNode>(node)) {
        const int64_t size = samples * graph.nodes()[i].shape.size();
        values_[i] = Doubles(inputs[next].begin(), inputs[next].begin() + size);
        ++next;
      } else if (const auto* p = std::get_if<ParameterNode>(&node)) {
        const Variable& v = *graph.variables()[static_cast<size_t>(p->variable)];
        values_[i] = Doubles(v.data(), v.data() + v.size());
      } else if (const auto* c = std::get_if<ConstantNode>(&node)) {
        values_[i] = Doubles(c->values->begin(), c->values->end());
      }
    }
    for (size_t i = 0; i < values_.size(); ++i) evaluate(static_cast<int>(i));
  }

  int64_t samples() const { return samples_; }
  // Of all samples, one after the other; of one, where the value has no batch axis.
  const Doubles& value(int node) const { return values_[static_cast<size_t>(node)]; }

  // The derivative of f, a function of node `of`, by each value of node `by`, by central differences. NaN for those
  // that are left out where there are many.
  Doubles slopes(int of, int by, const std::function<double(const Doubles&)>& f) {
    constexpr double kStep = 1e-4;
    constexpr size_t kMost = 120;
    const std::vector<int> between = nodes_between(by, of);
    Doubles& values = values_[static_cast<size_t>(by)];
    const size_t every = graph_.as<ParameterNode>(by) ? 1 + values.size() / kMost : 1;
    Doubles slopes(values.size(), kNan);
    for (size_t i = 0; i < values.size(); i += every) {
      double& v = values[i];
      const double middle = v;
      double at[2];
      for (const int side : {0, 1}) {
        v = side == 0 ? middle + kStep : middle - kStep;
        for (const int node : between) evaluate(node);
        at[side] = f(value(of));
      }
      v = middle;
      slopes[i] = (at[0] - at[1]) / (2 * kStep);
    }
    for (const int node : between) evaluate(node);
    return slopes;
  }

 private:
  // What `of` needs and that depends on `by`, in order.
  std::vector<int> nodes_between(int by, int of) const {
    const std::vector<bool> needed = needed_for(graph_, {of});
    std::vector<bool> depends(values_.size(), false);
    depends[static_cast<size_t>(by)] = true;
    std::vector<int> between;
    for (int i = by + 1; i <= of; ++i)
      for (const int input : graph_.node(i).inputs) {
        if (!needed[static_cast<size_t>(i)] || !depends[static_cast<size_t>(input)]) continue;
        depends[static_cast<size_t>(i)] = true;
        between.push_back(i);
        break;
      }
    return between;
  }

  void evaluate(int i) {
    const Node& node = graph_.node(i);
    Doubles& y = values_[static_cast<size_t>(i)];
    const bool given = std::holds_alternative<InputNode>(node.attributes) ||
                       std::holds_alternative<ParameterNode>(node.attributes) ||
                       std::holds_alternative<ConstantNode>(node.attributes);
    if (given) return;
    if (std::holds_alternative<GradientNode>(node.attributes)) {
      y = slopes(node.inputs[0], node.inputs[1], sum_of);
      return;
    }
    if (const auto* n = std::get_if<BatchReduceNode>(&node.attributes)) return reduce_batch(i, n->mean);
    y.clear();
    for (int64_t s = 0; s < (node.batched ? samples_ : 1); ++s) {
      ReferenceOperation operation{graph_, node, {}};
      for (int input : node.inputs)
        operation.x.push_back(value(input).data() + (graph_.node(input).batched ? s * graph_.shape(input).size() : 0));
      const Doubles sample = std::visit(operation, node.attributes);
      y.insert(y.end(), sample.begin(), sample.end());
    }
  }
  void reduce_batch(int i, bool mean) {
    const Doubles& x = value(graph_.node(i).inputs[0]);
    const size_t size = x.size() / static_cast<size_t>(samples_);
    Doubles& y = values_[static_cast<size_t>(i)];
    y.assign(size, 0.0);
    for (size_t k = 0; k < x.size(); ++k) y[k % size] += x[k] / (mean ? static_cast<double>(samples_) : 1.0);
  }

  const Graph& graph_;
  int64_t samples_;
  std::vector<Doubles> values_;
};

// How much roundings add up to: some tens of them on the way to a value, each of the size of the largest one; and what
// central differences leave out. What the reference has left out is NaN.
inline void check_all_near(const Floats& got, const Doubles& want, const std::string& text) {
  if (got.size() != want.size()) return fail(__FILE__, __LINE__, text, ": ", got.size(), " values, not ", want.size());
  double largest = 0;
  size_t known = 0;
  for (const double v : want) {
    if (std::isnan(v)) continue;
    largest = std::max(largest, std::abs(v));
    ++known;
  }
  CHECK(known >= std::min<size_t>(want.size(), 40));
  const double tolerance = 64.0 * kEps * largest + 1e-8;
  for (size_t i = 0; i < want.size(); ++i)
    if (!std::isnan(want[i])) CHECK_NEAR(got[i], want[i], tolerance, text, ", value ", i);
}

}  // namespace pycnn::testing
