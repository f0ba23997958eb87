#include "bindings/host.h"

#include <string>

#include "bindings/arrays.h"
#include "bindings/gil.h"

namespace pycnn::bindings {
namespace {

py::array_t<float> array_of(const HostArray& a, const py::object& owner) {
  std::vector<py::ssize_t> shape(a.shape->dims.begin(), a.shape->dims.end()), strides(shape.size());
  py::ssize_t step = sizeof(float);
  for (size_t i = shape.size(); i-- > 0; step *= shape[i]) strides[i] = step;
  if (a.samples > 0) {
    shape.insert(shape.begin(), a.samples);
    strides.insert(strides.begin(), a.stride * static_cast<py::ssize_t>(sizeof(float)));
  }
  return py::array_t<float>(shape, strides, a.data, owner);
}

py::list arrays_of(const std::vector<HostArray>& all, const py::object& owner) {
  py::list list;
  for (const HostArray& a : all) list.append(array_of(a, owner));
  return list;
}

class PythonFunction final : public HostFunction {
 public:
  PythonFunction(py::object forward, py::object backward)
      : forward_(std::move(forward)), backward_(std::move(backward)) {}
  ~PythonFunction() override {
    const GilHeld gil;
    forward_ = backward_ = py::object();
  }

  void forward(const std::vector<HostArray>& x, HostArray y, bool training) override {
    const GilHeld gil;
    write(y, call_python(forward_, arrays_of(x, owner()), training), "the output");
  }

  void backward(const std::vector<HostArray>& x, HostArray y, HostArray dy, const std::vector<HostArray>& dx) override {
    const GilHeld gil;
    const py::object owned = owner();
    const py::sequence given = call_python(backward_, arrays_of(x, owned), array_of(y, owned), array_of(dy, owned));
    require(given.size() == dx.size(), "backward returned " + std::to_string(given.size()) + " gradients; expected " +
                                           std::to_string(dx.size()) + ", one an input");
    for (size_t i = 0; i < dx.size(); ++i) {
      if (!dx[i].data) continue;
      const py::object value = given[i];
      require(!value.is_none(), "backward returned None for input " + std::to_string(i) + ", which needs a gradient");
      write(dx[i], value, ("gradient " + std::to_string(i)).c_str());
    }
  }

  bool differentiable() const override { return !backward_.is_none(); }

 private:
  // Arrays over memory of the network: their base is this function, so that NumPy copies nothing.
  py::object owner() const { return forward_; }

  static void write(const HostArray& to, const py::object& value, const char* what) {
    const Floats from = Floats::ensure(value);
    if (!from) {
      PyErr_Clear();
      throw py::type_error(std::string(what) + " of a Python step is no array of numbers");
    }
    std::vector<int64_t> expected = to.shape->dims;
    if (to.samples > 0) expected.insert(expected.begin(), to.samples);
    require(shape_of(from) == expected, std::string(what) + " of a Python step has shape " + text_of(shape_of(from)) +
                                            "; expected " + text_of(expected));
    const int64_t n = to.shape->size(), samples = to.samples > 0 ? to.samples : 1;
    for (int64_t s = 0; s < samples; ++s) std::copy_n(from.data() + s * n, n, to.data + s * to.stride);
  }

  py::object forward_, backward_;
};

}  // namespace

std::shared_ptr<HostFunction> host_function(const py::object& forward, const py::object& backward) {
  require(PyCallable_Check(forward.ptr()), "forward is not callable");
  require(backward.is_none() || PyCallable_Check(backward.ptr()), "backward is not callable");
  return std::make_shared<PythonFunction>(forward, backward);
}

}  // namespace pycnn::bindings
