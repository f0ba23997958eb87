// What is added in a convolution's epilogue, and the ranges of pieces it may be cut into.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

struct Case {
  Conv2D s;
  bool bfloat16;
};

// Direct sums, 1x1, strided and grouped ones, and every form of Winograd's, of few and of many tiles and panels,
// and of one channel.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool bfloat16 : {false, true}) {
    all.push_back({make_conv2d(9, 8, 5, 7, {3, 3}, {1, 1, 1, 1}), bfloat16});
    all.push_back({make_conv2d(7, 9, 33, 70, {1, 1}), bfloat16});
    all.push_back({make_conv2d(11, 10, 6, 40, {3, 3}, {1, 1, 1, 1}, {2, 2}, {}, 2), bfloat16});
    if (!bfloat16) {
      all.push_back({make_conv2d(9, 37, 1, 35, {3, 3}, {1, 1, 1, 1}), bfloat16});
      all.back().s.winograd_forward = 2;
    }
    for (const int m : {2, 4, 5, 6})
      for (const int64_t side : {6, 13, 29}) {
        Conv2D s = make_conv2d(side, side + 3, 17, side > 20 ? 41 : 70, {3, 3}, {1, 1, 1, 1});
        s.winograd_forward = m;
        all.push_back({s, bfloat16});
      }
  }
  return all;
}

struct Setup {
  Setup(const KernelTable& kernels, const Case& c)
      : s(c.s), conv(c.bfloat16 ? kernels.bf16.conv2d : kernels.conv2d),
        x(random_floats(kImages * x_floats(s), 1, -1, 1)), w(random_floats(w_floats(s), 2, -1, 1)),
        b(random_floats(s.k, 3, -1, 1)), residual(random_floats(kImages * y_floats(s), 4, -1, 1)),
        packed(conv.packed_floats(s)), scratch(conv.scratch_floats(s)) {
    conv.pack(packed.data(), w.data(), s, 0, conv.pack_pieces(s));
  }
  void run(float* y, const float* added, const Activation& f, int64_t begin, int64_t end) {
    Images images{y, y_floats(s), x.data(), x_floats(s), kImages};
    images.residual = added;
    images.residual_stride = y_floats(s);
    conv.forward(images, packed.data(), b.data(), scratch.data(), s, f, begin, end);
  }
  int64_t pieces() const { return conv.pieces(s); }

  static constexpr int64_t kImages = 2;
  Conv2D s;
  const Conv2DKernels& conv;
  Floats x, w, b, residual;
  Floats packed, scratch;
};

}  // namespace

TEST(conv2d_residual_is_added_before_the_activation) {
  for (const Case& c : cases()) {
    Setup t(kernels, c);
    const Activation relu{ActivationKind::kRelu}, tanh{ActivationKind::kTanh};
    Floats sum(t.residual.size()), activated(sum.size());
    t.run(sum.data(), nullptr, {}, 0, t.pieces());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += t.residual[i];
    for (const Activation& f : {Activation{}, relu, tanh}) {
      kernels.activation.forward(activated.data(), sum.data(), static_cast<int64_t>(sum.size()), f);
      Guarded y(static_cast<int64_t>(sum.size())), in_place(t.residual);
      t.run(y.data(), t.residual.data(), f, 0, t.pieces());
      t.run(in_place.data(), in_place.data(), f, 0, t.pieces());
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
    Setup t(kernels, c);
    for (const Activation& f : {Activation{ActivationKind::kRelu}, Activation{ActivationKind::kTanh}}) {
      const int64_t size = static_cast<int64_t>(t.residual.size()), pieces = t.pieces();
      Guarded whole(size);
      t.run(whole.data(), t.residual.data(), f, 0, pieces);
      for (int64_t shares = 2; shares <= std::min<int64_t>(pieces, 7); ++shares) {
        Guarded y(size);
        for (int64_t i = shares; i-- > 0;)
          t.run(y.data(), t.residual.data(), f, i * pieces / shares, (i + 1) * pieces / shares);
        CHECK(y.intact() && same_bits(y.values(), whole.values()));
      }
    }
  }
}

}  // namespace pycnn::testing
