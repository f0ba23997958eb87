#include "kernels/conv2d/winograd_form.h"

namespace pycnn::PYCNN_ISA {

template struct Winograd<Float32>;

}  // namespace pycnn::PYCNN_ISA
