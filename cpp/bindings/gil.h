// The GIL given away and taken, and Python called, also while the interpreter ends.
//
// CPython before 3.14 ends a daemon thread that asks for the GIL by then with pthread_exit, which unwinds the stack.
// Destructors must not throw and need the GIL, so that it would abort the process: such a thread waits for its end.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace pycnn::bindings {

// What a call of the C API returns, if it returns. It throws nothing but the unwinding of pthread_exit.
template <class Call>
auto or_wait_for_exit(const Call& call) {
  try {
    return call();
  } catch (...) {  // left by no way: that would abort
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

// f(arguments...)
template <class... Arguments>
pybind11::object call_python(const pybind11::object& f, const Arguments&... arguments) {
  const pybind11::tuple all = pybind11::make_tuple(arguments...);
  PyObject* result = or_wait_for_exit([&] { return PyObject_Call(f.ptr(), all.ptr(), nullptr); });
  if (!result) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

// Without the GIL while it lives.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  ~GilReleased() {
    or_wait_for_exit([this] { PyEval_RestoreThread(state_); });
  }
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

// With the GIL while it lives, on any thread.
class GilHeld {
 public:
  GilHeld() : state_(or_wait_for_exit([] { return PyGILState_Ensure(); })) {}
  ~GilHeld() { PyGILState_Release(state_); }
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace pycnn::bindings
