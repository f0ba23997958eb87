// What the C interface's handles point to.
#pragma once

#include <pycnn/pycnn.h>
#include <pycnn/pycnn_c.h>

#include <variant>

struct pycnn_model {
  pycnn::Model model;
};

struct pycnn_call {
  std::variant<pycnn::PreparedCall<float>, pycnn::PreparedCall<uint8_t>> call;
};
