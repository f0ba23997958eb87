#include "runtime/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace pycnn {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr int64_t kMaxFloats = int64_t{1} << 40;
// Bytes from which on memory comes from the system.
#if defined(__SANITIZE_ADDRESS__)  // guards what the allocator gives
constexpr std::size_t kMapped = SIZE_MAX;
#else
constexpr std::size_t kMapped = kHugePage;
#endif

// Straight from the system, and straight back to it: pages that nobody has touched yet take no memory, and none stays
// in the allocator's reserve. On a huge page's boundary, which more is asked for to find.
void* mapped(std::size_t bytes) {
  void* const found = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(found);
  const std::size_t before = -reinterpret_cast<uintptr_t>(begin) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, kHugePage - before);
#if defined(__linux__)
  madvise(begin + before, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return begin + before;
}

void* allocated(std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, bytes) != 0) throw std::bad_alloc();
  return std::memset(memory, 0, bytes);
}

}  // namespace

AlignedFloats::AlignedFloats(int64_t count) : size_(count) {
  if (count <= 0) return;
  if (count > kMaxFloats) throw std::bad_alloc();
  std::size_t bytes = static_cast<std::size_t>(align_floats(count)) * sizeof(float);
  if (bytes < kMapped) {
    data_ = {static_cast<float*>(allocated(bytes)), Free{0}};
  } else {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes = (bytes + page - 1) / page * page;
    data_ = {static_cast<float*>(mapped(bytes)), Free{bytes}};
  }
}

void AlignedFloats::Free::operator()(float* p) const {
  if (mapped_bytes > 0) munmap(p, mapped_bytes);
  else std::free(p);
}

}  // namespace pycnn
