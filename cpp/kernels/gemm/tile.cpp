// The products that all convolutions and matrix products of floats are made of.
#include "kernels/gemm/outer_products.h"
#include "kernels/gemm/tile_products.h"

namespace pycnn::PYCNN_ISA {

void run_tile(Float32, const Tile& t, int64_t rows) { any_tile<Float32>(t, rows); }
void run_outer(Float32, const OuterTile& t, int64_t inputs) { any_outer<Float32>(t, inputs); }

}  // namespace pycnn::PYCNN_ISA
