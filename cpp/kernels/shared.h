// Kernels that other kernels call. An ISA that is built for some kernels only (CMakeLists.txt) has all others from the
// one that it extends, PYCNN_BASE_ISA.
#pragma once

#include "kernels/activation/activation.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"

#ifndef PYCNN_BASE_ISA
#define PYCNN_BASE_ISA PYCNN_ISA
#endif

namespace pycnn::PYCNN_BASE_ISA {

ActivationKernels activation_kernels();
Conv2DKernels conv2d_kernels();
ElementwiseKernels elementwise_kernels();
GemmKernels gemm_kernels();

}  // namespace pycnn::PYCNN_BASE_ISA

namespace pycnn::PYCNN_ISA {

using PYCNN_BASE_ISA::activation_kernels;
using PYCNN_BASE_ISA::conv2d_kernels;
using PYCNN_BASE_ISA::elementwise_kernels;
using PYCNN_BASE_ISA::gemm_kernels;

}  // namespace pycnn::PYCNN_ISA
