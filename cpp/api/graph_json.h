// A graph as JSON, with the names of the arrays that its parameters are: what a saved model holds for programs that
// run it without Python.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/json.h"
#include "graph/graph.h"

namespace pycnn {

// Only what the outputs need, numbered anew. `name_of` gives the name of each variable's array. std::invalid_argument
// for a graph with a host function, which no file can hold.
Json json_of(const Graph& graph, const std::vector<int>& outputs, const std::vector<std::string>& output_names,
             const std::function<std::string(int variable)>& name_of);

struct ParsedGraph {
  Graph graph;
  std::vector<int> outputs;
  std::vector<std::string> output_names;
};

// `variable_of(name, shape)` gives the variable of an array. std::invalid_argument for whatever is not as json_of
// writes it, or does not fit together.
ParsedGraph graph_from(const Json& json,
                       const std::function<std::shared_ptr<Variable>(const std::string& name,
                                                                     const std::vector<int64_t>& shape)>& variable_of);

}  // namespace pycnn
