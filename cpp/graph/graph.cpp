#include "graph/graph.h"

#include <algorithm>
#include <cmath>

#include "graph/infer.h"

namespace pycnn {

std::string text_of(const std::vector<int64_t>& dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + (dims.size() == 1 ? ",)" : ")");
}

std::string Shape::text() const { return text_of(dims); }

static void require_same(const std::string& name, const Parameter& wanted, const Parameter& found) {
  if (wanted.name == found.name && wanted.dims == found.dims) return;
  throw std::invalid_argument(name + ": needs a " + wanted.name + " of shape " + text_of(wanted.dims) +
                              ", but the one to share is a " + found.name + " of shape " + text_of(found.dims));
}

void Graph::reuse(std::vector<int> parameters) {
  for (int p : parameters)
    if (p < 0 || p >= static_cast<int>(parameters_.size()))
      throw std::invalid_argument("there is no parameter " + std::to_string(p) + "; the graph has " +
                                  std::to_string(parameters_.size()));
  reused_ = std::move(parameters);
}

int Graph::add(const std::string& name, Attributes attributes, std::vector<int> inputs, Shape requested) {
  std::vector<Shape> shapes;
  for (int input : inputs) {
    if (input < 0 || input >= static_cast<int>(nodes_.size())) {
      throw std::invalid_argument(name + ": there is no node " + std::to_string(input) + "; the graph has " +
                                  std::to_string(nodes_.size()));
    }
    shapes.push_back(nodes_[static_cast<size_t>(input)].shape);
  }
  Node node{name, std::move(attributes), std::move(inputs), {}, {}};
  node.shape = infer_shape(name, node.attributes, shapes, requested);
  const int index = static_cast<int>(nodes_.size());
  std::vector<Parameter> parameters = parameters_of(node.attributes, shapes);
  const size_t shared = std::min(parameters.size(), reused_.size());
  for (size_t i = 0; i < shared; ++i) require_same(name, parameters[i], parameters_[static_cast<size_t>(reused_[i])]);
  for (size_t i = 0; i < parameters.size(); ++i) {
    node.parameters.push_back(i < shared ? reused_[i] : static_cast<int>(parameters_.size()));
    if (i < shared) continue;
    parameters[i].node = index;
    parameters_.push_back(std::move(parameters[i]));
  }
  reused_.erase(reused_.begin(), reused_.begin() + static_cast<std::ptrdiff_t>(shared));
  nodes_.push_back(std::move(node));
  return index;
}

}  // namespace pycnn
