#include "runtime/threads.h"

#include <stdexcept>
#include <string>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

bool is_refused(int threads) {
  try {
    set_num_threads(threads);
  } catch (const std::invalid_argument& error) {
    return std::string(error.what()).find(std::to_string(threads)) != std::string::npos;
  }
  return false;
}

}  // namespace

TEST(threads_default) {
  CHECK(default_num_threads() >= 1);
  CHECK(!default_threads_reason().empty());
}

TEST(threads_set) {
  const int before = num_threads();
  for (const int threads : {1, 3, 1024}) {
    set_num_threads(threads);
    CHECK_EQUAL(num_threads(), threads, "set");
  }
  for (const int threads : {0, -1, 1025}) CHECK(is_refused(threads));
  CHECK_EQUAL(num_threads(), 1024, "what is refused changes nothing");
  set_num_threads(before);
}

}  // namespace pycnn::testing
