#include "graph/layers.h"

#include <algorithm>

namespace pycnn {
namespace {

// A new weight of the layer `name`.
int add_weight(Graph& graph, const std::string& name, const char* weight, std::vector<int64_t> dims,
               bool trainable = true) {
  try {
    return graph.parameter(std::make_shared<Variable>(weight, std::move(dims), trainable));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(name + ": " + error.what());
  }
}

const Shape& shape_of(const Graph& graph, const std::string& name, int x) {
  if (x < 0 || x >= static_cast<int>(graph.nodes().size()))
    throw std::invalid_argument(name + ": there is no node " + std::to_string(x) + "; the graph has " +
                                std::to_string(graph.nodes().size()));
  return graph.shape(x);
}

void require_positive(const std::string& name, const char* what, int64_t value) {
  if (value < 1) throw std::invalid_argument(name + ": " + what + " must be at least 1, not " + std::to_string(value));
}

}  // namespace

int add_conv2d(Graph& graph, const std::string& name, int x, int64_t filters, Pair kernel_size,
               const Conv2DNode& options, bool use_bias) {
  require_positive(name, "filters", filters);
  if (kernel_size.h < 1 || kernel_size.w < 1)
    throw std::invalid_argument(name + ": kernel_size must be at least 1, not " +
                                text_of({kernel_size.h, kernel_size.w}));
  require_positive(name, "groups", options.groups);
  const int64_t c = std::max<int64_t>(shape_of(graph, name, x).c() / options.groups, 1);
  std::vector<int> inputs = {x, add_weight(graph, name, "kernel", {kernel_size.h, kernel_size.w, c, filters})};
  if (use_bias) inputs.push_back(add_weight(graph, name, "bias", {filters}));
  return graph.add(name, options, inputs);
}

int add_dense(Graph& graph, const std::string& name, int x, int64_t units, bool use_bias, const DenseNode& options) {
  require_positive(name, "units", units);
  std::vector<int> inputs = {x, add_weight(graph, name, "kernel", {shape_of(graph, name, x).c(), units})};
  if (use_bias) inputs.push_back(add_weight(graph, name, "bias", {units}));
  return graph.add(name, options, inputs);
}

int add_batch_norm(Graph& graph, const std::string& name, int x, const BatchNormNode& options) {
  const int64_t c = shape_of(graph, name, x).c();
  std::vector<int> inputs = {x};
  if (options.scale) inputs.push_back(add_weight(graph, name, "gamma", {c}, !options.frozen));
  if (options.center) inputs.push_back(add_weight(graph, name, "beta", {c}, !options.frozen));
  inputs.push_back(add_weight(graph, name, "moving_mean", {c}, false));
  inputs.push_back(add_weight(graph, name, "moving_variance", {c}, false));
  return graph.add(name, options, inputs);
}

int add_map(Graph& graph, const std::string& name, MapOp op, const std::vector<int>& inputs) {
  std::vector<int> operands = inputs;  // each once
  std::sort(operands.begin(), operands.end());
  operands.erase(std::unique(operands.begin(), operands.end()), operands.end());
  const auto reg = [&](int input) {
    return static_cast<int32_t>(std::find(operands.begin(), operands.end(), input) - operands.begin());
  };
  std::vector<MapInstruction> code;
  if (inputs.size() == 1) code.push_back({op, 0, 0, 0, 0.0f, {}});
  for (size_t i = 1; i < inputs.size(); ++i) {
    const int32_t so_far = i == 1 ? reg(inputs[0]) : static_cast<int32_t>(operands.size() + code.size()) - 1;
    code.push_back({op, so_far, reg(inputs[i]), 0, 0.0f, {}});
  }
  return graph.add(name, MapNode{code}, operands);
}

int add_scale_shift(Graph& graph, const std::string& name, int x, float scale, float shift) {
  return graph.add(name,
                   MapNode{{{MapOp::kConstant, 0, 0, 0, scale, {}},
                            {MapOp::kMultiply, 0, 1, 0, 0.0f, {}},
                            {MapOp::kConstant, 0, 0, 0, shift, {}},
                            {MapOp::kAdd, 2, 3, 0, 0.0f, {}}}},
                   {x});
}

}  // namespace pycnn
