#include <algorithm>
#include <map>

#include "passes/passes.h"
#include "passes/uses.h"

namespace pycnn {
namespace {

// One expression that is put together from those of its operands.
class Fusion {
 public:
  Fusion(const Graph& graph, const Uses& uses, int node) : graph_(graph), uses_(uses), last_(node) { collect(node); }

  bool changes() const { return fused_ > 0; }
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
    const auto* map = std::get_if<MapNode>(&operand.attributes);
    return map && uses_.once(node) && operand.shape.dims == result.shape.dims && operand.batched == result.batched &&
           size_ + map->code.size() <= kMaxInstructions && inputs_.size() + operand.inputs.size() <= kMaxInputs;
  }

  void collect(int node) {
    inside_.push_back(node);
    size_ += std::get<MapNode>(graph_.node(node).attributes).code.size();
    for (int input : graph_.node(node).inputs) {
      if (is_inside(input)) continue;
      if (can_join(input)) {
        ++fused_;
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
    for (MapInstruction m : std::get<MapNode>(n.attributes).code) {
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
  int last_;
  size_t fused_ = 0, size_ = 0;
  std::vector<int> inside_, inputs_;
  std::vector<MapInstruction> code_;
};

// Whether there was anything to do. What two expressions read may have but one reader once they are one.
bool fuse_once(Graph& graph, const std::vector<int>& kept) {
  const Uses uses = uses_of(graph, kept);
  std::vector<bool> wanted = needed_for(graph, kept);
  bool changed = false;
  for (int i = static_cast<int>(wanted.size()) - 1; i >= 0; --i) {
    if (!wanted[static_cast<size_t>(i)] || !graph.as<MapNode>(i)) continue;
    Fusion fusion(graph, uses, i);
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
