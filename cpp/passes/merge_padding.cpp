#include "passes/passes.h"
#include "passes/uses.h"

namespace pycnn {
namespace {

bool is_none(const Padding& p) { return p.top == 0 && p.bottom == 0 && p.left == 0 && p.right == 0; }

// The padding of both, inside and outside.
Padding sum_of(const Padding& a, const Padding& b) {
  return {a.top + b.top, a.bottom + b.bottom, a.left + b.left, a.right + b.right};
}

}  // namespace

void merge_padding(Graph& graph, const std::vector<int>& kept) {
  const Uses uses = uses_of(graph, kept);
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    while (const auto* conv = graph.as<Conv2DNode>(i)) {
      const int x = graph.node(i).inputs[0];
      const auto* pad = graph.as<Pad2DNode>(x);
      if (!pad || pad->mode != PadMode::kConstant || !uses.once(x)) break;
      if (!is_none(conv->padding) && conv->pad_value != pad->value) break;
      Conv2DNode merged = *conv;
      merged.padding = sum_of(conv->padding, pad->padding);
      merged.pad_value = pad->value;
      std::vector<int> inputs = graph.node(i).inputs;
      inputs[0] = graph.node(x).inputs[0];
      graph.replace(i, merged, inputs);
    }
  }
}

}  // namespace pycnn
