#include "api/graph_json.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "graph/fields.h"

namespace pycnn {
namespace {

constexpr int64_t kVersion = 1;

template <size_t N>
int number_of(const char* const (&names)[N], const std::string& name) {
  for (size_t i = 0; i < N; ++i)
    if (name == names[i]) return static_cast<int>(i);
  throw std::invalid_argument("'" + name + "' is not known; expected one such as '" + names[0] + "'");
}

Json list_of(const std::vector<int64_t>& values) {
  Json::Array list;
  for (int64_t v : values) list.emplace_back(v);
  return list;
}

std::vector<int64_t> integers(const Json& json) {
  std::vector<int64_t> values;
  for (const Json& v : json.array()) values.push_back(v.integer());
  return values;
}

std::vector<int64_t> integers(const Json& json, size_t count) {
  std::vector<int64_t> values = integers(json);
  if (values.size() != count) throw std::invalid_argument("expected " + std::to_string(count) + " integers");
  return values;
}

// Infinity, which JSON lacks, is a missing number.
Json number(float value) { return value > std::numeric_limits<float>::max() ? Json(nullptr) : Json(double{value}); }
float number(const Json& json) {
  return json.is_null() ? std::numeric_limits<float>::infinity() : static_cast<float>(json.number());
}

Json json_of(const Activation& f) {
  return Json::Object{{"kind", kActivationNames[static_cast<int>(f.kind)]},
                      {"alpha", number(f.alpha)},
                      {"max_value", number(f.max_value)},
                      {"threshold", number(f.threshold)}};
}

Activation activation_from(const Json& json) {
  Activation f;
  f.kind = static_cast<ActivationKind>(number_of(kActivationNames, json.at("kind").string()));
  f.alpha = number(json.at("alpha"));
  f.max_value = number(json.at("max_value"));
  f.threshold = number(json.at("threshold"));
  return f;
}

Json json_of(const MapInstruction& m) {
  Json::Array list = {kMapOpNames[static_cast<int>(m.op)]};
  const int32_t registers[] = {m.a, m.b, m.c};
  for (int i = 0; i < operand_count(m.op); ++i) list.emplace_back(int64_t{registers[i]});
  if (m.op == MapOp::kConstant) list.push_back(number(m.value));
  if (m.op == MapOp::kActivation) list.push_back(json_of(m.activation));
  return list;
}

MapInstruction instruction_from(const Json& json) {
  const Json::Array& list = json.array();
  if (list.empty()) throw std::invalid_argument("an instruction is empty");
  MapInstruction m;
  m.op = static_cast<MapOp>(number_of(kMapOpNames, list[0].string()));
  const bool more = m.op == MapOp::kConstant || m.op == MapOp::kActivation;
  const size_t operands = static_cast<size_t>(operand_count(m.op));
  if (list.size() != 1 + operands + more) throw std::invalid_argument("an instruction has a wrong number of operands");
  int32_t* const registers[] = {&m.a, &m.b, &m.c};
  for (size_t i = 0; i < operands; ++i) {
    const int64_t r = list[1 + i].integer();
    if (r < 0 || r > std::numeric_limits<int32_t>::max()) throw std::invalid_argument("a register is out of range");
    *registers[i] = static_cast<int32_t>(r);
  }
  if (m.op == MapOp::kConstant) m.value = number(list.back());
  if (m.op == MapOp::kActivation) m.activation = activation_from(list.back());
  return m;
}

constexpr const char* kPrecisions[] = {"float32", "bfloat16"};
constexpr const char* kDTypes[] = {"float32", "uint8", "int32"};
constexpr const char* kPadModes[] = {"constant", "reflect", "edge"};

struct FieldWriter {
  Json& json;

  void operator()(const char* name, bool value) { json.set(name, value); }
  void operator()(const char* name, int value) { json.set(name, int64_t{value}); }
  void operator()(const char* name, int64_t value) { json.set(name, value); }
  void operator()(const char* name, float value) { json.set(name, number(value)); }
  void operator()(const char* name, const Pair& p) { json.set(name, list_of({p.h, p.w})); }
  void operator()(const char* name, const Padding& p) { json.set(name, list_of({p.top, p.bottom, p.left, p.right})); }
  void operator()(const char* name, Precision p) { json.set(name, kPrecisions[static_cast<int>(p)]); }
  void operator()(const char* name, DType d) { json.set(name, kDTypes[static_cast<int>(d)]); }
  void operator()(const char* name, PadMode m) { json.set(name, kPadModes[static_cast<int>(m)]); }
  void operator()(const char* name, ReduceKind k) { json.set(name, kReduceNames[static_cast<int>(k)]); }
  void operator()(const char* name, const std::vector<int64_t>& v) { json.set(name, list_of(v)); }
  void operator()(const char* name, const Activation& f) { json.set(name, json_of(f)); }
  void operator()(const char* name, const std::vector<MapInstruction>& code) {
    Json::Array list;
    for (const MapInstruction& m : code) list.push_back(json_of(m));
    json.set(name, std::move(list));
  }
  void operator()(const char* name, const std::shared_ptr<const std::vector<float>>& values) {
    Json::Array list;
    for (float v : *values) list.push_back(number(v));
    json.set(name, std::move(list));
  }
};

struct FieldReader {
  const Json& json;

  void operator()(const char* name, bool& value) { value = json.at(name).boolean(); }
  void operator()(const char* name, int& value) { value = static_cast<int>(json.at(name).integer()); }
  void operator()(const char* name, int64_t& value) { value = json.at(name).integer(); }
  void operator()(const char* name, float& value) { value = number(json.at(name)); }
  void operator()(const char* name, Pair& p) {
    const auto v = integers(json.at(name), 2);
    p = {v[0], v[1]};
  }
  void operator()(const char* name, Padding& p) {
    const auto v = integers(json.at(name), 4);
    p = {v[0], v[1], v[2], v[3]};
  }
  template <class E, size_t N>
  void named(const char* name, E& value, const char* const (&names)[N]) {
    value = static_cast<E>(number_of(names, json.at(name).string()));
  }
  void operator()(const char* name, Precision& p) { named(name, p, kPrecisions); }
  void operator()(const char* name, DType& d) { named(name, d, kDTypes); }
  void operator()(const char* name, PadMode& m) { named(name, m, kPadModes); }
  void operator()(const char* name, ReduceKind& k) { named(name, k, kReduceNames); }
  void operator()(const char* name, std::vector<int64_t>& v) { v = integers(json.at(name)); }
  void operator()(const char* name, Activation& f) { f = activation_from(json.at(name)); }
  void operator()(const char* name, std::vector<MapInstruction>& code) {
    for (const Json& m : json.at(name).array()) code.push_back(instruction_from(m));
  }
  void operator()(const char* name, std::shared_ptr<const std::vector<float>>& values) {
    auto read = std::make_shared<std::vector<float>>();
    for (const Json& v : json.at(name).array()) read->push_back(number(v));
    values = std::move(read);
  }
};

// Attributes of the operation number `index`, with the values that it has without a file.
template <size_t I = 0>
Attributes empty_attributes(size_t index) {
  if constexpr (I < std::variant_size_v<Attributes>) {
    if (index == I) return std::variant_alternative_t<I, Attributes>{};
    return empty_attributes<I + 1>(index);
  } else {
    throw std::invalid_argument("there is no such operation");
  }
}

int checked_number(const Json& json, size_t nodes) {
  const int64_t number = json.integer();
  if (number < 0 || number >= static_cast<int64_t>(nodes))
    throw std::invalid_argument("there is no node " + std::to_string(number));
  return static_cast<int>(number);
}

}  // namespace

Json json_of(const Graph& graph, const std::vector<int>& outputs, const std::vector<std::string>& output_names,
             const std::function<std::string(int variable)>& name_of) {
  // An input that nothing needs stays, so that those of the file are those of the model.
  std::vector<bool> kept = needed_for(graph, outputs);
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = kept[i] || graph.as<InputNode>(static_cast<int>(i));
  std::vector<int64_t> numbers(kept.size(), -1);
  Json::Array nodes;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    const Node& node = graph.nodes()[i];
    if (std::holds_alternative<HostNode>(node.attributes))
      throw std::invalid_argument(node.name + " is a function of the program's own, which no file can hold");
    numbers[i] = static_cast<int64_t>(nodes.size());
    Json json;
    json.set("op", kOperationNames[node.attributes.index()]);
    json.set("name", node.name);
    Json::Array inputs;
    for (int input : node.inputs) inputs.emplace_back(numbers[static_cast<size_t>(input)]);
    json.set("inputs", std::move(inputs));
    json.set("shape", list_of(node.shape.dims));
    if (const auto* parameter = std::get_if<ParameterNode>(&node.attributes)) {
      json.set("array", name_of(parameter->variable));
    } else {
      Attributes attributes = node.attributes;
      FieldWriter writer{json};
      std::visit([&](auto& n) { fields(writer, n); }, attributes);
    }
    nodes.push_back(std::move(json));
  }
  Json::Array ends, names;
  for (int output : outputs) ends.emplace_back(numbers[static_cast<size_t>(output)]);
  for (const std::string& name : output_names) names.emplace_back(name);
  Json json;
  json.set("version", kVersion);
  json.set("nodes", std::move(nodes));
  json.set("outputs", std::move(ends));
  json.set("output_names", std::move(names));
  return json;
}

ParsedGraph graph_from(const Json& json,
                       const std::function<std::shared_ptr<Variable>(const std::string& name,
                                                                     const std::vector<int64_t>& shape)>& variable_of) {
  if (json.at("version").integer() != kVersion)
    throw std::invalid_argument("the graph has version " + std::to_string(json.at("version").integer()) +
                                "; this pycnn reads version " + std::to_string(kVersion));
  ParsedGraph parsed;
  std::vector<int> numbers;  // of the file's nodes in the graph
  for (const Json& node : json.at("nodes").array()) {
    const std::string& name = node.at("name").string();
    const Shape shape{integers(node.at("shape"))};
    Attributes attributes = empty_attributes(static_cast<size_t>(number_of(kOperationNames, node.at("op").string())));
    if (std::holds_alternative<HostNode>(attributes))
      throw std::invalid_argument(name + " is a function, which no file can hold");
    if (std::holds_alternative<ParameterNode>(attributes)) {
      numbers.push_back(parsed.graph.parameter(variable_of(node.at("array").string(), shape.dims)));
      continue;
    }
    FieldReader reader{node};
    std::visit([&](auto& n) { fields(reader, n); }, attributes);
    std::vector<int> inputs;
    for (const Json& input : node.at("inputs").array())
      inputs.push_back(numbers[static_cast<size_t>(checked_number(input, numbers.size()))]);
    const int number = parsed.graph.add(name, std::move(attributes), std::move(inputs), shape);
    if (parsed.graph.shape(number).dims != shape.dims)
      throw std::invalid_argument(name + ": the file says shape " + shape.text() + ", but it is " +
                                  parsed.graph.shape(number).text());
    numbers.push_back(number);
  }
  for (const Json& output : json.at("outputs").array())
    parsed.outputs.push_back(numbers[static_cast<size_t>(checked_number(output, numbers.size()))]);
  for (const Json& name : json.at("output_names").array()) parsed.output_names.push_back(name.string());
  if (parsed.outputs.empty() || parsed.outputs.size() != parsed.output_names.size())
    throw std::invalid_argument("there are " + std::to_string(parsed.outputs.size()) + " outputs and " +
                                std::to_string(parsed.output_names.size()) + " names of them");
  return parsed;
}

}  // namespace pycnn
