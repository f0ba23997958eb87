// The attributes of every operation by name: what text and files of a graph are made of, and are read from.
#pragma once

#include "graph/operations.h"

namespace pycnn {

// Names of operations, in the order of Attributes.
constexpr const char* kOperationNames[] = {
    "input",   "parameter", "constant",   "conv2d", "dense",        "activation",    "softmax",  "maxout", "pool2d",
    "dropout", "uniform",   "batch_norm", "pad2d",  "add",          "concat",        "reshape",  "map",    "reduce",
    "strided", "scatter",   "matmul",     "take",   "batch_reduce", "stop_gradient", "gradient", "host"};
static_assert(sizeof kOperationNames / sizeof *kOperationNames == std::variant_size_v<Attributes>);

// fields(f, node) calls f(name, member) for each attribute.
template <class F>
void fields(F& f, InputNode& n) {
  f("dtype", n.dtype);
}
template <class F>
void fields(F& f, ParameterNode& n) {
  f("variable", n.variable);
}
template <class F>
void fields(F& f, ConstantNode& n) {
  f("values", n.values);
}
template <class F>
void fields(F& f, Conv2DNode& n) {
  f("strides", n.strides);
  f("dilation", n.dilation);
  f("padding", n.padding);
  f("pad_value", n.pad_value);
  f("groups", n.groups);
  f("precision", n.precision);
}
template <class F>
void fields(F& f, DenseNode& n) {
  f("precision", n.precision);
}
template <class F>
void fields(F& f, ActivationNode& n) {
  f("activation", n.activation);
}
template <class F>
void fields(F& f, SoftmaxNode& n) {
  f("log", n.log);
}
template <class F>
void fields(F& f, MaxoutNode& n) {
  f("pieces", n.pieces);
}
template <class F>
void fields(F& f, Pool2DNode& n) {
  f("average", n.average);
  f("pool_size", n.pool_size);
  f("strides", n.strides);
  f("padding", n.padding);
  f("count_padding", n.count_padding);
}
template <class F>
void fields(F& f, DropoutNode& n) {
  f("rate", n.rate);
  f("always", n.always);
}
template <class F>
void fields(F& f, UniformNode& n) {
  f("batched", n.batched);
}
template <class F>
void fields(F& f, BatchNormNode& n) {
  f("momentum", n.momentum);
  f("epsilon", n.epsilon);
  f("center", n.center);
  f("scale", n.scale);
  f("frozen", n.frozen);
  f("always", n.always);
}
template <class F>
void fields(F& f, Pad2DNode& n) {
  f("padding", n.padding);
  f("mode", n.mode);
  f("value", n.value);
}
template <class F>
void fields(F&, AddNode&) {}
template <class F>
void fields(F& f, ConcatNode& n) {
  f("axis", n.axis);
}
template <class F>
void fields(F&, ReshapeNode&) {}
template <class F>
void fields(F& f, MapNode& n) {
  f("code", n.code);
}
template <class F>
void fields(F& f, ReduceNode& n) {
  f("kind", n.kind);
  f("outer", n.outer);
  f("n", n.n);
  f("inner", n.inner);
}
template <class F>
void fields(F& f, StridedNode& n) {
  f("offset", n.offset);
  f("strides", n.strides);
}
template <class F>
void fields(F& f, ScatterNode& n) {
  f("offset", n.offset);
  f("strides", n.strides);
  f("fill", n.fill);
}
template <class F>
void fields(F& f, MatmulNode& n) {
  f("transpose_a", n.transpose_a);
  f("transpose_b", n.transpose_b);
}
template <class F>
void fields(F& f, TakeNode& n) {
  f("axis", n.axis);
}
template <class F>
void fields(F& f, BatchReduceNode& n) {
  f("mean", n.mean);
}
template <class F>
void fields(F&, StopGradientNode&) {}
template <class F>
void fields(F&, GradientNode&) {}
template <class F>
void fields(F&, HostNode&) {}

// Names of instructions of expressions, in the order of MapOp.
constexpr const char* kMapOpNames[] = {
    "constant",    "add",          "subtract",    "multiply", "divide",        "maximum",   "minimum",
    "power",       "floor_divide", "mod",         "equal",    "not_equal",     "less",      "less_equal",
    "logical_and", "logical_or",   "logical_not", "where",    "negative",      "abs",       "sign",
    "exp",         "expm1",        "log",         "log1p",    "sqrt",          "rsqrt",     "square",
    "reciprocal",  "erf",          "tanh",        "sigmoid",  "sin",           "cos",       "floor",
    "ceil",        "round",        "isnan",       "isfinite", "stop_gradient", "activation"};
static_assert(sizeof kMapOpNames / sizeof *kMapOpNames == static_cast<int>(MapOp::kActivation) + 1);

// How many registers an instruction reads.
inline int operand_count(MapOp op) {
  if (op == MapOp::kConstant) return 0;
  if (op == MapOp::kWhere) return 3;
  return op <= MapOp::kLogicalOr ? 2 : 1;
}

constexpr const char* kReduceNames[] = {"sum", "mean", "max", "min", "prod", "argmax", "argmin", "any", "all"};
constexpr const char* kActivationNames[] = {
    "linear",  "relu", "leaky_relu", "elu",      "selu",         "gelu",      "gelu_tanh", "silu",
    "sigmoid", "tanh", "softplus",   "softsign", "hard_sigmoid", "hard_silu", "mish",      "exponential"};

}  // namespace pycnn
