// NumPy arrays at the door: named once, checked once.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "graph/graph.h"
#include "kernels/elementwise/elementwise.h"

namespace pycnn::bindings {

namespace py = pybind11;

// Converted when it must be, C-contiguous in any case.
using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Labels = py::array_t<int32_t, py::array::c_style | py::array::forcecast>;
using WideLabels = py::array_t<int64_t, py::array::c_style | py::array::forcecast>;

inline std::vector<int64_t> shape_of(const py::array& a) { return {a.shape(), a.shape() + a.ndim()}; }

[[noreturn]] inline void fail(const std::string& message) { throw py::value_error(message); }

inline void require(bool holds, const std::string& message) {
  if (!holds) fail(message);
}

// o as such an array, converted where it must be.
template <class Array>
Array as(const py::object& o, const char* name) {
  const py::array given = py::array::ensure(o);
  const bool numbers = given && std::string("biuf").find(given.dtype().kind()) != std::string::npos;
  Array array = numbers ? Array::ensure(given) : Array();
  if (!numbers || !array) throw py::type_error(std::string(name) + " cannot be read as an array of real numbers");
  return array;
}

inline void require_rank(const py::array& a, int64_t rank, const char* name) {
  require(a.ndim() == rank, std::string(name) + " must have " + std::to_string(rank) + " dimensions, but has shape " +
                                text_of(shape_of(a)));
}

inline void require_shape(const py::array& a, const std::vector<int64_t>& expected, const char* name) {
  require(shape_of(a) == expected,
          std::string(name) + " must have shape " + text_of(expected) + ", but has " + text_of(shape_of(a)));
}

inline Floats new_array(const std::vector<int64_t>& shape) {
  return Floats(std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

// A view of memory that `owner` keeps alive.
inline Floats view(const float* data, const std::vector<int64_t>& shape, py::object owner) {
  return Floats(std::vector<py::ssize_t>(shape.begin(), shape.end()), data, std::move(owner));
}

}  // namespace pycnn::bindings
