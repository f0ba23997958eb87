#include "bindings/bindings.h"

#include "runtime/dispatch.h"
#include "runtime/exact.h"
#include "runtime/fork.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of pycnn.";
  pycnn::active_kernels();  // a wrong PYCNN_ISA or PYCNN_EXACT fails here, at import
  pycnn::exact();
  pycnn::install_fork_handler();
  pycnn::bindings::bind_config(m);
  pycnn::bindings::bind_conv2d(m);
  pycnn::bindings::bind_calibration(m);
  pycnn::bindings::bind_pool2d(m);
  pycnn::bindings::bind_dense(m);
  pycnn::bindings::bind_elementwise(m);
  pycnn::bindings::bind_batch_norm(m);
  pycnn::bindings::bind_image(m);
  pycnn::bindings::bind_graph(m);
  pycnn::bindings::bind_network(m);
  pycnn::bindings::bind_inference(m);
}
