// The vector functions of simd/math.h as plain functions on arrays, built once per ISA like the kernels.
#pragma once

#include <stdint.h>

namespace pycnn {

struct MathFunctions {
  typedef void (*Function)(float* y, const float* x, int64_t n);
  Function exp, expm1, expm1_negative, log, log1p, sigmoid, softplus, tanh, erf, floor, ceil, round_to_integer;
};

namespace baseline {
MathFunctions math_functions();
}
#if defined(__x86_64__)
namespace avx2 {
MathFunctions math_functions();
}
namespace avx512 {
MathFunctions math_functions();
}
#endif

}  // namespace pycnn
