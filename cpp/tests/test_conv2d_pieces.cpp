// A gradient in pieces is the whole one, bit for bit: each value is the same sum.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

struct Case {
  Conv2D shape;
  int tile;
};

std::vector<Case> piece_cases() {
  std::vector<Case> cases = {
      {make_conv2d(5, 4, 70, 150, {1, 1}), 0},
      {make_conv2d(6, 5, 33, 129, {3, 3}, {1, 1, 1, 1}), 0},
      {make_conv2d(7, 7, 80, 20, {3, 2}, {0, 1, 1, 0}, {2, 2}), 0},
      {make_conv2d(4, 4, 5, 260, {2, 2}), 0},
  };
  for (const int tile : {2, 4, 6}) cases.push_back({make_conv2d(9, 7, 70, 150, {3, 3}, {1, 1, 1, 1}), tile});
  cases.push_back({make_conv2d(8, 9, 70, 40, {5, 5}, {2, 2, 2, 2}), 2});
  cases.push_back({make_conv2d(5, 9, 70, 150, {1, 7}, {0, 0, 3, 3}), 4});
  cases.push_back({make_conv2d(9, 5, 70, 150, {3, 1}, {1, 1, 0, 0}), 4});
  return cases;
}

TEST(conv2d_backward_weight_in_pieces) {
  const std::vector<const Conv2DKernels*> tables = {&kernels.conv2d, &kernels.bf16.conv2d};
  for (const Conv2DKernels* conv : tables)
    for (const auto& [s, tile] : piece_cases()) {
      if (conv != &kernels.conv2d && tile > 4) continue;
      const int64_t count = 3;
      const Floats x = random_floats(count * x_floats(s), 1, -1, 1), dy = random_floats(count * y_floats(s), 2, -1, 1);
      const ImagePairs images{x.data(), x_floats(s), dy.data(), y_floats(s), count};
      const Conv2DBackwardWeight form = conv->choose_backward_weight(s, by_tile(tile));
      CHECK(form.pieces > 1);
      for (const bool accumulate : {false, true}) {
        const Floats start = random_floats(w_floats(s), 3, -1, 1), start_b = random_floats(s.k, 4, -1, 1);
        Guarded dw(start), db(start_b), pieces(start), pieces_b(start_b);
        run(form, dw.data(), db.data(), images, accumulate);
        Scratch scratch(form.piece_scratch_floats);
        for (int64_t piece = 0; piece < form.pieces; ++piece)
          form.run_piece(pieces.data(), pieces_b.data(), images, scratch.data(), form, accumulate, piece);
        CHECK(scratch.intact() && pieces.intact() && pieces_b.intact());
        for (int64_t i = 0; i < w_floats(s); ++i) CHECK_EQUAL(pieces[i], dw[i], text_of(s));
        for (int64_t i = 0; i < s.k; ++i) CHECK_EQUAL(pieces_b[i], db[i], text_of(s));
      }
    }
}

TEST(conv2d_backward_input_in_pieces) {
  std::vector<Case> cases = piece_cases();
  cases.push_back({make_conv2d(9, 8, 70, 33, {3, 3}, {1, 1, 1, 1}, {2, 3}), 0});
  cases.push_back({make_conv2d(8, 9, 70, 33, {1, 1}, {}, {2, 2}), 0});  // pixels that no tap sees
  cases.push_back({make_conv2d(7, 6, 80, 68, {3, 3}, {1, 1, 1, 1}, {}, {}, 2), 0});
  cases.push_back({make_conv2d(13, 12, 40, 20, {1, 1}), 0});
  const std::vector<const Conv2DKernels*> tables = {&kernels.conv2d, &kernels.bf16.conv2d};
  for (const Conv2DKernels* conv : tables)
    for (const auto& [s, tile] : cases) {
      if (conv != &kernels.conv2d && (tile > 4 || s.kh != s.kw)) continue;
      const int64_t count = 2;
      const Floats dy = random_floats(count * y_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
      const Conv2DBackwardInput form = conv->choose_backward_input(s, by_tile(tile));
      CHECK(form.pieces > 1 || s.c < 32);
      Guarded dx(count * x_floats(s)), pieces(count * x_floats(s));
      run(form, {dx.data(), x_floats(s), dy.data(), y_floats(s), count}, w);
      Scratch scratch(form.scratch_floats);
      Guarded packed = packed_kernel(form, w);
      const int64_t third = std::max<int64_t>(form.pieces / 3, 1);
      for (int64_t end = form.pieces; end > 0; end -= third)
        form.run({pieces.data(), x_floats(s), dy.data(), y_floats(s), count}, packed.data(), scratch.data(), form,
                 std::max<int64_t>(end - third, 0), end);
      CHECK(scratch.intact() && dx.intact() && pieces.intact());
      CHECK(same_bits(dx.values(), pieces.values()));
    }
}

TEST(conv2d_backward_weight_without_pieces) {
  const Conv2DKernels& conv = kernels.conv2d;
  Conv2DOptions pooled = by_tile(0);
  pooled.pool = {2, 2};
  Conv2D grouped = make_conv2d(6, 6, 64, 64, {3, 3});
  grouped.groups = 4;
  CHECK(conv.choose_backward_weight(grouped, by_tile(0)).pieces == 0);
  CHECK(conv.choose_backward_weight(make_conv2d(8, 8, 64, 64, {3, 3}), pooled).pieces == 0);
}

}  // namespace
}  // namespace pycnn::testing
