// The operations of a graph, one struct each: their attributes, and in comments their inputs.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "graph/shape.h"
#include "kernels/activation/activation.h"
#include "kernels/pad2d/pad2d.h"
#include "kernels/tensor/tensor.h"

namespace pycnn {

struct Pair {
  int64_t h = 1, w = 1;
};
struct Padding {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

// What a convolution or a dense layer multiplies: its input and kernel as they are, or rounded to bfloat16. Sums,
// biases and parameters are float32.
enum class Precision { kFloat32, kBfloat16 };

// What the values of an input are when they arrive; inside a network everything is float32.
enum class DType { kFloat32, kUint8, kInt32 };

// --- values that nothing computes ------------------------------------------------------------------------------------
struct InputNode {
  DType dtype = DType::kFloat32;
};
struct ParameterNode {
  int variable;  // of Graph::variables
};
struct ConstantNode {
  std::shared_ptr<const std::vector<float>> values;
};

// --- layers ----------------------------------------------------------------------------------------------------------
struct Conv2DNode {  // x, kernel (kh, kw, c / groups, filters), bias (filters) or none
  Pair strides, dilation;
  Padding padding;
  float pad_value = 0;
  int64_t groups = 1;
  Precision precision = Precision::kFloat32;
};
struct DenseNode {  // x, kernel (in, units), bias (units) or none
  Precision precision = Precision::kFloat32;
};
struct ActivationNode {  // x
  Activation activation;
};
struct SoftmaxNode {  // x, over the last axis
  bool log = false;
};
struct MaxoutNode {  // x
  int64_t pieces;
};
struct Pool2DNode {  // x
  bool average;
  Pair pool_size, strides;
  Padding padding;
  bool count_padding = false;
};
struct DropoutNode {  // x
  float rate;
  bool always = false;  // in inference too
};
struct UniformNode {    // no inputs: numbers in [0, 1), other ones in every step, of the shape asked for
  bool batched = true;  // whether every sample has its own
};
struct BatchNormNode {  // x, gamma (c) and beta (c) as asked for, moving_mean (c), moving_variance (c)
  float momentum, epsilon;
  bool center = true, scale = true;
  bool frozen = false;  // moving statistics in training too
  bool always = false;  // statistics of the batch in inference too
};
struct Pad2DNode {  // x
  Padding padding;
  PadMode mode;
  float value;
};
struct AddNode {};    // values of one shape
struct ConcatNode {   // values that differ along one axis only
  int64_t axis = -1;  // of a sample; from the end where negative
};

// --- arrays ----------------------------------------------------------------------------------------------------------
struct ReshapeNode {};  // x
// Element by element: operands of shapes that broadcast, as in NumPy, aligned at the last axis.
struct MapNode {
  std::vector<MapInstruction> code;
};
struct ReduceNode {  // x (outer, n, inner) -> (outer, inner), of the shape asked for
  ReduceKind kind;
  int64_t outer, n, inner;
};
// A strided view of x, copied: transpositions, slices, repetitions, flips. y[i...] = x[offset + sum of i_k strides_k].
struct StridedNode {
  int64_t offset = 0;
  std::vector<int64_t> strides;  // one for each axis of the result
};
// The other way round: y[offset + sum of i_k strides_k] = x[i...], everything else is `fill`.
struct ScatterNode {
  int64_t offset = 0;
  std::vector<int64_t> strides;  // one for each axis of x
  float fill = 0;
};
struct MatmulNode {  // a (..., m, k), b (..., k, n) with equal leading axes; transposed as they lie where said
  bool transpose_a = false, transpose_b = false;
};
struct TakeNode {  // x, index
  int64_t axis;
};
struct BatchReduceNode {  // x of every sample -> one value of the shape of a sample: its mean or sum over the batch
  bool mean = true;
};
struct StopGradientNode {};  // x
struct GradientNode {};      // of, by: the gradient of the sum of all values of `of`, by `by`

// A function of the caller, called once a batch with all samples: `forward` writes y, `backward` the gradients by its
// inputs. Both may throw.
struct HostArray {
  float* data;
  int64_t samples, stride;  // floats from one sample to the next; no batch axis where samples is 0
  const Shape* shape;
};
struct HostFunction {
  virtual ~HostFunction() = default;
  virtual void forward(const std::vector<HostArray>& x, HostArray y, bool training) = 0;
  virtual void backward(const std::vector<HostArray>& x, HostArray y, HostArray dy,
                        const std::vector<HostArray>& dx) = 0;  // dx.data is null where it is not wanted
  virtual bool differentiable() const = 0;
};
struct HostNode {  // values
  std::shared_ptr<HostFunction> function;
};

using Attributes = std::variant<InputNode, ParameterNode, ConstantNode, Conv2DNode, DenseNode, ActivationNode,
                                SoftmaxNode, MaxoutNode, Pool2DNode, DropoutNode, UniformNode, BatchNormNode, Pad2DNode,
                                AddNode, ConcatNode, ReshapeNode, MapNode, ReduceNode, StridedNode, ScatterNode,
                                MatmulNode, TakeNode, BatchReduceNode, StopGradientNode, GradientNode, HostNode>;

}  // namespace pycnn
