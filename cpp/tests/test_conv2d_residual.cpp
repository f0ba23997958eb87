// What is added in a convolution's epilogue, and the ranges of pieces it may be cut into.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

struct Case {
  Conv2D s;
  bool bfloat16;
  int tile = 0;
};

// Direct sums, 1x1, strided and grouped ones, and every form of Winograd's, of few and of many tiles and panels,
// and of one channel.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool bfloat16 : {false, true}) {
    all.push_back({make_conv2d(9, 8, 5, 7, {3, 3}, {1, 1, 1, 1}), bfloat16});
    all.push_back({make_conv2d(7, 9, 33, 70, {1, 1}), bfloat16});
    all.push_back({make_conv2d(7, 9, 1100, 40, {1, 1}), bfloat16});  // in passes
    all.push_back({make_conv2d(11, 10, 6, 40, {3, 3}, {1, 1, 1, 1}, {2, 2}, {}, 2), bfloat16});
    if (!bfloat16) {
      all.push_back({make_conv2d(9, 37, 1, 35, {3, 3}, {1, 1, 1, 1}), bfloat16, 2});
      all.push_back({make_conv2d(13, 17, 17, 35, {1, 7}, {0, 0, 3, 3}), bfloat16, 6});
      all.push_back({make_conv2d(13, 17, 17, 70, {3, 1}, {1, 1, 0, 0}), bfloat16, 4});
    }
    for (const int m : bfloat16 ? std::vector{2, 4} : std::vector{2, 4, 5, 6})
      for (const int64_t side : {6, 13, 29})
        all.push_back({make_conv2d(side, side + 3, 17, side > 20 ? 41 : 70, {3, 3}, {1, 1, 1, 1}), bfloat16, m});
  }
  return all;
}

struct Setup {
  Setup(const KernelTable& kernels, const Case& c, const Activation& f)
      : s(c.s), form((c.bfloat16 ? kernels.bf16.conv2d : kernels.conv2d).choose_forward(s, by_tile(c.tile, f))),
        x(random_floats(kImages * x_floats(s), 1, -1, 1)), w(random_floats(w_floats(s), 2, -1, 1)),
        b(random_floats(s.k, 3, -1, 1)), residual(random_floats(kImages * y_floats(s), 4, -1, 1)),
        packed(form.packed_floats), scratch(form.scratch_floats) {
    form.pack(packed.data(), w.data(), s, 0, form.pack_pieces);
  }
  void run(float* y, const float* added, int64_t begin, int64_t end) {
    Images images{y, y_floats(s), x.data(), x_floats(s), kImages};
    images.residual = added;
    images.residual_stride = y_floats(s);
    form.run(images, packed.data(), b.data(), scratch.data(), form, begin, end);
  }

  static constexpr int64_t kImages = 2;
  Conv2D s;
  Conv2DForward form;
  Floats x, w, b, residual;
  Floats packed, scratch;
};

}  // namespace

TEST(conv2d_residual_is_added_before_the_activation) {
  for (const Case& c : cases()) {
    Setup plain(kernels, c, {});
    const Activation relu{ActivationKind::kRelu}, tanh{ActivationKind::kTanh};
    Floats sum(plain.residual.size()), activated(sum.size());
    plain.run(sum.data(), nullptr, 0, plain.form.pieces);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += plain.residual[i];
    for (const Activation& f : {Activation{}, relu, tanh}) {
      Setup t(kernels, c, f);
      kernels.activation.forward(activated.data(), sum.data(), static_cast<int64_t>(sum.size()), f);
      Guarded y(static_cast<int64_t>(sum.size())), in_place(t.residual);
      t.run(y.data(), t.residual.data(), 0, t.form.pieces);
      t.run(in_place.data(), in_place.data(), 0, t.form.pieces);
      CHECK(y.intact() && in_place.intact());
      for (size_t i = 0; i < sum.size(); ++i) {
        CHECK_EQUAL(y[static_cast<int64_t>(i)], activated[i], text_of(t.s));
        CHECK_EQUAL(in_place[static_cast<int64_t>(i)], activated[i], text_of(t.s));
      }
    }
  }
}

TEST(conv2d_ranges_of_pieces) {
  for (const Case& c : cases()) {
    for (const Activation& f : {Activation{ActivationKind::kRelu}, Activation{ActivationKind::kTanh}}) {
      Setup t(kernels, c, f);
      const int64_t size = static_cast<int64_t>(t.residual.size()), pieces = t.form.pieces;
      Guarded whole(size);
      t.run(whole.data(), t.residual.data(), 0, pieces);
      for (int64_t shares = 2; shares <= std::min<int64_t>(pieces, 7); ++shares) {
        Guarded y(size);
        for (int64_t i = shares; i-- > 0;)
          t.run(y.data(), t.residual.data(), i * pieces / shares, (i + 1) * pieces / shares);
        CHECK(y.intact() && same_bits(y.values(), whole.values()));
      }
    }
  }
}

}  // namespace pycnn::testing
