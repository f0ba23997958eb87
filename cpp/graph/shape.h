// The shape of one sample: all axes but the batch axis.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pycnn {

// "(28, 28, 1)", as messages show shapes.
std::string text_of(const std::vector<int64_t>& dims);

// As the user sees it, and as (h, w, c) for the kernels: the last axis is c, the one before w, and all others together
// h.
struct Shape {
  std::vector<int64_t> dims;

  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t c() const { return dims.empty() ? 1 : dims.back(); }
  int64_t w() const { return rank() > 1 ? dims[dims.size() - 2] : 1; }
  int64_t h() const { return size() / (w() * c()); }
  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  std::string text() const { return text_of(dims); }
};

}  // namespace pycnn
