#include "passes/uses.h"

#include <algorithm>

namespace pycnn {

Uses uses_of(const Graph& graph, const std::vector<int>& kept) {
  const size_t n = graph.nodes().size();
  Uses uses{std::vector<int>(n, 0), std::vector<bool>(n, false)};
  const std::vector<bool> needed = needed_for(graph, kept);
  for (int node : kept) uses.kept[static_cast<size_t>(node)] = true;
  for (size_t i = 0; i < n; ++i) {
    if (!needed[i]) continue;
    std::vector<int> inputs = graph.nodes()[i].inputs;
    std::sort(inputs.begin(), inputs.end());
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    for (int input : inputs) {
      ++uses.count[static_cast<size_t>(input)];
      if (std::holds_alternative<GradientNode>(graph.nodes()[i].attributes))
        uses.kept[static_cast<size_t>(input)] = true;
    }
  }
  return uses;
}

}  // namespace pycnn
