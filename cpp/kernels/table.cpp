#include "kernels/table.h"

#include "kernels/shared.h"
#include "simd/vec.h"

namespace pycnn::PYCNN_ISA {

BatchNormKernels batch_norm_kernels();
FilterKernels filter_kernels();
ImageKernels image_kernels();
OptimizerKernels optimizer_kernels();
Pad2DKernels pad2d_kernels();
Pool2DKernels pool2d_kernels();
SoftmaxKernels softmax_kernels();
TensorKernels tensor_kernels();

namespace {

int64_t fma_burst(float* sink, int64_t iterations) {
  constexpr int kChains = 12;  // more than latency x ports on any CPU so far, fewer than the registers of the narrowest
  Vec sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = broadcast(static_cast<float>(i));
  const Vec factor = broadcast(*sink), term = broadcast(*sink * 0.5f);
  for (int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * factor + term;
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  *sink = sum_lanes(sum[0]);
  return iterations * kChains * kLanes * 2;
}

#define PYCNN_STRING(x) #x
#define PYCNN_STRING_OF(x) PYCNN_STRING(x)

}  // namespace

KernelTable kernel_table() {
  KernelTable table{};
  table.isa = PYCNN_STRING_OF(PYCNN_ISA);
  table.lanes = kLanes;
  table.activation = activation_kernels();
  table.batch_norm = batch_norm_kernels();
  table.conv2d = conv2d_kernels();
  table.elementwise = elementwise_kernels();
  table.filter = filter_kernels();
  table.gemm = gemm_kernels();
  table.image = image_kernels();
  table.optimizer = optimizer_kernels();
  table.pad2d = pad2d_kernels();
  table.pool2d = pool2d_kernels();
  table.softmax = softmax_kernels();
  table.tensor = tensor_kernels();
  table.bf16 = {false, table.conv2d, table.gemm};
  table.fma_burst = fma_burst;
  return table;
}

}  // namespace pycnn::PYCNN_ISA
