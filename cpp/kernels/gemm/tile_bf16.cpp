// The products of bfloat16 operands.
#include "kernels/gemm/outer_products.h"
#include "kernels/gemm/tile_products.h"

namespace pycnn::PYCNN_ISA {

void run_tile(Bfloat16, const Tile& t, int64_t rows) { any_tile<Bfloat16>(t, rows); }
void run_outer(Bfloat16, const OuterTile& t, int64_t inputs) { any_outer<Bfloat16>(t, inputs); }

}  // namespace pycnn::PYCNN_ISA
