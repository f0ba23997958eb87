#include "api/model_file.h"

#include <stdexcept>

#include "api/network_calls.h"

namespace pycnn {
namespace {

std::vector<std::string> class_names_from(const Json& json) {
  std::vector<std::string> names;
  for (const Json& name : json.array()) names.push_back(name.string());
  return names;
}

void check_class_names(const std::vector<std::string>& names, const std::vector<TensorInfo>& outputs) {
  if (names.empty()) return;
  if (outputs.size() != 1 || outputs[0].size() != static_cast<int64_t>(names.size()))
    throw std::invalid_argument("there are " + std::to_string(names.size()) + " class names, but not as many outputs");
}

}  // namespace

ModelFile model_from(const SafeTensors& file) {
  const std::string* format = file.find_metadata("format");
  if (!format || *format != "pycnn")
    throw std::runtime_error("'" + file.name() + "' is a safetensors file, but not a model that pycnn saved");
  const std::string* graph = file.find_metadata("graph");
  if (!graph)
    throw std::runtime_error("'" + file.name() + "' has no graph: load and save it with this version of pycnn");
  try {
    ModelFile result;
    result.network = network_from(Json::parse(*graph), file);
    if (const std::string* names = file.find_metadata("class_names")) {
      result.class_names = class_names_from(Json::parse(*names));
      check_class_names(result.class_names, outputs_of(*result.network));
    }
    return result;
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error("'" + file.name() + "' does not describe a model: " + error.what());
  }
}

std::unique_ptr<Network> network_from(const Json&, const SafeTensors& file) {
  throw std::runtime_error("'" + file.name() +
                           "' cannot be loaded: this build of pycnn cannot build a network from a file");
}

}  // namespace pycnn
