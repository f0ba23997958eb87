// Passes over a graph, one file each: from a graph to one that computes the same with less work. Numbers of nodes stay;
// what nobody needs any longer is left in place. `kept`: nodes whose values somebody else wants.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace pycnn {

// Equal values become one, the first: the same operation of the same inputs. Views of views (reshapes, transpositions,
// slices) become one view, and none where they undo one another. What is left computes with the same numbers as before;
// gradients by a value that several now read are summed before they go through it, not after.
void simplify(Graph& graph, const std::vector<int>& kept);

// Element-by-element operations on values of one shape become one expression, where only the next one reads a value;
// sums and activations too, but for those that a layer before them takes over.
void fuse_expressions(Graph& graph, const std::vector<int>& kept);

// A convolution of a value that is padded with a constant, and read by nobody else, pads that value itself.
void merge_padding(Graph& graph, const std::vector<int>& kept);

}  // namespace pycnn
