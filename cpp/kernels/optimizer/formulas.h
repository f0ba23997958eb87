// The formulas, each in a file of its own.
#pragma once

#include "kernels/optimizer/optimizer.h"

namespace pycnn::PYCNN_ISA {

void gradient_descent(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void adagrad(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void adadelta(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void rmsprop(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void adam(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void adamax(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void nadam(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void lion(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);
void ftrl(float* w, const float* g, float* const* state, int64_t n, const OptimizerStep& s);

}  // namespace pycnn::PYCNN_ISA
