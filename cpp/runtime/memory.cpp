#include "runtime/memory.h"

#include <cstdlib>
#include <cstring>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pycnn {
namespace {
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr int64_t kMaxFloats = int64_t{1} << 40;
}  // namespace

AlignedFloats::AlignedFloats(int64_t count) : size_(count) {
  if (count <= 0) return;
  if (count > kMaxFloats) throw std::bad_alloc();
  std::size_t bytes = static_cast<std::size_t>(align_floats(count)) * sizeof(float);
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment == kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, bytes);
  data_.reset(static_cast<float*>(memory));
}

void AlignedFloats::Free::operator()(float* p) const { std::free(p); }

}  // namespace pycnn
