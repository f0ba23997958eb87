#include "tests/per_isa/math_functions.h"

#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {

MathFunctions math_functions() {
#define PYCNN_ON_ARRAY(function)                                                                       \
  [](float* y, const float* x, int64_t n) {                                                            \
    for_vectors(n, [&](int64_t i, auto lanes) { store(y + i, function(load(x + i, lanes)), lanes); }); \
  }
  return {
      PYCNN_ON_ARRAY(exp),   PYCNN_ON_ARRAY(expm1),   PYCNN_ON_ARRAY(expm1_negative), PYCNN_ON_ARRAY(log),
      PYCNN_ON_ARRAY(log1p), PYCNN_ON_ARRAY(sigmoid), PYCNN_ON_ARRAY(softplus),       PYCNN_ON_ARRAY(tanh),
      PYCNN_ON_ARRAY(erf),   PYCNN_ON_ARRAY(floor),   PYCNN_ON_ARRAY(ceil),           PYCNN_ON_ARRAY(round_to_integer),
  };
#undef PYCNN_ON_ARRAY
}

}  // namespace pycnn::PYCNN_ISA
