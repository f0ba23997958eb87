// Shape inference: what each operation makes of its inputs, after checking everything that can be wrong.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace pycnn {

struct Inferred {
  Shape shape;
  bool batched;
};

// `requested` is the shape that an input, a constant, a reshape and other operations on arrays ask for.
Inferred infer(const std::string& name, const Attributes& attributes, const std::vector<const Node*>& inputs,
               const Shape& requested);

// The same for an operation outside of a graph: on samples of shape x, with weights of these shapes.
Shape infer_shape(const std::string& name, const Attributes& attributes, const Shape& x,
                  const std::vector<Shape>& weights = {});

// How many windows of `kernel` (dilated) fit into size + before + after at this stride; throws where none does.
int64_t window_count(const std::string& name, const char* axis, int64_t size, int64_t kernel, int64_t stride,
                     int64_t dilation, int64_t before, int64_t after);

// The shape that two shapes broadcast to, aligned at the last axis; throws where they do not fit.
Shape broadcast_shapes(const std::string& name, const Shape& a, const Shape& b);

}  // namespace pycnn
