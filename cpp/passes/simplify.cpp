#include <string>
#include <unordered_map>

#include "graph/fields.h"
#include "passes/passes.h"
#include "passes/uses.h"

namespace pycnn {
namespace {

using Dims = std::vector<int64_t>;

// --- views -----------------------------------------------------------------------------------------------------------

// The steps along each axis of an array that a step of `flat` values in its memory is.
Dims steps_of(int64_t flat, const Dims& dims) {
  Dims steps(dims.size());
  for (size_t a = dims.size(); a-- > 0; flat /= dims[a]) steps[a] = flat % dims[a];
  return steps;
}

int64_t dot(const Dims& steps, const Dims& strides) {
  int64_t sum = 0;
  for (size_t a = 0; a < steps.size(); ++a) sum += steps[a] * strides[a];
  return sum;
}

// A view of shape `dims` of a view: `outer` becomes one of what `inner`, of shape `inner_dims`, is of. Not possible,
// and false, where a stride crosses the end of an axis of the inner one.
bool compose(StridedNode& outer, const Dims& dims, const StridedNode& inner, const Dims& inner_dims) {
  Dims low = steps_of(outer.offset, inner_dims), high = low;
  StridedNode both{inner.offset + dot(low, inner.strides), Dims(dims.size(), 0)};
  for (size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == 1) continue;
    const Dims steps = steps_of(outer.strides[k], inner_dims);
    both.strides[k] = dot(steps, inner.strides);
    for (size_t a = 0; a < steps.size(); ++a) (steps[a] < 0 ? low : high)[a] += steps[a] * (dims[k] - 1);
  }
  for (size_t a = 0; a < inner_dims.size(); ++a)
    if (low[a] < 0 || high[a] >= inner_dims[a]) return false;
  outer = both;
  return true;
}

// Whether a view takes all values in the order in which they lie.
bool is_plain(const StridedNode& view, const Shape& shape, int64_t size) {
  int64_t stride = 1;
  for (size_t k = shape.dims.size(); k-- > 0; stride *= shape.dims[k])
    if (shape.dims[k] > 1 && view.strides[k] != stride) return false;
  return stride == size;
}

// --- what is equal ---------------------------------------------------------------------------------------------------

// The bytes of what a value is computed from. Attributes are numbers without gaps between them.
struct Key {
  std::string bytes;

  template <class T>
  void put(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put(values.size());
    for (const T& value : values) put(value);
  }
  template <class T>
  void operator()(const char*, const T& value) {
    put(value);
  }
};
static_assert(sizeof(MapInstruction) == 9 * sizeof(int32_t) && sizeof(Pair) + sizeof(Padding) == 6 * sizeof(int64_t));

template <class... Nodes>
bool is_any_of(const Attributes& attributes) {
  return (std::holds_alternative<Nodes>(attributes) || ...);
}

// What nothing computes, random numbers, memory that changes, functions of the caller.
bool is_unique(const Attributes& attributes) {
  return is_any_of<InputNode, ParameterNode, ConstantNode, DropoutNode, UniformNode, BatchNormNode, HostNode>(
      attributes);
}

// Whether an expression takes no longer than to store its value and to read it again.
bool is_cheap(const MapNode& map) {
  for (const MapInstruction& m : map.code) switch (m.op) {
      case MapOp::kPower:
      case MapOp::kFloorDivide:
      case MapOp::kMod:
      case MapOp::kExp:
      case MapOp::kExpm1:
      case MapOp::kLog:
      case MapOp::kLog1p:
      case MapOp::kErf:
      case MapOp::kTanh:
      case MapOp::kSigmoid:
      case MapOp::kSin:
      case MapOp::kCos:
      case MapOp::kActivation: return false;
      default: break;
    }
  return true;
}

// --- the pass --------------------------------------------------------------------------------------------------------

class Simplification {
 public:
  Simplification(Graph& graph, const std::vector<int>& kept)
      : graph_(graph), uses_(uses_of(graph, kept)), first_(graph.nodes().size()), sought_(first_.size(), false) {
    const std::vector<bool> needed = needed_for(graph, kept);
    for (size_t i = 0; i < needed.size(); ++i)
      if (needed[i] && graph.as<GradientNode>(static_cast<int>(i)))
        sought_[static_cast<size_t>(graph.nodes()[i].inputs[1])] = true;
    for (int i = 0; i < static_cast<int>(needed.size()); ++i) {
      if (!needed[static_cast<size_t>(i)]) continue;
      read_first(i);
      while (look_through(i)) {
      }
      first_[static_cast<size_t>(i)] = first_equal(i);
    }
  }

 private:
  // Gradients are by this very value, not by others that equal it.
  bool is_sought(int i) const { return sought_[static_cast<size_t>(i)]; }
  int first(int i) const { return first_[static_cast<size_t>(i)]; }
  int source(int i) const { return graph_.node(i).inputs[0]; }

  // Whether an expression is better computed inside the only one that reads it.
  bool joins(int i, int reader) const {
    const auto* map = graph_.as<MapNode>(i);
    return map && graph_.as<MapNode>(reader) && uses_.once(i) && is_cheap(*map) &&
           graph_.shape(i).dims == graph_.shape(reader).dims;
  }

  void read_first(int i) {
    std::vector<int> inputs = graph_.node(i).inputs;
    for (int& input : inputs)
      if (!joins(input, i)) input = first(input);
    graph_.replace(i, graph_.node(i).attributes, inputs);
  }

  // A view of a view becomes one of what that is of. Whether there was anything to do.
  bool look_through(int i) {
    const auto* view = graph_.as<StridedNode>(i);
    if (!view && !graph_.as<ReshapeNode>(i)) return false;
    const int x = source(i);
    if (view && is_plain(*view, graph_.shape(i), graph_.shape(x).size())) {
      graph_.replace(i, ReshapeNode{}, {x});
      return true;
    }
    if (is_sought(x)) return false;
    if (graph_.as<ReshapeNode>(x)) {
      graph_.replace(i, graph_.node(i).attributes, {source(x)});
      return true;
    }
    const auto* inner = graph_.as<StridedNode>(x);
    if (!view || !inner) return false;
    StridedNode both = *view;
    if (!compose(both, graph_.shape(i).dims, *inner, graph_.shape(x).dims)) return false;
    graph_.replace(i, both, {source(x)});
    return true;
  }

  bool is_identity(int i) const {
    return (graph_.as<ReshapeNode>(i) || graph_.as<Pad2DNode>(i)) &&
           graph_.shape(i).dims == graph_.shape(source(i)).dims;
  }

  int first_equal(int i) {
    if (is_sought(i)) return i;
    if (is_identity(i)) return first(source(i));
    const Node& node = graph_.node(i);
    if (is_unique(node.attributes)) return i;
    Key key;
    key.put(node.attributes.index());
    key.put(node.shape.dims);
    key.put(node.inputs.size());
    for (int input : node.inputs) key.put(first(input));
    Attributes attributes = node.attributes;
    std::visit([&](auto& n) { fields(key, n); }, attributes);
    return known_.emplace(std::move(key.bytes), i).first->second;
  }

  Graph& graph_;
  Uses uses_;
  std::vector<int> first_;  // of each value, the first one that is equal to it
  std::vector<bool> sought_;
  std::unordered_map<std::string, int> known_;
};

}  // namespace

void simplify(Graph& graph, const std::vector<int>& kept) { Simplification(graph, kept); }

}  // namespace pycnn
