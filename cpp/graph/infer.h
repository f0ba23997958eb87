// Shape inference and parameters: what each operation makes of its inputs.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace pycnn {

// The output shape, after checking everything that can be wrong. `requested` is the shape that an input or a reshape
// asks for.
Shape infer_shape(const std::string& name, const Attributes& attributes, const std::vector<Shape>& inputs,
                  const Shape& requested);

// The parameters of a node whose inputs were checked by infer_shape.
std::vector<Parameter> parameters_of(const Attributes& attributes, const std::vector<Shape>& inputs);

// How many windows of `kernel` (dilated) fit into size + before + after at this stride; throws where none does.
int64_t window_count(const std::string& name, const char* axis, int64_t size, int64_t kernel, int64_t stride,
                     int64_t dilation, int64_t before, int64_t after);

}  // namespace pycnn
