// Who reads the values of a graph: what passes ask before they change one.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace pycnn {

// Of each node, among those that the nodes `kept` need.
struct Uses {
  std::vector<int> count;  // of operations that read it
  std::vector<bool> kept;  // somebody else wants its value, or the gradient by it

  // Whether one operation reads it, and nobody else.
  bool once(int node) const { return count[static_cast<size_t>(node)] == 1 && !kept[static_cast<size_t>(node)]; }
};

Uses uses_of(const Graph& graph, const std::vector<int>& kept);

}  // namespace pycnn
