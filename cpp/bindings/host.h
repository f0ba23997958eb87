// Functions of Python in the midst of a network.
#pragma once

#include <memory>

#include "bindings/arrays.h"
#include "graph/operations.h"

namespace pycnn::bindings {

// forward(inputs, training) returns the output; backward(inputs, output, gradient) the gradients by the inputs, None
// where there is none. Arrays have the batch axis first, where there is one, and are views that live as long as the
// call. `backward` is None where nothing can be differentiated.
std::shared_ptr<HostFunction> host_function(const py::object& forward, const py::object& backward);

}  // namespace pycnn::bindings
