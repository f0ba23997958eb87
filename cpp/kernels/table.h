// What one ISA's build of the kernels offers: function pointers and nothing else.
#pragma once

#include "kernels/activation/activation.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/image/filter.h"
#include "kernels/image/image.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/pad2d/pad2d.h"
#include "kernels/pool2d/pool2d.h"
#include "kernels/softmax/softmax.h"
#include "kernels/tensor/tensor.h"

namespace pycnn {

// Those that have another form where products are of bfloat16 operands; `rounds` says whether they do.
struct Bf16Kernels {
  bool rounds;
  Conv2DKernels conv2d;
  GemmKernels gemm;
};

struct KernelTable {
  const char* isa;
  int lanes;  // floats in a vector
  ActivationKernels activation;
  BatchNormKernels batch_norm;
  Conv2DKernels conv2d;
  ElementwiseKernels elementwise;
  FilterKernels filter;
  GemmKernels gemm;
  ImageKernels image;
  OptimizerKernels optimizer;
  Pad2DKernels pad2d;
  Pool2DKernels pool2d;
  SoftmaxKernels softmax;
  TensorKernels tensor;
  Bf16Kernels bf16;
  // Runs `iterations` rounds of independent fused multiply-adds in registers and returns the number of floating
  // point operations done; the result lands in *sink so that the work cannot be removed.
  int64_t (*fma_burst)(float* sink, int64_t iterations);
};

}  // namespace pycnn
