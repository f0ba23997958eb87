#pragma once

#include "kernels/softmax/softmax.h"

namespace pycnn::PYCNN_ISA {

void cross_entropy_logits(const LossArguments&);
void cross_entropy_probabilities(const LossArguments&);
void binary_cross_entropy_logits(const LossArguments&);
void binary_cross_entropy_probabilities(const LossArguments&);
void mean_squared_error(const LossArguments&);

}  // namespace pycnn::PYCNN_ISA
