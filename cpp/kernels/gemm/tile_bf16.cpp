// The products of bfloat16 operands, where the ISA has instructions for them; elsewhere rounded operands are floats.
#include "kernels/gemm/outer_products.h"
#include "kernels/gemm/tile_products.h"

namespace pycnn::PYCNN_ISA {

#if defined(__AVX512BF16__)
void run_tile(Bfloat16, const Tile& t, int64_t rows) { any_tile<Bfloat16>(t, rows); }
void run_outer(Bfloat16, const OuterTile& t, int64_t inputs) { any_outer<Bfloat16>(t, inputs); }
#endif

}  // namespace pycnn::PYCNN_ISA
