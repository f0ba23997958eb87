#include <chrono>
#include <mutex>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/gil.h"
#include "runtime/dispatch.h"
#include "runtime/exact.h"
#include "runtime/team.h"
#include "runtime/threads.h"

#define PYCNN_STRING(x) #x
#define PYCNN_STRING_OF(x) PYCNN_STRING(x)

namespace pycnn::bindings {
namespace {

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

py::dict config() {
  py::dict d;
  d["version"] = PYCNN_STRING_OF(PYCNN_VERSION);
  d["compiler"] = compiler();
  d["build_type"] = PYCNN_STRING_OF(PYCNN_BUILD_TYPE);
  d["isas_built"] = built_isas();
  d["isas_available"] = available_isas();
  d["isa_active"] = active_kernels().isa;
  d["exact"] = exact();
  d["threads"] = num_threads();
  d["threads_reason"] = num_threads() == default_num_threads() ? default_threads_reason() : "set by set_num_threads";
  d["openmp"] = openmp_description();
  return d;
}

double measure_fma_peak(double seconds) {
  require(seconds > 0 && seconds <= 60, "seconds must lie in (0, 60]");
  const KernelTable& kernels = active_kernels();
  std::mutex mutex;
  double total = 0;
  {
    const GilReleased released;
    parallel(num_threads(), Wake::kAlways, [&](const Team&) {
      using Clock = std::chrono::steady_clock;
      float sink = 0.999f;
      kernels.fma_burst(&sink, 1000);
      const auto start = Clock::now();
      int64_t done = 0;
      double elapsed = 0;
      while ((elapsed = std::chrono::duration<double>(Clock::now() - start).count()) < seconds) {
        sink = 0.999f;
        done += kernels.fma_burst(&sink, 100000);
      }
      std::lock_guard<std::mutex> lock(mutex);
      total += static_cast<double>(done) / elapsed / 1e9;
    });
  }
  return total;
}

}  // namespace

void bind_config(py::module_& m) {
  m.def("config", &config);
  m.def("set_isa", &set_active_isa, py::arg("name"));
  m.def("set_exact", &set_exact, py::arg("exact"));
  m.def("get_num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("threads"));
  m.def("measure_fma_peak", &measure_fma_peak, py::arg("seconds"));
}

}  // namespace pycnn::bindings
