// A convolution of few filters on images of one channel, with a 2x2 max-pool behind it: as output channels would leave
// lanes idle, vectors go over the windows of a row, and each weight is a broadcast.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_ISA {

// Where this form takes fewer multiplications than register tiles over output channels.
bool few_filters_supported(const Conv2D& s);
int64_t few_filters_scratch_floats(const Conv2D& s);
// Rows [begin, end) of y (oh / 2, ow / 2, k) = max(pool(conv(x) + bias), lower), the same bits as from the tiles;
// w (kh, kw, 1, k). bias and argmax may be null.
void few_filters_forward_pool(float* y, int64_t y_pixel, uint8_t* argmax, const float* x, const float* w,
                              const float* bias, float* scratch, const Conv2D& s, float lower, int64_t begin,
                              int64_t end);

}  // namespace pycnn::PYCNN_ISA
