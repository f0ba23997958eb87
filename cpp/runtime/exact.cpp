#include "runtime/exact.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace pycnn {
namespace {

std::atomic<bool>& setting() {
  static std::atomic<bool> value = [] {
    const char* text = std::getenv("PYCNN_EXACT");
    const std::string given = text ? text : "";
    if (!given.empty() && given != "0" && given != "1")
      throw std::invalid_argument("PYCNN_EXACT is '" + given + "'; expected 0 or 1");
    return given == "1";
  }();
  return value;
}

}  // namespace

bool exact() { return setting().load(); }
void set_exact(bool exact) { setting() = exact; }

}  // namespace pycnn
