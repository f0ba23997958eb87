#include "runtime/memory.h"

#include <new>
#include <utility>

#include "tests/check.h"

namespace pycnn::testing {

TEST(memory_is_aligned_and_zero) {
  for (const int64_t count : {1, 15, 16, 17, 1000, (1 << 19) - 1, 1 << 19, (1 << 20) + 3}) {
    AlignedFloats memory(count);
    CHECK(memory.size() == count && reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0);
    for (int64_t i = 0; i < count; ++i) CHECK_EQUAL(memory.data()[i], 0.0, count);
    AlignedFloats other = std::move(memory);
    other.data()[count - 1] = 1.0f;
    CHECK(other.size() == count);
  }
  for (const int64_t count : {int64_t{0}, int64_t{-5}}) CHECK(AlignedFloats(count).data() == nullptr);
  for (const int64_t n : {0, 1, 15, 16, 17}) CHECK(align_floats(n) % 16 == 0 && align_floats(n) - n < 16);
}

TEST(memory_refuses_what_cannot_be) {
  for (const int64_t count : {int64_t{1} << 41, std::numeric_limits<int64_t>::max()}) {
    bool refused = false;
    try {
      AlignedFloats memory(count);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    CHECK(refused);
  }
}

}  // namespace pycnn::testing
