// What a network is: values, and the operations that make them. Nothing here runs.
//
// Every operation makes one value, so a node is both: the value has the node's name, shape and number. Inputs,
// parameters and constants are nodes too. A value either has a batch axis (every sample has one of its own) or none:
// parameters, constants and what is computed from them alone.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "graph/operations.h"
#include "graph/variable.h"

namespace pycnn {

struct Node {
  std::string name;
  Attributes attributes;
  std::vector<int> inputs;
  Shape shape;  // without the batch axis
  bool batched;
};

// Nodes are added in an order in which they can run. Methods throw std::invalid_argument, naming the node, what came
// and what was expected.
class Graph {
 public:
  // Returns the number of the new node. `requested` is the shape of an input, a reshape, and what else asks for one.
  int add(const std::string& name, Attributes attributes, std::vector<int> inputs, Shape requested = {});
  // The node of a variable; the same one for the same variable.
  int parameter(const std::shared_ptr<Variable>& variable);

  // The same node with other attributes and inputs, for passes: shape and batch axis must stay.
  void replace(int node, Attributes attributes, std::vector<int> inputs);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<std::shared_ptr<Variable>>& variables() const { return variables_; }
  const Node& node(int index) const { return nodes_.at(static_cast<size_t>(index)); }
  const Shape& shape(int index) const { return node(index).shape; }
  template <class T>
  const T* as(int index) const {
    return std::get_if<T>(&node(index).attributes);
  }

 private:
  std::vector<Node> nodes_;
  std::vector<std::shared_ptr<Variable>> variables_;
};

// Inputs of layers, by their parts; -1 where there is none.
inline int kernel_of(const Node& node) { return node.inputs[1]; }
inline int bias_of(const Node& node) { return node.inputs.size() > 2 ? node.inputs[2] : -1; }
struct BatchNormInputs {
  int x, gamma = -1, beta = -1, mean, variance;
};
BatchNormInputs batch_norm_inputs(const Node& node);

// The nodes that `outputs` need, by number.
std::vector<bool> needed_for(const Graph& graph, const std::vector<int>& outputs);

// One line a node, stable: the same graph has the same text.
std::string text_of(const Graph& graph, const std::vector<int>& outputs);

}  // namespace pycnn
