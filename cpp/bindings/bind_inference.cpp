// A prepared call: NumPy arrays over the memory of an Inference, and as little as possible between Python and it.
#include "engine/inference.h"

#include <cstdint>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/gil.h"

namespace pycnn::bindings {
namespace {

// An array that a caller may hand over: what it must be, to the byte.
struct Expected {
  const char* name;
  py::dtype dtype;
  std::vector<py::ssize_t> shape;
  int64_t bytes;

  // Throws an error that says what came and what was expected.
  const py::array& check(const py::object& given, bool writable) const {
    const auto& a = static_cast<const py::array&>(given);
    if (!py::isinstance<py::array>(given)) reject<py::type_error>("is " + text(py::type::of(given)));
    if (!a.dtype().is(dtype) && !a.dtype().equal(dtype)) reject<py::type_error>("has dtype " + text(a.dtype()));
    const bool fits =
        a.ndim() == static_cast<py::ssize_t>(shape.size()) && std::equal(shape.begin(), shape.end(), a.shape());
    if (!fits) reject<py::value_error>("has shape " + text_of(shape_of(a)));
    constexpr int kNeeded = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if ((a.flags() & kNeeded) != kNeeded) reject<py::value_error>("is not C-contiguous and aligned");
    if (writable && !a.writeable()) reject<py::value_error>("is read-only");
    return a;
  }

 private:
  static std::string text(const py::handle& o) { return py::str(o); }

  template <class Error>
  [[noreturn]] void reject(const std::string& what) const {
    const std::vector<int64_t> wanted(shape.begin(), shape.end());
    throw Error(std::string(name) + " " + what + "; expected a C-contiguous NumPy array of shape " + text_of(wanted) +
                " and dtype " + text(dtype));
  }
};

py::dtype dtype_of(SourceType type) {
  switch (type) {
    case SourceType::kFloat32: return py::dtype::of<float>();
    case SourceType::kFloat64: return py::dtype::of<double>();
    case SourceType::kUint8: break;
  }
  return py::dtype::of<uint8_t>();
}

SourceType type_named(const std::string& name) {
  for (const SourceType type : {SourceType::kFloat32, SourceType::kFloat64, SourceType::kUint8})
    if (name == std::string(py::str(dtype_of(type)))) return type;
  fail("dtype is '" + name + "'; expected 'float32', 'uint8' or 'float64'");
}

// One array, or a list of them where there are several.
using Arrays = std::vector<py::object>;

class PreparedCall {
 public:
  PreparedCall(Network& network, int64_t samples, const std::string& dtype) : network_(py::cast(&network)) {
    const SourceType type = type_named(dtype);
    {
      const GilReleased released;
      inference_ = std::make_shared<Inference>(network, samples, type);
    }
    for (size_t i = 0; i < network.inputs().size(); ++i) {
      const int number = static_cast<int>(i);
      x_.push_back(expected("x", dtype_of(type), &samples, network.input_shape(number), bytes_of(type)));
      inputs_.append(array_over(x_.back(), inference_->input(number)));
    }
    for (size_t i = 0; i < network.outputs().size(); ++i) {
      const Node& node = network.graph().node(network.outputs()[i]);
      y_.push_back(expected("out", py::dtype::of<float>(), node.batched ? &samples : nullptr, node.shape, 4));
      outputs_.append(array_over(y_.back(), inference_->output(static_cast<int>(i))));
    }
  }

  py::object operator()(const py::object& x, const py::object& out) {
    std::vector<const void*> from;
    std::vector<float*> to;
    const Arrays given = listed(x.is_none() ? input() : x, x_.size(), "x");
    const Arrays wanted = listed(out.is_none() ? output() : out, y_.size(), "out");
    for (size_t i = 0; i < x_.size(); ++i) from.push_back(x_[i].check(given[i], false).data());
    for (size_t i = 0; i < y_.size(); ++i)
      to.push_back(static_cast<float*>(const_cast<void*>(y_[i].check(wanted[i], true).data())));
    require_apart(from, to);
    {
      const GilReleased released;
      (*inference_)(from, to);
    }
    return out.is_none() ? output() : out;
  }

  py::object input() const { return x_.size() == 1 ? py::object(inputs_[0]) : py::object(inputs_); }
  py::object output() const { return y_.size() == 1 ? py::object(outputs_[0]) : py::object(outputs_); }
  std::string text() const {
    const auto shapes = [](const std::vector<Expected>& all) {
      std::string text;
      for (const Expected& e : all)
        text += (text.empty() ? "" : ", ") + text_of(std::vector<int64_t>(e.shape.begin(), e.shape.end()));
      return text;
    };
    return "<PreparedCall " + shapes(x_) + " " + std::string(py::str(x_[0].dtype)) + " -> " + shapes(y_) + " float32>";
  }

 private:
  static Expected expected(const char* name, const py::dtype& dtype, const int64_t* samples, const Shape& sample,
                           int64_t value_bytes) {
    std::vector<py::ssize_t> shape(sample.dims.begin(), sample.dims.end());
    if (samples) shape.insert(shape.begin(), *samples);
    return {name, dtype, shape, (samples ? *samples : 1) * sample.size() * value_bytes};
  }

  // The array keeps the memory, whatever becomes of the call.
  py::array array_over(const Expected& e, const void* memory) const {
    auto* held = new std::shared_ptr<Inference>(inference_);
    py::capsule owner(held, [](void* p) { delete static_cast<std::shared_ptr<Inference>*>(p); });
    return py::array(e.dtype, e.shape, memory, owner);
  }

  static Arrays listed(const py::object& given, size_t count, const char* name) {
    if (count == 1) return {given};
    const bool is_list = py::isinstance<py::list>(given) || py::isinstance<py::tuple>(given);
    require(is_list && py::len(given) == count,
            std::string(name) + " must be a list of " + std::to_string(count) + " arrays");
    return given.cast<Arrays>();
  }

  void require_apart(const std::vector<const void*>& from, const std::vector<float*>& to) const {
    const auto address = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
    for (size_t j = 0; j < to.size(); ++j) {
      const uintptr_t begin = address(to[j]), end = begin + static_cast<uintptr_t>(y_[j].bytes);
      for (size_t i = 0; i < from.size(); ++i)
        require(address(from[i]) + static_cast<uintptr_t>(x_[i].bytes) <= begin || end <= address(from[i]),
                "x and out share memory; expected arrays apart from each other");
      for (size_t i = 0; i < j; ++i)
        require(address(to[i]) + static_cast<uintptr_t>(y_[i].bytes) <= begin || end <= address(to[i]),
                "arrays of out share memory; expected arrays apart from each other");
    }
  }

  py::object network_;  // kept alive
  std::shared_ptr<Inference> inference_;
  std::vector<Expected> x_, y_;
  py::list inputs_, outputs_;
};

}  // namespace

void bind_inference(py::module_& m) {
  py::class_<PreparedCall>(m, "PreparedCall",
                           "A network made ready for batches of one size and dtype. `call()` computes what lies in "
                           "`call.input`, `call(x)` what lies in x; the result is in `call.output`, or in the array "
                           "given as `out`, which is returned.")
      .def(py::init<Network&, int64_t, std::string>(), py::arg("network"), py::arg("samples"),
           py::arg("dtype") = "float32")
      .def("__call__", &PreparedCall::operator(), py::arg("x") = py::none(), py::arg("out") = py::none())
      .def_property_readonly("input", &PreparedCall::input)
      .def_property_readonly("output", &PreparedCall::output)
      .def("__repr__", &PreparedCall::text);
}

}  // namespace pycnn::bindings
