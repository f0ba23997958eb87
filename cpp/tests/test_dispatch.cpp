#include "runtime/dispatch.h"

#include <algorithm>
#include <stdexcept>

#include "tests/check.h"

namespace pycnn::testing {

TEST(dispatch_names) {
  const std::vector<std::string> built = built_isas(), available = available_isas();
  CHECK(!available.empty() && available[0] == "baseline");
  for (const std::string& isa : available) {
    CHECK(std::find(built.begin(), built.end(), isa) != built.end());
    CHECK(kernel_table(isa).isa == isa);
    CHECK(&kernel_table(isa) == &kernel_table(isa));
  }
}

TEST(dispatch_errors) {
  std::string message;
  try {
    kernel_table("avx1024");
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message.find("'avx1024'") != std::string::npos && message.find("baseline") != std::string::npos);
  for (const std::string& isa : built_isas()) {
    const std::vector<std::string> available = available_isas();
    if (std::find(available.begin(), available.end(), isa) != available.end()) continue;
    message.clear();
    try {
      kernel_table(isa);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    CHECK(message.find("this CPU cannot run") != std::string::npos);
  }
}

TEST(dispatch_active) {
  set_active_isa(kernels.isa);
  CHECK(&active_kernels() == &kernels);
  try {
    set_active_isa("avx1024");
  } catch (const std::invalid_argument&) {
  }
  CHECK(&active_kernels() == &kernels);
}

TEST(dispatch_kernels_count_their_work) {
  float sink = 1.0f;
  CHECK_EQUAL(kernels.fma_burst(&sink, 10) % (20 * kernels.lanes), 0, kernels.isa);
  CHECK(std::isfinite(sink));
}

}  // namespace pycnn::testing
