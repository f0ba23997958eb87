// All of Winograd's forms in float32: those of weight gradients share the transforms of the inputs.
#include "kernels/conv2d/winograd_form.h"
#include "kernels/conv2d/winograd_weight_form.h"

namespace pycnn::PYCNN_ISA {

template struct Winograd<Float32>;

void winograd_weight_form(Conv2DBackwardWeight& f) {
  const Conv2D& s = f.shape;
  with_winograd_form(f.tile, s, [&](auto tile) {
    using Weight = WeightForm<decltype(tile)>;
    f.name = tile.name;
    f.scratch_floats = Weight::scratch_floats(s, s.c, s.k);
    f.sum_floats = tile.kProducts * s.c * s.k;
    f.weight_reuse = winograd_tiles(s, f.tile);
    f.run = Weight::run;
    f.pieces = channel_parts(s, kPieceInputs);
    f.piece_scratch_floats = Weight::scratch_floats(s, min(s.c, kPieceInputs), min(s.k, kPieceOutputs));
    f.run_piece = Weight::run_piece;
  });
}

}  // namespace pycnn::PYCNN_ISA
