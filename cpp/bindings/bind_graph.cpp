#include <limits>

#include "bindings/bindings.h"
#include "bindings/names.h"
#include "graph/graph.h"

namespace pycnn::bindings {
namespace {

using IntPair = std::array<int64_t, 2>;
using IntFour = std::array<int64_t, 4>;

Pair pair(const IntPair& p) { return {p[0], p[1]}; }
Padding padding(const IntFour& p) { return {p[0], p[1], p[2], p[3]}; }

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

void bind_graph(py::module_& m) {
  py::class_<Graph>(m, "Graph", "What a network is. Every method adds a node and returns its number.")
      .def(py::init<>())
      .def(
          "input",
          [](Graph& g, const std::vector<int64_t>& shape, const std::string& name) {
            return g.add(name, InputNode{}, {}, Shape{shape});
          },
          py::arg("shape"), py::arg("name") = "input")
      .def(
          "conv2d",
          [](Graph& g, int x, int64_t filters, IntPair kernel_size, IntPair strides, IntFour pad, float pad_value,
             IntPair dilation, int64_t groups, bool use_bias, const std::string& precision, const std::string& name) {
            return g.add(name,
                         Conv2DNode{filters, pair(kernel_size), pair(strides), pair(dilation), padding(pad), pad_value,
                                    groups, use_bias, precision_of(precision)},
                         {x});
          },
          py::arg("x"), py::kw_only(), py::arg("filters"), py::arg("kernel_size"), py::arg("strides") = IntPair{1, 1},
          py::arg("padding") = IntFour{}, py::arg("pad_value") = 0.0f, py::arg("dilation") = IntPair{1, 1},
          py::arg("groups") = 1, py::arg("use_bias") = true, py::arg("precision") = "float32",
          py::arg("name") = "conv2d")
      .def(
          "dense",
          [](Graph& g, int x, int64_t units, bool use_bias, const std::string& precision, const std::string& name) {
            return g.add(name, DenseNode{units, use_bias, precision_of(precision)}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("units"), py::arg("use_bias") = true, py::arg("precision") = "float32",
          py::arg("name") = "dense")
      .def(
          "activation",
          [](Graph& g, int x, const std::string& kind, float alpha, float max_value, float threshold,
             const std::string& name) {
            return g.add(name, ActivationNode{{activation_kind(kind), alpha, max_value, threshold}}, {x});
          },
          py::arg("x"), py::arg("kind"), py::kw_only(), py::arg("alpha") = 0.0f, py::arg("max_value") = kInfinity,
          py::arg("threshold") = 0.0f, py::arg("name") = "activation")
      .def(
          "softmax", [](Graph& g, int x, const std::string& name) { return g.add(name, SoftmaxNode{false}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("name") = "softmax")
      .def(
          "log_softmax", [](Graph& g, int x, const std::string& name) { return g.add(name, SoftmaxNode{true}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("name") = "log_softmax")
      .def(
          "maxout",
          [](Graph& g, int x, int64_t pieces, const std::string& name) { return g.add(name, MaxoutNode{pieces}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("pieces"), py::arg("name") = "maxout")
      .def(
          "max_pool2d",
          [](Graph& g, int x, IntPair pool_size, IntPair strides, IntFour pad, const std::string& name) {
            return g.add(name, Pool2DNode{false, pair(pool_size), pair(strides), padding(pad)}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding") = IntFour{},
          py::arg("name") = "max_pool2d")
      .def(
          "average_pool2d",
          [](Graph& g, int x, IntPair pool_size, IntPair strides, IntFour pad, bool count_padding,
             const std::string& name) {
            return g.add(name, Pool2DNode{true, pair(pool_size), pair(strides), padding(pad), count_padding}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding") = IntFour{},
          py::arg("count_padding") = false, py::arg("name") = "average_pool2d")
      .def(
          "reshape",
          [](Graph& g, int x, const std::vector<int64_t>& shape, const std::string& name) {
            if (shape.empty()) fail(name + ": the shape must have at least one dimension besides the batch");
            return g.add(name, ReshapeNode{}, {x}, Shape{shape});
          },
          py::arg("x"), py::arg("shape"), py::kw_only(), py::arg("name") = "reshape")
      .def(
          "dropout",
          [](Graph& g, int x, float rate, const std::string& name) { return g.add(name, DropoutNode{rate}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("rate"), py::arg("name") = "dropout")
      .def(
          "batch_norm",
          [](Graph& g, int x, float momentum, float epsilon, bool center, bool scale, bool frozen,
             const std::string& name) {
            return g.add(name, BatchNormNode{momentum, epsilon, center, scale, frozen}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("momentum") = 0.99f, py::arg("epsilon") = 1e-3f,
          py::arg("center") = true, py::arg("scale") = true, py::arg("frozen") = false,
          py::arg("name") = "batch_normalization")
      .def(
          "pad2d",
          [](Graph& g, int x, IntFour pad, const std::string& mode, float value, const std::string& name) {
            return g.add(name, Pad2DNode{padding(pad), pad_mode(mode), value}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("padding"), py::arg("mode") = "constant", py::arg("value") = 0.0f,
          py::arg("name") = "pad2d")
      .def(
          "scale_shift",
          [](Graph& g, int x, float scale, float shift, const std::string& name) {
            return g.add(name, ScaleShiftNode{scale, shift}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("scale"), py::arg("shift"), py::arg("name") = "rescaling")
      .def(
          "add", [](Graph& g, const std::vector<int>& x, const std::string& name) { return g.add(name, AddNode{}, x); },
          py::arg("x"), py::kw_only(), py::arg("name") = "add")
      .def(
          "multiply",
          [](Graph& g, const std::vector<int>& x, const std::string& name) { return g.add(name, MultiplyNode{}, x); },
          py::arg("x"), py::kw_only(), py::arg("name") = "multiply")
      .def(
          "concat",
          [](Graph& g, const std::vector<int>& x, const std::string& name) { return g.add(name, ConcatNode{}, x); },
          py::arg("x"), py::kw_only(), py::arg("name") = "concatenate")
      .def("reuse", &Graph::reuse, py::arg("parameters"))
      .def(
          "shape",
          [](const Graph& g, int node) {
            if (node < 0 || node >= static_cast<int>(g.nodes().size()))
              fail("there is no node " + std::to_string(node));
            return py::tuple(py::cast(g.node(node).shape.dims));
          },
          py::arg("node"));
}

}  // namespace pycnn::bindings
