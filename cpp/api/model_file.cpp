#include "api/model_file.h"

#include <algorithm>
#include <stdexcept>

#include "api/graph_json.h"

namespace pycnn {
namespace {

std::vector<std::string> class_names_from(const Json& json) {
  std::vector<std::string> names;
  for (const Json& name : json.array()) names.push_back(name.string());
  return names;
}

void check_class_names(const std::vector<std::string>& names, const Network& network) {
  if (names.empty()) return;
  if (network.outputs().size() != 1 || network.output_shape().size() != static_cast<int64_t>(names.size()))
    throw std::invalid_argument("there are " + std::to_string(names.size()) + " class names, but not as many outputs");
}

std::shared_ptr<Variable> variable_from(const SafeTensors& file, const std::string& name,
                                        const std::vector<int64_t>& shape, bool lazy) {
  const SafeTensors::Tensor* tensor = file.find_tensor(name);
  if (!tensor) throw std::invalid_argument("there is no array '" + name + "'");
  if (tensor->shape != shape)
    throw std::invalid_argument("the array '" + name + "' has shape " + text_of(tensor->shape) + ", expected " +
                                text_of(shape));
  auto variable = std::make_shared<Variable>(name, shape, false);
  if (lazy && file.file()) variable->leave_in(file.file(), tensor->offset);
  else file.read(variable->data(), *tensor);
  return variable;
}

}  // namespace

ModelFile model_from(const SafeTensors& file, bool lazy) {
  const std::string* format = file.find_metadata("format");
  if (!format || *format != "pycnn")
    throw std::runtime_error("'" + file.name() + "' is a safetensors file, but not a model that pycnn saved");
  const std::string* graph = file.find_metadata("graph");
  if (!graph)
    throw std::runtime_error("'" + file.name() + "' has no graph: load and save it with this version of pycnn");
  try {
    ModelFile result;
    ParsedGraph parsed =
        graph_from(Json::parse(*graph), [&](const std::string& name, const std::vector<int64_t>& shape) {
          return variable_from(file, name, shape, lazy);
        });
    result.output_names = std::move(parsed.output_names);
    result.network = std::make_unique<Network>(std::move(parsed.graph), std::move(parsed.outputs));
    if (const std::string* names = file.find_metadata("class_names")) {
      result.class_names = class_names_from(Json::parse(*names));
      check_class_names(result.class_names, *result.network);
    }
    return result;
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error("'" + file.name() + "' does not describe a model: " + error.what());
  }
}

}  // namespace pycnn
