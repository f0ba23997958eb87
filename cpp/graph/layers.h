// Layers with weights of their own, and common expressions, in one call each. They return the node of the output.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace pycnn {

// Weights are variables named kernel, bias, gamma, ..., all zero.
int add_conv2d(Graph& graph, const std::string& name, int x, int64_t filters, Pair kernel_size,
               const Conv2DNode& options = {}, bool use_bias = true);
int add_dense(Graph& graph, const std::string& name, int x, int64_t units, bool use_bias = true,
              const DenseNode& options = {});
int add_batch_norm(Graph& graph, const std::string& name, int x, const BatchNormNode& options);

// The operation element by element on values that broadcast; of more than two one after the other.
int add_map(Graph& graph, const std::string& name, MapOp op, const std::vector<int>& inputs);
int add_scale_shift(Graph& graph, const std::string& name, int x, float scale, float shift);

}  // namespace pycnn
