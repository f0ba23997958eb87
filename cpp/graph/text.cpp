// The text form of a graph: what tests of passes compare, and what a dump shows.
#include <cstdio>

#include "graph/fields.h"
#include "graph/graph.h"

namespace pycnn {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string expression(const std::vector<MapInstruction>& code, size_t operands) {
  std::string text;
  for (size_t i = 0; i < code.size(); ++i) {
    const MapInstruction& m = code[i];
    const auto reg = [&](int r) {
      return r < static_cast<int>(operands) ? "x" + std::to_string(r)
                                            : "t" + std::to_string(r - static_cast<int>(operands));
    };
    std::string step = kMapOpNames[static_cast<int>(m.op)];
    if (m.op == MapOp::kConstant) step = number(m.value);
    else if (m.op == MapOp::kActivation)
      step = std::string(kActivationNames[static_cast<int>(m.activation.kind)]) + " " + reg(m.a);
    else {
      step += " " + reg(m.a);
      if (operand_count(m.op) > 1) step += " " + reg(m.b);
      if (operand_count(m.op) > 2) step += " " + reg(m.c);
    }
    text += (i ? "; " : "") + step;
  }
  return "{" + text + "}";
}

struct Writer {
  size_t operands;
  std::string text;

  void put(const char* name, const std::string& value) { text += std::string(" ") + name + "=" + value; }
  void operator()(const char* name, bool value) { put(name, value ? "true" : "false"); }
  void operator()(const char* name, int value) { put(name, std::to_string(value)); }
  void operator()(const char* name, int64_t value) { put(name, std::to_string(value)); }
  void operator()(const char* name, float value) { put(name, number(value)); }
  void operator()(const char* name, const Pair& p) { put(name, text_of({p.h, p.w})); }
  void operator()(const char* name, const Padding& p) { put(name, text_of({p.top, p.bottom, p.left, p.right})); }
  void operator()(const char* name, Precision p) { put(name, p == Precision::kBfloat16 ? "bfloat16" : "float32"); }
  void operator()(const char* name, DType d) {
    put(name, d == DType::kUint8 ? "uint8" : d == DType::kInt32 ? "int32" : "float32");
  }
  void operator()(const char* name, PadMode m) { put(name, std::to_string(static_cast<int>(m))); }
  void operator()(const char* name, ReduceKind kind) { put(name, kReduceNames[static_cast<int>(kind)]); }
  void operator()(const char* name, const std::vector<int64_t>& v) { put(name, text_of(v)); }
  void operator()(const char* name, const Activation& f) {
    std::string value = kActivationNames[static_cast<int>(f.kind)];
    if (f.alpha != 0) value += " alpha=" + number(f.alpha);
    if (f.threshold != 0) value += " threshold=" + number(f.threshold);
    if (f.max_value != Activation{}.max_value) value += " max_value=" + number(f.max_value);
    put(name, value);
  }
  void operator()(const char* name, const std::vector<MapInstruction>& code) { put(name, expression(code, operands)); }
  void operator()(const char* name, const std::shared_ptr<const std::vector<float>>& values) {
    std::string list;
    for (size_t i = 0; i < values->size() && i < 4; ++i) list += (i ? ", " : "") + number((*values)[i]);
    put(name, "[" + list + (values->size() > 4 ? ", ..." : "") + "]");
  }
};

std::string line(const Graph& graph, int index) {
  const Node& node = graph.node(index);
  Writer writer{node.inputs.size(), {}};
  Attributes attributes = node.attributes;
  std::visit([&](auto& n) { fields(writer, n); }, attributes);
  std::string text = "%" + std::to_string(index) + " = " + kOperationNames[node.attributes.index()] + "(";
  for (size_t i = 0; i < node.inputs.size(); ++i) text += (i ? ", %" : "%") + std::to_string(node.inputs[i]);
  return text + ")" + writer.text + " : " + (node.batched ? "batch of " : "") + node.shape.text() + "  \"" + node.name +
         "\"\n";
}

}  // namespace

std::string text_of(const Graph& graph, const std::vector<int>& outputs) {
  const std::vector<bool> needed = needed_for(graph, outputs);
  std::string text;
  for (size_t i = 0; i < needed.size(); ++i)
    if (needed[i]) text += line(graph, static_cast<int>(i));
  text += "outputs";
  for (int output : outputs) text += " %" + std::to_string(output);
  return text + "\n";
}

}  // namespace pycnn
