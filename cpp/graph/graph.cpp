#include "graph/graph.h"

#include <algorithm>

#include "graph/infer.h"

namespace pycnn {

std::string text_of(const std::vector<int64_t>& dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + (dims.size() == 1 ? ",)" : ")");
}

static std::vector<const Node*> inputs_of(const std::vector<Node>& nodes, const std::string& name,
                                          const std::vector<int>& inputs) {
  std::vector<const Node*> found;
  for (int input : inputs) {
    if (input < 0 || input >= static_cast<int>(nodes.size()))
      throw std::invalid_argument(name + ": there is no node " + std::to_string(input) + "; the graph has " +
                                  std::to_string(nodes.size()));
    found.push_back(&nodes[static_cast<size_t>(input)]);
  }
  return found;
}

static bool depends_on(const Graph& graph, int of, int by) { return needed_for(graph, {of})[static_cast<size_t>(by)]; }

int Graph::add(const std::string& name, Attributes attributes, std::vector<int> inputs, Shape requested) {
  if (const auto* p = std::get_if<ParameterNode>(&attributes))
    if (!inputs.empty() || p->variable < 0 || p->variable >= static_cast<int>(variables_.size()))
      throw std::invalid_argument(name + ": there is no variable " + std::to_string(p->variable) + "; use parameter()");
  Inferred inferred = infer(name, attributes, inputs_of(nodes_, name, inputs), requested);
  if (std::holds_alternative<GradientNode>(attributes) && !depends_on(*this, inputs[0], inputs[1]))
    throw std::invalid_argument(name + ": " + node(inputs[0]).name + " does not depend on " + node(inputs[1]).name);
  nodes_.push_back({name, std::move(attributes), std::move(inputs), std::move(inferred.shape), inferred.batched});
  return static_cast<int>(nodes_.size()) - 1;
}

int Graph::parameter(const std::shared_ptr<Variable>& variable) {
  if (!variable) throw std::invalid_argument("there is no variable");
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (const auto* p = std::get_if<ParameterNode>(&nodes_[i].attributes))
      if (variables_[static_cast<size_t>(p->variable)] == variable) return static_cast<int>(i);
  variables_.push_back(variable);
  return add(variable->name(), ParameterNode{static_cast<int>(variables_.size()) - 1}, {}, {variable->dims()});
}

void Graph::replace(int index, Attributes attributes, std::vector<int> inputs) {
  Node& node = nodes_.at(static_cast<size_t>(index));
  node.attributes = std::move(attributes);
  node.inputs = std::move(inputs);
}

BatchNormInputs batch_norm_inputs(const Node& node) {
  const auto& n = std::get<BatchNormNode>(node.attributes);
  BatchNormInputs found;
  size_t next = 0;
  found.x = node.inputs[next++];
  if (n.scale) found.gamma = node.inputs[next++];
  if (n.center) found.beta = node.inputs[next++];
  found.mean = node.inputs[next++];
  found.variance = node.inputs[next];
  return found;
}

std::vector<bool> needed_for(const Graph& graph, const std::vector<int>& outputs) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (int output : outputs) needed[static_cast<size_t>(output)] = true;
  for (size_t i = needed.size(); i-- > 0;)
    if (needed[i])
      for (int input : graph.nodes()[i].inputs) needed[static_cast<size_t>(input)] = true;
  return needed;
}

}  // namespace pycnn
