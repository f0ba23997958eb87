#include "kernels/optimizer/optimizer.h"

#include "kernels/optimizer/formulas.h"

namespace pycnn::PYCNN_ISA {

OptimizerKernels optimizer_kernels() {
  OptimizerKernels kernels{};
  kernels.gradient_descent = gradient_descent;
  kernels.adagrad = adagrad;
  kernels.adadelta = adadelta;
  kernels.rmsprop = rmsprop;
  kernels.adam = adam;
  kernels.adamax = adamax;
  kernels.nadam = nadam;
  kernels.lion = lion;
  kernels.ftrl = ftrl;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
