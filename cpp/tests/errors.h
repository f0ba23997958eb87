// What an action throws.
#pragma once

#include <stdexcept>
#include <string>

namespace pycnn::testing {

// The text of the `Error` that the action throws.
template <class Error = std::invalid_argument, class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace pycnn::testing
