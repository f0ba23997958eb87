// The register tile under every weight gradient: dw (R inputs, one panel of outputs) = sum over pixels of
// x[pixel] (outer) dy[pixel]. The accumulators stay in registers over all pixels of an image. In bfloat16 a pixel is
// one of words: kTerms of the image's.
#pragma once

#include "kernels/gemm/tile.h"

namespace pycnn::PYCNN_ISA {

struct OuterTile {
  float* dw;
  int64_t dw_stride;
  int64_t columns;  // valid columns of the panel, 1..kPanel
  const float* x;
  int64_t x_row_stride, x_pixel_stride;
  const float* dy;
  int64_t dy_row_stride, dy_pixel_stride;
  int64_t rows, pixels;  // the image is rows x pixels
  bool accumulate;
};

// One tile of at most kMaxRows inputs, whose code is shared as that of run_tile().
void run_outer(Float32, const OuterTile& t, int64_t inputs);
#if defined(__AVX512BF16__)
void run_outer(Bfloat16, const OuterTile& t, int64_t inputs);
#endif

namespace {

// `inputs` neighbouring inputs of x, all `outputs` columns, tile by tile.
template <class Operand>
PYCNN_INLINE void run_outers(OuterTile t, int64_t inputs, int64_t outputs) {
  int64_t tiles = (inputs + kMaxRows - 1) / kMaxRows;
  while (inputs > 0) {
    const int64_t height = (inputs + tiles - 1) / tiles;
    for (int64_t k = 0; k < outputs; k += kPanel) {
      OuterTile panel = t;
      panel.dw += k;
      panel.dy += k;
      panel.columns = min(kPanel, outputs - k);
      run_outer(Operand{}, panel, height);
    }
    t.dw += height * t.dw_stride;
    t.x += height;
    inputs -= height;
    --tiles;
  }
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
