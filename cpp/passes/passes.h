// Passes over a graph, one file each: from a graph to one that computes the same with less work. Numbers of nodes stay;
// what nobody needs any longer is left in place.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace pycnn {

// Element-by-element operations on values of one shape become one expression, where only the next one reads a value.
// `kept`: nodes whose values somebody else wants.
void fuse_expressions(Graph& graph, const std::vector<int>& kept);

// A convolution of a value that is padded with a constant, and read by nobody else, pads that value itself.
void merge_padding(Graph& graph, const std::vector<int>& kept);

}  // namespace pycnn
