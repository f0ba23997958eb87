// What a network is: nodes, their attributes, shapes and parameters. Nothing here runs.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/pad2d/pad2d.h"

namespace pycnn {

// A shape without the batch axis: as the user sees it, and as (h, w, c) for the kernels: the last axis is c, the one
// before w, and all others together h.
struct Shape {
  std::vector<int64_t> dims;

  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t c() const { return dims.back(); }
  int64_t w() const { return rank() > 1 ? dims[dims.size() - 2] : 1; }
  int64_t h() const { return size() / (w() * c()); }
  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  std::string text() const;
};

struct Pair {
  int64_t h = 1, w = 1;
};
struct Padding {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

// What a convolution or a dense layer multiplies: its input and kernel as they are, or rounded to bfloat16. Sums,
// biases and parameters are float32.
enum class Precision { kFloat32, kBfloat16 };

// Attributes, one struct an operation. `parameters` of a node are listed in the order given here.
struct InputNode {};
struct Conv2DNode {  // kernel (kh, kw, c / groups, filters), bias (filters)
  int64_t filters;
  Pair kernel_size, strides, dilation;
  Padding padding;
  float pad_value = 0;
  int64_t groups = 1;
  bool use_bias = true;
  Precision precision = Precision::kFloat32;
};
struct DenseNode {  // kernel (in, units), bias (units)
  int64_t units;
  bool use_bias = true;
  Precision precision = Precision::kFloat32;
};
struct ActivationNode {
  Activation activation;
};
struct SoftmaxNode {
  bool log = false;
};
struct MaxoutNode {
  int64_t pieces;
};
struct Pool2DNode {
  bool average;
  Pair pool_size, strides;
  Padding padding;
  bool count_padding = false;
};
struct ReshapeNode {};
struct DropoutNode {
  float rate;
};
struct BatchNormNode {  // gamma (c), beta (c) as asked for, moving_mean (c), moving_variance (c)
  float momentum, epsilon;
  bool center = true, scale = true, frozen = false;
};
struct Pad2DNode {
  Padding padding;
  PadMode mode;
  float value;
};
struct ScaleShiftNode {
  float scale, shift;
};
struct AddNode {};
struct MultiplyNode {};
struct ConcatNode {};

using Attributes =
    std::variant<InputNode, Conv2DNode, DenseNode, ActivationNode, SoftmaxNode, MaxoutNode, Pool2DNode, ReshapeNode,
                 DropoutNode, BatchNormNode, Pad2DNode, ScaleShiftNode, AddNode, MultiplyNode, ConcatNode>;

struct Parameter {
  std::string name;  // kernel, bias, gamma, beta, moving_mean, moving_variance
  std::vector<int64_t> dims;
  int node;  // the first one that has it
  bool trainable;

  int64_t size() const { return Shape{dims}.size(); }
};

struct Node {
  std::string name;
  Attributes attributes;
  std::vector<int> inputs;
  Shape shape;
  std::vector<int> parameters;
};

// Nodes are added in an order in which they can run. Every method returns the new node's number and throws
// std::invalid_argument, naming the node, what came and what was expected.
class Graph {
 public:
  int add(const std::string& name, Attributes attributes, std::vector<int> inputs, Shape requested = {});

  // Nodes that are added next take these parameters, one after the other, instead of new ones: a layer that is used
  // twice. Their gradients add up.
  void reuse(std::vector<int> parameters);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const Node& node(int index) const { return nodes_.at(static_cast<size_t>(index)); }

 private:
  std::vector<Node> nodes_;
  std::vector<Parameter> parameters_;
  std::vector<int> reused_;
};

// The ending of a message about a shape: "(28, 28, 1)".
std::string text_of(const std::vector<int64_t>& dims);

}  // namespace pycnn
