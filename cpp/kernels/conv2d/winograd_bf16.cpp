#include "kernels/conv2d/winograd_form.h"

namespace pycnn::PYCNN_ISA {

template struct Winograd<Bfloat16>;

}  // namespace pycnn::PYCNN_ISA
