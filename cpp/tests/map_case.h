// Fused expressions for the tests of kernels/tensor: operands with broadcasting, calls with guards around all arrays.
#pragma once

#include <functional>

#include "tests/check.h"

namespace pycnn::testing {
struct Operand {
  Floats values;
  std::vector<bool> repeats;  // for each axis
};

inline int64_t product(const std::vector<int64_t>& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}

inline Operand random_operand(const std::vector<int64_t>& dims, const std::vector<bool>& repeats, uint32_t seed,
                              float low = -2.0f, float high = 2.0f) {
  int64_t n = 1;
  for (size_t k = 0; k < dims.size(); ++k) n *= repeats[k] ? 1 : dims[k];
  return {random_floats(n, seed, low, high), repeats};
}

inline Operand plain(const Floats& values) { return {values, {false}}; }

inline MapOperand laid_out(const Operand& operand, const std::vector<int64_t>& dims) {
  MapOperand x = {operand.values.data(), {}};
  int64_t stride = 1;
  for (size_t k = dims.size(); k-- > 0;) {
    x.strides[k] = operand.repeats[k] ? 0 : stride;
    if (!operand.repeats[k]) stride *= dims[k];
  }
  return x;
}

inline MapInstruction op(MapOp kind, int32_t a = 0, int32_t b = 0, int32_t c = 0) {
  MapInstruction f;
  f.op = kind;
  f.a = a, f.b = b, f.c = c;
  return f;
}

inline MapInstruction constant(float value) {
  MapInstruction f;
  f.value = value;
  return f;
}

typedef std::vector<MapInstruction> Code;

// An expression on operands, with all that the kernels want to have.
class Case {
 public:
  Case(const KernelTable& kernels, Code code, std::vector<Operand> operands, std::vector<int64_t> dims)
      : kernels_(kernels.tensor), code_(std::move(code)), operands_(std::move(operands)), dims_(std::move(dims)) {
    shape_.axes = static_cast<int32_t>(dims_.size());
    for (size_t k = 0; k < dims_.size(); ++k) shape_.dims[k] = dims_[k];
    for (const Operand& operand : operands_) laid_out_.push_back(laid_out(operand, dims_));
    map_code_ = {code_.data(), static_cast<int32_t>(code_.size()), static_cast<int32_t>(operands_.size())};
  }

  int64_t size() const { return product(dims_); }
  int operands() const { return static_cast<int>(operands_.size()); }
  const Operand& operand(int k) const { return operands_[k]; }

  Floats forward() const {
    Guarded y(size()), scratch(kernels_.map_scratch(map_code_), kNan);
    kernels_.map(y.data(), laid_out_.data(), map_code_, shape_, scratch.data());
    CHECK(y.intact() && scratch.intact());
    return y.values();
  }

  // The gradients of the operands, empty where not wanted.
  std::vector<Floats> backward(const Floats& dy, const std::vector<bool>& wanted) const {
    std::vector<Guarded> dx;
    std::vector<float*> pointers;
    for (const Operand& operand : operands_) dx.emplace_back(static_cast<int64_t>(operand.values.size()));
    for (size_t k = 0; k < dx.size(); ++k) pointers.push_back(wanted[k] ? dx[k].data() : nullptr);
    Guarded scratch(kernels_.map_scratch(map_code_), kNan);
    kernels_.map_backward(pointers.data(), laid_out_.data(), dy.data(), map_code_, shape_, scratch.data());
    CHECK(scratch.intact());
    std::vector<Floats> values(dx.size());
    for (size_t k = 0; k < dx.size(); ++k) {
      CHECK(dx[k].intact());
      if (wanted[k]) values[k] = dx[k].values();
    }
    return values;
  }
  std::vector<Floats> backward(const Floats& dy) const {
    return backward(dy, std::vector<bool>(operands_.size(), true));
  }

  // Where element `index` of the result finds operand k.
  int64_t place(int64_t index, int k) const {
    int64_t place = 0;
    for (size_t axis = dims_.size(); axis-- > 0;) {
      place += index % dims_[axis] * laid_out_[k].strides[axis];
      index /= dims_[axis];
    }
    return place;
  }

  // What element `index` of the result is made of.
  std::vector<double> values_at(int64_t index) const {
    std::vector<double> values;
    for (int k = 0; k < operands(); ++k) values.push_back(operands_[k].values[place(index, k)]);
    return values;
  }

 private:
  const TensorKernels& kernels_;
  Code code_;
  std::vector<Operand> operands_;
  std::vector<int64_t> dims_;
  TensorDims shape_;
  std::vector<MapOperand> laid_out_;
  MapCode map_code_;
};

// An element of the result from those of its operands.
typedef std::function<double(const std::vector<double>&)> Exact;

// The gradient of an exact function by operand k, by central differences.
inline double slope(const Exact& exact, std::vector<double> x, int k) {
  const double h = 1e-6, at = x[k];
  x[k] = at + h;
  const double above = exact(x);
  x[k] = at - h;
  return (above - exact(x)) / (2.0 * h);
}

}  // namespace pycnn::testing
