// A prepared call: NumPy arrays over the memory of an Inference, and as little as possible between Python and it.
#include "engine/inference.h"

#include <cstdint>

#include "bindings/arrays.h"
#include "bindings/bindings.h"

namespace pycnn::bindings {
namespace {

// Counts how often the weights of some network moved to another one: see weights_moved. Guarded by the GIL.
int64_t moves = 0;

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

class PreparedCall {
 public:
  PreparedCall(Network& network, int64_t samples, const std::string& dtype, py::object claim)
      : network_(py::cast(&network)), claim_(std::move(claim)) {
    const SourceType type = type_named(dtype);
    claim_weights();
    {
      py::gil_scoped_release release;
      inference_ = std::make_shared<Inference>(network, samples, type);
    }
    x_ = expected("x", dtype_of(type), network.input_shape(), bytes_of(type));
    y_ = expected("out", py::dtype::of<float>(), network.output_shape(), sizeof(float));
    input_ = array_over(x_, inference_->input());
    output_ = array_over(y_, inference_->output());
  }

  py::object operator()(const py::object& x, const py::object& out) {
    const void* from = x.is_none() ? inference_->input() : x_.check(x, false).data();
    float* to =
        out.is_none() ? inference_->output() : static_cast<float*>(const_cast<void*>(y_.check(out, true).data()));
    const auto begin = reinterpret_cast<uintptr_t>(from), out_begin = reinterpret_cast<uintptr_t>(to);
    require(
        begin + static_cast<uintptr_t>(x_.bytes) <= out_begin || out_begin + static_cast<uintptr_t>(y_.bytes) <= begin,
        "x and out share memory; expected arrays apart from each other");
    if (seen_ != moves) claim_weights();
    {
      py::gil_scoped_release release;
      (*inference_)(from, to);
    }
    return out.is_none() ? output_ : out;
  }

  const py::object& input() const { return input_; }
  const py::object& output() const { return output_; }
  std::string text() const {
    const auto shape = [](const Expected& e) { return text_of(std::vector<int64_t>(e.shape.begin(), e.shape.end())); };
    return "<PreparedCall " + shape(x_) + " " + std::string(py::str(x_.dtype)) + " -> " + shape(y_) + " float32>";
  }

 private:
  Expected expected(const char* name, const py::dtype& dtype, const Shape& sample, int64_t value_bytes) const {
    std::vector<py::ssize_t> shape(sample.dims.begin(), sample.dims.end());
    shape.insert(shape.begin(), inference_->samples());
    return {name, dtype, shape, inference_->samples() * sample.size() * value_bytes};
  }

  // The array keeps the memory, whatever becomes of the call.
  py::array array_over(const Expected& e, const void* memory) const {
    auto* held = new std::shared_ptr<Inference>(inference_);
    py::capsule owner(held, [](void* p) { delete static_cast<std::shared_ptr<Inference>*>(p); });
    return py::array(e.dtype, e.shape, memory, owner);
  }

  void claim_weights() {
    if (!claim_.is_none()) claim_();
    seen_ = moves;
  }

  py::object network_;  // kept alive
  py::object claim_;
  std::shared_ptr<Inference> inference_;
  Expected x_, y_;
  py::object input_, output_;
  int64_t seen_ = 0;
};

}  // namespace

void bind_inference(py::module_& m) {
  m.def("weights_moved", [] { ++moves; });
  py::class_<PreparedCall>(m, "PreparedCall",
                           "A network made ready for batches of one size and dtype. `call()` computes what lies in "
                           "`call.input`, `call(x)` what lies in x; the result is in `call.output`, or in the array "
                           "given as `out`, which is returned.")
      .def(py::init<Network&, int64_t, std::string, py::object>(), py::arg("network"), py::arg("samples"),
           py::arg("dtype") = "float32", py::arg("claim") = py::none())
      .def("__call__", &PreparedCall::operator(), py::arg("x") = py::none(), py::arg("out") = py::none())
      .def_property_readonly("input", &PreparedCall::input)
      .def_property_readonly("output", &PreparedCall::output)
      .def("__repr__", &PreparedCall::text);
}

}  // namespace pycnn::bindings
