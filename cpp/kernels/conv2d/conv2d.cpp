// The kernels of convolution in float32, and what is float32 always.
#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/choose.h"
#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {
namespace {

void unpool(float* dy, const float* dy_pooled, const uint8_t* argmax, const Conv2D& s, FusedPool pool) {
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  if (oh * pool.ph < s.oh || ow * pool.pw < s.ow) fill(dy, 0.0f, s.oh * s.ow * s.k);
  for (int64_t i = 0; i < oh; ++i)
    for (int64_t j = 0; j < ow; ++j, dy_pooled += s.k, argmax += s.k)
      for (int64_t k = 0; k < s.k; k += kLanes) {
        const int64_t lanes = min(kLanes, s.k - k);
        const Vec g = load_n(dy_pooled + k, lanes);
        const IntVec winner = load_bytes(argmax + k, lanes);
        for (int64_t a = 0; a < pool.ph * pool.pw; ++a) {
          const IntVec here = winner == broadcast_int(static_cast<int32_t>(a));
          const int64_t row = i * pool.ph + a / pool.pw, column = j * pool.pw + a % pool.pw;
          store_n(dy + (row * s.ow + column) * s.k + k, select(here, g, Vec{}), lanes);
        }
      }
}

}  // namespace

Conv2DKernels conv2d_kernels() {
  Conv2DKernels kernels{};
  kernels.choose_forward = choose_forward<Float32>;
  kernels.choose_backward_input = choose_backward_input<Float32>;
  kernels.choose_backward_weight = choose_backward_weight<Float32>;
  kernels.unpool = unpool;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
