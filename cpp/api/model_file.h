// Models in safetensors files: what Python's saving/models.py writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/json.h"
#include "api/safetensors.h"
#include "engine/network.h"

namespace pycnn {

struct ModelFile {
  std::unique_ptr<Network> network;
  std::vector<std::string> output_names;
  std::vector<std::string> class_names;  // as many as the output has values, or none
};

// Needs the metadata "format": "pycnn" and "graph", the lowered graph as JSON. "class_names", a JSON array of strings,
// may be missing. std::runtime_error, with the file's name, for anything else. With `lazy`, weights stay in an open
// file until something needs them in memory.
ModelFile model_from(const SafeTensors& file, bool lazy = false);

}  // namespace pycnn
