// What a pycnn::Model holds.
#pragma once

#include <pycnn/pycnn.h>

#include <memory>
#include <string>
#include <vector>

#include "api/model_file.h"

namespace pycnn {

struct Model::Impl {
  explicit Impl(ModelFile file);

  const std::unique_ptr<Network> network;
  const std::vector<TensorInfo> inputs, outputs;
  const std::vector<std::string> class_names;
};

}  // namespace pycnn
