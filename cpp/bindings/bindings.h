// What the module is made of: one register function a topic.
#pragma once

#include <pybind11/pybind11.h>

namespace pycnn::bindings {

void bind_config(pybind11::module_& m);
void bind_conv2d(pybind11::module_& m);
void bind_calibration(pybind11::module_& m);
void bind_pool2d(pybind11::module_& m);
void bind_dense(pybind11::module_& m);
void bind_elementwise(pybind11::module_& m);
void bind_batch_norm(pybind11::module_& m);
void bind_image(pybind11::module_& m);
void bind_graph(pybind11::module_& m);
void bind_network(pybind11::module_& m);
void bind_inference(pybind11::module_& m);

}  // namespace pycnn::bindings
