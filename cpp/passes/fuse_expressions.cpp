#include <algorithm>
#include <map>

#include "passes/passes.h"
#include "passes/uses.h"

namespace pycnn {
namespace {

// The expression that a node is: of its inputs, in their order.
std::vector<MapInstruction> code_of(const Node& node) {
  if (const auto* map = std::get_if<MapNode>(&node.attributes)) return map->code;
  MapInstruction m;
  if (const auto* f = std::get_if<ActivationNode>(&node.attributes)) {
    m.op = MapOp::kActivation;
    m.activation = f->activation;
    return {m};
  }
  std::vector<MapInstruction> sums;
  m.op = MapOp::kAdd;
  for (int32_t k = 1, inputs = static_cast<int32_t>(node.inputs.size()); k < inputs; ++k) {
    m.b = k;
    sums.push_back(m);
    m.a = inputs + k - 1;
  }
  return sums;
}

// Of each node, whether it is an expression. So are sums and activations, but for those that a layer before them takes
// over and those that losses may start in front of.
std::vector<bool> expressions_of(const Graph& graph, const Uses& uses) {
  std::vector<bool> found(graph.nodes().size(), false);
  for (int i = 0; i < static_cast<int>(found.size()); ++i) {
    const auto fused_into = [&](int x) {
      const bool layer = graph.as<Conv2DNode>(x) || graph.as<DenseNode>(x) || graph.as<BatchNormNode>(x) ||
                         graph.as<Pool2DNode>(x) || graph.as<AddNode>(x);
      return layer && !found[static_cast<size_t>(x)] && uses.once(x);
    };
    const std::vector<int>& inputs = graph.node(i).inputs;
    const bool joins = (graph.as<AddNode>(i) || graph.as<ActivationNode>(i)) && !uses.kept[static_cast<size_t>(i)];
    found[static_cast<size_t>(i)] =
        graph.as<MapNode>(i) || (joins && std::none_of(inputs.begin(), inputs.end(), fused_into));
  }
  return found;
}

// One expression that is put together from those of its operands.
class Fusion {
 public:
  Fusion(const Graph& graph, const Uses& uses, const std::vector<bool>& expressions, int node)
      : graph_(graph), uses_(uses), expressions_(expressions), last_(node) {
    collect(node);
  }

  bool changes() const { return inside_.size() > 1 && maps_ > 0; }
  const std::vector<int>& inputs() const { return inputs_; }
  const std::vector<int>& inside() const { return inside_; }  // the nodes that it computes
  std::vector<MapInstruction> code() {
    std::map<int, int> made;  // register of each node that is computed inside
    emit(last_, made);
    return code_;
  }

 private:
  static constexpr size_t kMaxInstructions = 64, kMaxInputs = 16;

  bool is_inside(int node) const { return std::find(inside_.begin(), inside_.end(), node) != inside_.end(); }

  // A value of the same shape that only this expression reads becomes a part of it.
  bool can_join(int node) const {
    const Node &operand = graph_.node(node), &result = graph_.node(last_);
    return expressions_[static_cast<size_t>(node)] && uses_.once(node) && operand.shape.dims == result.shape.dims &&
           operand.batched == result.batched && size_ + code_of(operand).size() <= kMaxInstructions &&
           inputs_.size() + operand.inputs.size() <= kMaxInputs;
  }

  void collect(int node) {
    inside_.push_back(node);
    size_ += code_of(graph_.node(node)).size();
    maps_ += graph_.as<MapNode>(node) != nullptr;
    for (int input : graph_.node(node).inputs) {
      if (is_inside(input)) continue;
      if (can_join(input)) {
        collect(input);
      } else if (std::find(inputs_.begin(), inputs_.end(), input) == inputs_.end()) {
        inputs_.push_back(input);
      }
    }
  }

  int register_of(int node, std::map<int, int>& made) {
    const auto found = std::find(inputs_.begin(), inputs_.end(), node);
    if (found != inputs_.end()) return static_cast<int>(found - inputs_.begin());
    if (made.find(node) == made.end()) emit(node, made);
    return made.at(node);
  }

  void emit(int node, std::map<int, int>& made) {
    const Node& n = graph_.node(node);
    std::vector<int> registers;  // of the node's own operands and instructions
    for (int input : n.inputs) registers.push_back(register_of(input, made));
    for (MapInstruction m : code_of(n)) {
      const size_t known = registers.size();
      for (int32_t* r : {&m.a, &m.b, &m.c})  // an instruction without operands names register 0
        *r = static_cast<size_t>(*r) < known ? registers[static_cast<size_t>(*r)] : 0;
      code_.push_back(m);
      registers.push_back(static_cast<int>(inputs_.size() + code_.size()) - 1);
    }
    made[node] = registers.back();
  }

  const Graph& graph_;
  const Uses& uses_;
  const std::vector<bool>& expressions_;
  int last_;
  size_t size_ = 0, maps_ = 0;
  std::vector<int> inside_, inputs_;
  std::vector<MapInstruction> code_;
};

// Whether there was anything to do. What two expressions read may have but one reader once they are one.
bool fuse_once(Graph& graph, const std::vector<int>& kept) {
  const Uses uses = uses_of(graph, kept);
  const std::vector<bool> expressions = expressions_of(graph, uses);
  std::vector<bool> wanted = needed_for(graph, kept);
  bool changed = false;
  for (int i = static_cast<int>(wanted.size()) - 1; i >= 0; --i) {
    if (!wanted[static_cast<size_t>(i)] || !expressions[static_cast<size_t>(i)]) continue;
    Fusion fusion(graph, uses, expressions, i);
    if (!fusion.changes()) continue;
    for (int inside : fusion.inside()) wanted[static_cast<size_t>(inside)] = false;
    graph.replace(i, MapNode{fusion.code()}, fusion.inputs());
    changed = true;
  }
  return changed;
}

}  // namespace

void fuse_expressions(Graph& graph, const std::vector<int>& kept) {
  while (fuse_once(graph, kept)) {
  }
}

}  // namespace pycnn
