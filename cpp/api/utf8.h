// Code points in UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pycnn {

// The number of bytes of the first code point; 0 where the text does not begin with one that is well formed: the
// shortest form of a code point up to U+10FFFF that is no surrogate (Unicode 15, table 3-7).
size_t utf8_length(std::string_view text);

void append_utf8(std::string& text, uint32_t code_point);

}  // namespace pycnn
