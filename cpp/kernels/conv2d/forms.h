// The forms of convolution that are compiled once per ISA, in float32. Each function describes its form in `f`, whose
// shape, pool and activation are set; those that return bool do so only where they are a form of it, and worth it.
#pragma once

#include "kernels/conv2d/geometry.h"

namespace pycnn::PYCNN_BASE_ISA {

void depthwise_form(Conv2DForward& f);
void depthwise_form(Conv2DBackwardInput& f);
void depthwise_form(Conv2DBackwardWeight& f);
void winograd_weight_form(Conv2DBackwardWeight& f);  // of f.tile

// With a 2x2 max-pool.
bool few_filters_form(Conv2DForward& f);
bool first_layer_form(Conv2DBackwardWeight& f);

// The backward pass of a max-pool as a sparse problem. Of the gradients before the pool at most one in each window is
// not zero (and none where a ReLU was closed), so the work is done from bit masks of the nonzero ones, made of the
// pooled gradient and the argmax; the map before the pool never exists.
bool sparse_weight_form(Conv2DBackwardWeight& f);
bool sparse_input_form(Conv2DBackwardInput& f);
bool sparse_rows_form(Conv2DBackwardInput& f);  // few channels

}  // namespace pycnn::PYCNN_BASE_ISA

namespace pycnn::PYCNN_ISA {

using PYCNN_BASE_ISA::depthwise_form;
using PYCNN_BASE_ISA::few_filters_form;
using PYCNN_BASE_ISA::first_layer_form;
using PYCNN_BASE_ISA::sparse_input_form;
using PYCNN_BASE_ISA::sparse_rows_form;
using PYCNN_BASE_ISA::sparse_weight_form;
using PYCNN_BASE_ISA::winograd_weight_form;

}  // namespace pycnn::PYCNN_ISA
