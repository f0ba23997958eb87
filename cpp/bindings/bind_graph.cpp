#include <algorithm>
#include <iterator>
#include <limits>

#include "api/graph_json.h"
#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/host.h"
#include "bindings/names.h"
#include "graph/graph.h"

namespace pycnn::bindings {
namespace {

using IntPair = std::array<int64_t, 2>;
using IntFour = std::array<int64_t, 4>;
using Dims = std::vector<int64_t>;

Pair pair(const IntPair& p) { return {p[0], p[1]}; }
Padding padding(const IntFour& p) { return {p[0], p[1], p[2], p[3]}; }

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<int> with_optional(std::vector<int> inputs, const std::vector<std::optional<int>>& more) {
  for (const std::optional<int>& input : more)
    if (input) inputs.push_back(*input);
  return inputs;
}

// An instruction as Python writes it: (operation, registers..., value or activation's arguments).
MapInstruction instruction(const py::tuple& given) {
  MapInstruction m;
  m.op = static_cast<MapOp>(number_of(kMapOpNames, given[0].cast<std::string>(), "operation"));
  const size_t registers = static_cast<size_t>(operand_count(m.op));
  require(given.size() >= 1 + registers, "an instruction has too few registers");
  int32_t* const slots[] = {&m.a, &m.b, &m.c};
  for (size_t i = 0; i < registers; ++i) *slots[i] = given[1 + i].cast<int32_t>();
  if (m.op == MapOp::kConstant) m.value = given[1].cast<float>();
  if (m.op == MapOp::kActivation) {
    m.activation = {activation_kind(given[2].cast<std::string>()), given[3].cast<float>(), given[4].cast<float>(),
                    given[5].cast<float>()};
  }
  return m;
}

int map(Graph& g, const std::vector<int>& x, const std::vector<py::tuple>& code, const std::string& name) {
  MapNode node;
  std::transform(code.begin(), code.end(), std::back_inserter(node.code), instruction);
  return g.add(name, node, x);
}

int constant(Graph& g, const Floats& values, const std::string& name) {
  const Dims dims = shape_of(values);
  auto held = std::make_shared<std::vector<float>>(values.data(), values.data() + values.size());
  return g.add(name, ConstantNode{std::move(held)}, {}, Shape{dims});
}

int reduce(Graph& g, int x, const std::string& kind, int64_t outer, int64_t n, int64_t inner, const Dims& shape,
           const std::string& name) {
  const auto number = static_cast<ReduceKind>(number_of(kReduceNames, kind, "reduction"));
  return g.add(name, ReduceNode{number, outer, n, inner}, {x}, Shape{shape});
}

DType dtype_of(const std::string& name) {
  if (name == "uint8") return DType::kUint8;
  return name == "float32" ? DType::kFloat32 : DType::kInt32;
}

const Node& checked(const Graph& g, int node) {
  require(node >= 0 && node < static_cast<int>(g.nodes().size()), "there is no node " + std::to_string(node));
  return g.node(node);
}

// What a node is, for whoever wants to look: operation, name, inputs, shape, whether it has a batch axis.
py::tuple described(const Graph& g, int node) {
  const Node& n = checked(g, node);
  return py::make_tuple(kOperationNames[n.attributes.index()], n.name, n.inputs, py::tuple(py::cast(n.shape.dims)),
                        n.batched);
}

// What C++ programs load: the arrays of `variables` have these names in the file.
std::string json(const Graph& g, const std::vector<int>& outputs, const std::vector<std::string>& output_names,
                 const std::vector<std::string>& array_names) {
  for (int output : outputs) checked(g, output);
  require(output_names.size() == outputs.size(), "output_names must have as many entries as outputs");
  require(array_names.size() == g.variables().size(), "array_names must have one entry for each variable");
  return json_of(g, outputs, output_names, [&](int v) { return array_names[static_cast<size_t>(v)]; }).text();
}

void bind_file(py::module_& m) {
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const FileError& error) {
      py::set_error(PyExc_OSError, error.what());
    }
  });
  py::class_<File, std::shared_ptr<File>>(m, "File", "A file that stays open, for what is read of it later on.")
      .def(py::init<int, std::string>(), py::arg("descriptor"), py::arg("name"));
}

// An array on the variable's memory, which lives as long as the array does.
Floats view_of(const std::shared_ptr<Variable>& v, float* data) {
  auto* held = new std::shared_ptr<Variable>(v);
  py::capsule owner(held, [](void* p) { delete static_cast<std::shared_ptr<Variable>*>(p); });
  return view(data, v->dims(), owner);
}

void bind_variable(py::module_& m) {
  py::class_<Variable, std::shared_ptr<Variable>>(m, "Variable", "A weight: float32 memory that networks read.")
      .def(py::init<std::string, Dims, bool>(), py::arg("name"), py::arg("shape"), py::arg("trainable") = true)
      .def_property_readonly("name", &Variable::name)
      .def_property_readonly("shape", [](const Variable& v) { return py::tuple(py::cast(v.dims())); })
      .def_property_readonly("trainable", &Variable::trainable)
      .def_property_readonly("version", &Variable::version)
      .def_property_readonly("value", [](const std::shared_ptr<Variable>& v) { return view_of(v, v->data()); })
      .def_property_readonly("value_to_overwrite",
                             [](const std::shared_ptr<Variable>& v) { return view_of(v, v->data_to_overwrite()); })
      .def_property_readonly("in_file", &Variable::in_file)
      .def("leave_in", &Variable::leave_in, py::arg("file"), py::arg("offset"))
      .def("touch", &Variable::touch);
}

}  // namespace

void bind_graph(py::module_& m) {
  bind_file(m);
  bind_variable(m);
  const auto name = [](const char* value) { return py::arg("name") = value; };
  py::class_<Graph>(m, "Graph", "What a network is. Every method adds a node and returns its number.")
      .def(py::init<>())
      .def(
          "input",
          [](Graph& g, const Dims& shape, const std::string& name, const std::string& dtype) {
            return g.add(name, InputNode{dtype_of(dtype)}, {}, Shape{shape});
          },
          py::arg("shape"), name("input"), py::arg("dtype") = "float32")
      .def("parameter", &Graph::parameter, py::arg("variable"))
      .def("constant", &constant, py::arg("values"), py::kw_only(), name("constant"))
      .def(
          "conv2d",
          [](Graph& g, int x, int kernel, std::optional<int> bias, IntPair strides, IntFour pad, float pad_value,
             IntPair dilation, int64_t groups, const std::string& precision, const std::string& name) {
            return g.add(
                name,
                Conv2DNode{pair(strides), pair(dilation), padding(pad), pad_value, groups, precision_of(precision)},
                with_optional({x, kernel}, {bias}));
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = py::none(), py::kw_only(),
          py::arg("strides") = IntPair{1, 1}, py::arg("padding") = IntFour{}, py::arg("pad_value") = 0.0f,
          py::arg("dilation") = IntPair{1, 1}, py::arg("groups") = 1, py::arg("precision") = "float32", name("conv2d"))
      .def(
          "dense",
          [](Graph& g, int x, int kernel, std::optional<int> bias, const std::string& precision,
             const std::string& name) {
            return g.add(name, DenseNode{precision_of(precision)}, with_optional({x, kernel}, {bias}));
          },
          py::arg("x"), py::arg("kernel"), py::arg("bias") = py::none(), py::kw_only(),
          py::arg("precision") = "float32", name("dense"))
      .def(
          "activation",
          [](Graph& g, int x, const std::string& kind, float alpha, float max_value, float threshold,
             const std::string& name) {
            return g.add(name, ActivationNode{{activation_kind(kind), alpha, max_value, threshold}}, {x});
          },
          py::arg("x"), py::arg("kind"), py::kw_only(), py::arg("alpha") = 0.0f, py::arg("max_value") = kInfinity,
          py::arg("threshold") = 0.0f, name("activation"))
      .def(
          "softmax", [](Graph& g, int x, const std::string& name) { return g.add(name, SoftmaxNode{false}, {x}); },
          py::arg("x"), py::kw_only(), name("softmax"))
      .def(
          "log_softmax", [](Graph& g, int x, const std::string& name) { return g.add(name, SoftmaxNode{true}, {x}); },
          py::arg("x"), py::kw_only(), name("log_softmax"))
      .def(
          "maxout",
          [](Graph& g, int x, int64_t pieces, const std::string& name) { return g.add(name, MaxoutNode{pieces}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("pieces"), name("maxout"))
      .def(
          "max_pool2d",
          [](Graph& g, int x, IntPair pool_size, IntPair strides, IntFour pad, const std::string& name) {
            return g.add(name, Pool2DNode{false, pair(pool_size), pair(strides), padding(pad)}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding") = IntFour{},
          name("max_pool2d"))
      .def(
          "average_pool2d",
          [](Graph& g, int x, IntPair pool_size, IntPair strides, IntFour pad, bool count_padding,
             const std::string& name) {
            return g.add(name, Pool2DNode{true, pair(pool_size), pair(strides), padding(pad), count_padding}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("pool_size"), py::arg("strides"), py::arg("padding") = IntFour{},
          py::arg("count_padding") = false, name("average_pool2d"))
      .def(
          "reshape",
          [](Graph& g, int x, const Dims& shape, const std::string& name) {
            return g.add(name, ReshapeNode{}, {x}, Shape{shape});
          },
          py::arg("x"), py::arg("shape"), py::kw_only(), name("reshape"))
      .def(
          "dropout",
          [](Graph& g, int x, float rate, bool always, const std::string& name) {
            return g.add(name, DropoutNode{rate, always}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("rate"), py::arg("always") = false, name("dropout"))
      .def(
          "uniform",
          [](Graph& g, const Dims& shape, bool batched, const std::string& name) {
            return g.add(name, UniformNode{batched}, {}, Shape{shape});
          },
          py::arg("shape"), py::kw_only(), py::arg("batched") = true, name("uniform"))
      .def(
          "batch_norm",
          [](Graph& g, int x, std::optional<int> gamma, std::optional<int> beta, int mean, int variance, float momentum,
             float epsilon, bool frozen, bool always, const std::string& name) {
            std::vector<int> inputs = with_optional({x}, {gamma, beta});
            inputs.insert(inputs.end(), {mean, variance});
            return g.add(name, BatchNormNode{momentum, epsilon, beta.has_value(), gamma.has_value(), frozen, always},
                         inputs);
          },
          py::arg("x"), py::arg("gamma"), py::arg("beta"), py::arg("mean"), py::arg("variance"), py::kw_only(),
          py::arg("momentum") = 0.99f, py::arg("epsilon") = 1e-3f, py::arg("frozen") = false, py::arg("always") = false,
          name("batch_normalization"))
      .def(
          "pad2d",
          [](Graph& g, int x, IntFour pad, const std::string& mode, float value, const std::string& name) {
            return g.add(name, Pad2DNode{padding(pad), pad_mode(mode), value}, {x});
          },
          py::arg("x"), py::kw_only(), py::arg("padding"), py::arg("mode") = "constant", py::arg("value") = 0.0f,
          name("pad2d"))
      .def(
          "add", [](Graph& g, const std::vector<int>& x, const std::string& name) { return g.add(name, AddNode{}, x); },
          py::arg("x"), py::kw_only(), name("add"))
      .def(
          "concat",
          [](Graph& g, const std::vector<int>& x, int64_t axis, const std::string& name) {
            return g.add(name, ConcatNode{axis}, x);
          },
          py::arg("x"), py::kw_only(), py::arg("axis") = -1, name("concatenate"))
      .def("map", &map, py::arg("x"), py::arg("code"), py::kw_only(), name("map"))
      .def("reduce", &reduce, py::arg("x"), py::arg("kind"), py::kw_only(), py::arg("outer"), py::arg("n"),
           py::arg("inner"), py::arg("shape"), name("reduce"))
      .def(
          "strided",
          [](Graph& g, int x, const Dims& shape, int64_t offset, const Dims& strides, const std::string& name) {
            return g.add(name, StridedNode{offset, strides}, {x}, Shape{shape});
          },
          py::arg("x"), py::kw_only(), py::arg("shape"), py::arg("offset"), py::arg("strides"), name("strided"))
      .def(
          "scatter",
          [](Graph& g, int x, const Dims& shape, int64_t offset, const Dims& strides, float fill,
             const std::string& name) {
            return g.add(name, ScatterNode{offset, strides, fill}, {x}, Shape{shape});
          },
          py::arg("x"), py::kw_only(), py::arg("shape"), py::arg("offset"), py::arg("strides"), py::arg("fill") = 0.0f,
          name("scatter"))
      .def(
          "matmul",
          [](Graph& g, int a, int b, bool transpose_a, bool transpose_b, const std::string& name) {
            return g.add(name, MatmulNode{transpose_a, transpose_b}, {a, b});
          },
          py::arg("a"), py::arg("b"), py::kw_only(), py::arg("transpose_a") = false, py::arg("transpose_b") = false,
          name("matmul"))
      .def(
          "take",
          [](Graph& g, int x, int index, int64_t axis, const std::string& name) {
            return g.add(name, TakeNode{axis}, {x, index});
          },
          py::arg("x"), py::arg("index"), py::kw_only(), py::arg("axis"), name("take"))
      .def(
          "batch_reduce",
          [](Graph& g, int x, bool mean, const std::string& name) { return g.add(name, BatchReduceNode{mean}, {x}); },
          py::arg("x"), py::kw_only(), py::arg("mean"), name("batch_reduce"))
      .def(
          "stop_gradient",
          [](Graph& g, int x, const std::string& name) { return g.add(name, StopGradientNode{}, {x}); }, py::arg("x"),
          py::kw_only(), name("stop_gradient"))
      .def(
          "gradient",
          [](Graph& g, int of, int by, const std::string& name) {
            return g.add(name, GradientNode{}, {of, by});
          },
          py::arg("of"), py::arg("by"), py::kw_only(), name("gradient"))
      .def(
          "host",
          [](Graph& g, const std::vector<int>& x, const Dims& shape, const py::object& forward,
             const py::object& backward, const std::string& name) {
            return g.add(name, HostNode{host_function(forward, backward)}, x, Shape{shape});
          },
          py::arg("x"), py::kw_only(), py::arg("shape"), py::arg("forward"), py::arg("backward") = py::none(),
          name("host"))
      .def(
          "shape", [](const Graph& g, int node) { return py::tuple(py::cast(checked(g, node).shape.dims)); },
          py::arg("node"))
      .def(
          "is_batched", [](const Graph& g, int node) { return checked(g, node).batched; }, py::arg("node"))
      .def("node", &described, py::arg("node"))
      .def("__len__", [](const Graph& g) { return g.nodes().size(); })
      .def_property_readonly("variables", &Graph::variables)
      .def("json", &json, py::arg("outputs"), py::arg("output_names"), py::arg("array_names"))
      .def(
          "text",
          [](const Graph& g, const std::vector<int>& outputs) {
            for (int output : outputs) checked(g, output);
            return text_of(g, outputs);
          },
          py::arg("outputs"));
}

}  // namespace pycnn::bindings
