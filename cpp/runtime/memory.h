// Aligned, movable float memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pycnn {

// Floats on a cache line boundary, zero at first. Large ones ask the system for huge pages, which take memory once they
// are touched.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(int64_t count);  // std::bad_alloc
  float* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Free {
    std::size_t mapped_bytes;  // 0: from the allocator
    void operator()(float* p) const;
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

constexpr int64_t kAlignFloats = 16;  // a cache line, an AVX-512 vector
inline int64_t align_floats(int64_t n) { return (n + kAlignFloats - 1) / kAlignFloats * kAlignFloats; }

}  // namespace pycnn
