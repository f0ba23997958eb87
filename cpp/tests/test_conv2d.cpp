// Direct, grouped and depthwise convolution, forward and backward. What fuses behind it: test_conv2d_pool.cpp.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

constexpr int64_t kGap = 5;  // floats between the images of a call

std::vector<Conv2D> dense_shapes() {
  std::vector<Conv2D> shapes;
  for (const int64_t k : {1, 3, 15, 16, 17, 31, 33, 67}) {
    shapes.push_back(make_conv2d(1, 1, k, 2, {1, 1}));
    shapes.push_back(make_conv2d(1, 1, 3, k, {3, 3}, {1, 1, 1, 1}));
    shapes.push_back(make_conv2d(5, 7, 1, k, {3, 3}));
    shapes.push_back(make_conv2d(4, 6, 2, k, {3, 3}, {1, 1, 1, 1}));
    shapes.push_back(make_conv2d(6, 5, 3, k, {5, 5}, {2, 2, 2, 2}));
    shapes.push_back(make_conv2d(5, 4, k, 19, {3, 3}, {0, 2, 1, 0}));
  }
  for (int64_t w = 1; w <= 29; w += 2) shapes.push_back(make_conv2d(2, w, 5, 18, {1, 1}));  // every height of a tile
  shapes.push_back(make_conv2d(13, 13, 16, 17, {1, 1}));
  shapes.push_back(make_conv2d(7, 9, 17, 15, {1, 7}, {0, 0, 3, 3}));
  shapes.push_back(make_conv2d(9, 7, 15, 33, {7, 1}, {3, 3, 0, 0}));
  shapes.push_back(make_conv2d(7, 8, 5, 7, {3, 3}, {4, 3, 5, 4}));  // windows that see padding only
  shapes.push_back(make_conv2d(7, 8, 5, 7, {3, 2}, {2, 0, 0, 1}, {}, {}, 1, 1.5f));
  shapes.push_back(make_conv2d(9, 8, 3, 16, {3, 3}, {0, 1, 0, 1}, {2, 2}));
  shapes.push_back(make_conv2d(11, 10, 17, 5, {3, 3}, {1, 1, 1, 1}, {2, 3}, {}, 1, -0.5f));
  shapes.push_back(make_conv2d(11, 13, 4, 33, {2, 2}, {}, {3, 4}));  // pixels that no window sees
  shapes.push_back(make_conv2d(7, 5, 3, 4, {1, 1}, {1, 0, 0, 2}, {4, 3}));
  shapes.push_back(make_conv2d(9, 11, 6, 18, {3, 3}, {}, {}, {2, 3}));
  shapes.push_back(make_conv2d(8, 9, 16, 3, {3, 2}, {2, 2, 1, 2}, {2, 1}, {2, 2}));
  shapes.push_back(make_conv2d(9, 9, 2, 5, {2, 3}, {1, 2, 0, 3}, {3, 2}, {3, 1}));
  // Weight gradients in several blocks of pixels and parts of channels.
  shapes.push_back(make_conv2d(21, 19, 9, 6, {3, 3}, {1, 1, 1, 1}, {}, {}, 1, 0.25f));
  shapes.push_back(make_conv2d(40, 16, 11, 5, {1, 1}, {}, {2, 1}));
  shapes.push_back(make_conv2d(20, 18, 10, 4, {3, 1}, {1, 1, 0, 0}));
  shapes.push_back(make_conv2d(3, 2, 270, 260, {1, 1}));
  shapes.push_back(without_last(make_conv2d(9, 9, 5, 20, {3, 3}, {1, 1, 1, 1}), 1, 2));
  shapes.push_back(without_last(make_conv2d(9, 9, 5, 20, {3, 3}), 3, 0));
  shapes.push_back(without_last(make_conv2d(9, 8, 3, 7, {3, 3}, {1, 1, 1, 1}, {2, 2}), 1, 1));
  return shapes;
}

std::vector<Conv2D> grouped_shapes() {
  std::vector<Conv2D> shapes;
  shapes.push_back(make_conv2d(5, 6, 6, 9, {3, 3}, {1, 1, 1, 1}, {}, {}, 3));
  shapes.push_back(make_conv2d(4, 5, 34, 66, {3, 3}, {1, 1, 1, 1}, {}, {}, 2));
  shapes.push_back(make_conv2d(6, 5, 16, 4, {2, 3}, {0, 1, 2, 0}, {2, 1}, {}, 4, 0.5f));
  shapes.push_back(make_conv2d(8, 7, 10, 35, {3, 3}, {}, {1, 2}, {2, 1}, 5));
  for (const int64_t c : {2, 3, 16, 17, 33}) {
    for (const int64_t multiplier : {1, 2, 3}) {
      const int64_t k = c * multiplier;
      shapes.push_back(make_conv2d(5, 11, c, k, {3, 3}, {1, 1, 1, 1}, {}, {}, c));
      shapes.push_back(make_conv2d(6, 5, c, k, {3, 2}, {0, 1, 2, 0}, {2, 2}, {}, c, 1.5f));
      shapes.push_back(make_conv2d(7, 9, c, k, {3, 3}, {}, {1, 2}, {2, 3}, c));
      shapes.push_back(make_conv2d(5, 5, c, k, {1, 2}, {}, {3, 3}, {}, c));
    }
  }
  shapes.push_back(without_last(make_conv2d(9, 9, 6, 12, {3, 3}, {1, 1, 1, 1}, {}, {}, 6), 2, 1));
  return shapes;
}

// Whatever else there is, in combinations that nobody would write down.
std::vector<Conv2D> random_shapes() {
  std::vector<Conv2D> shapes;
  std::mt19937 generator(1);
  const auto below = [&](uint32_t n) { return static_cast<int64_t>(generator() % n); };
  while (shapes.size() < 100) {
    const int64_t inputs = 1 + below(20), outputs = 1 + below(40);
    const int64_t groups = below(3) == 0 ? 1 + below(4) : 1;
    const Two kernel = {1 + below(4), 1 + below(4)}, stride = {1 + below(3), 1 + below(3)};
    const Two dilation = {1 + below(2), 1 + below(3)};
    Conv2D s = make_conv2d(1 + below(12), 1 + below(12), inputs * groups, outputs * groups, kernel,
                           {below(4), below(4), below(4), below(4)}, stride, dilation, groups, below(2) ? 0.0f : 0.75f);
    if (below(4) == 0) s = without_last(s, below(2), below(2));
    if (s.oh > 0 && s.ow > 0) shapes.push_back(s);
  }
  return shapes;
}

std::vector<Conv2D> all_shapes() {
  std::vector<Conv2D> shapes = dense_shapes();
  for (const auto& more : {grouped_shapes(), random_shapes()}) shapes.insert(shapes.end(), more.begin(), more.end());
  return shapes;
}

Floats forward(const Conv2DKernels& conv, const Conv2D& s, const Floats& x, const Floats& w, const float* bias,
               const Activation& f) {
  Guarded y(y_floats(s));
  run(conv.choose_forward(s, by_tile(0, f)), {y.data(), 0, x.data(), 0, 1}, w, bias);
  CHECK(y.intact());
  return y.values();
}

}  // namespace

TEST(conv2d_forward) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Conv2D& s : all_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Floats b = random_floats(s.k, 3, -1, 1);
    for (const float* bias : {static_cast<const float*>(nullptr), b.data()}) {
      const Sums want = exact_forward(s, x.data(), w.data(), bias);
      for (const Activation& f : epilogues()) {
        const Floats y = forward(conv, s, x, w, bias, f);
        for (int64_t i = 0; i < y_floats(s); ++i)
          CHECK_NEAR(y[i], activate(f, want.value[i]), want.tolerance(i) + kActivationError, text_of(s));
      }
    }
  }
}

TEST(conv2d_forward_of_pieces_and_images) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Conv2D& s : all_shapes()) {
    const int64_t x_stride = x_floats(s) + kGap, y_stride = y_floats(s) + kGap, count = 3;
    const Floats x = random_floats(x_stride * count, 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Floats b = random_floats(s.k, 3, -1, 1);
    for (const Activation& f : {Activation{ActivationKind::kRelu}, Activation{ActivationKind::kTanh}}) {
      const Conv2DForward form = conv.choose_forward(s, by_tile(0, f));
      Guarded whole(y_stride * count), cut(y_stride * count), packed = packed_kernel(form, w);
      Scratch scratch(form.scratch_floats);
      const auto run = [&](Guarded& y, int64_t begin, int64_t end) {
        form.run({y.data(), y_stride, x.data(), x_stride, count}, packed.data(), b.data(), scratch.data(), form, begin,
                 end);
      };
      run(whole, 0, form.pieces);
      for (int64_t i = form.pieces; i-- > 0;) run(cut, i, i + 1);
      CHECK(same_bits(whole.values(), cut.values()) && cut.intact() && whole.intact() && scratch.intact());
      for (int64_t i = 0; i < count; ++i) {
        const Floats one(x.begin() + i * x_stride, x.begin() + i * x_stride + x_floats(s));
        const Floats y = forward(conv, s, one, w, b.data(), f), all = whole.values();
        CHECK(same_bits(y, Floats(all.begin() + i * y_stride, all.begin() + i * y_stride + y_floats(s))));
        for (int64_t g = 0; g < kGap; ++g) CHECK_EQUAL(all[i * y_stride + y_floats(s) + g], -7.0, text_of(s));
      }
    }
  }
}

TEST(conv2d_backward_input) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Conv2D& s : all_shapes()) {
    const Floats dy = random_floats(2 * (y_floats(s) + kGap), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    Guarded dx(2 * (x_floats(s) + kGap));
    run(conv.choose_backward_input(s, by_tile(0)), {dx.data(), x_floats(s) + kGap, dy.data(), y_floats(s) + kGap, 2},
        w);
    CHECK(dx.intact());
    for (int64_t i = 0; i < 2; ++i) {
      const auto begin = dy.begin() + i * (y_floats(s) + kGap);
      float* one = dx.data() + i * (x_floats(s) + kGap);
      check_sums(one, exact_backward_input(s, Floats(begin, begin + y_floats(s)), w), text_of(s));
      for (int64_t g = 0; g < kGap; ++g) CHECK_EQUAL(one[x_floats(s) + g], -7.0, text_of(s));
    }
  }
}

TEST(conv2d_backward_weight) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Conv2D& s : all_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), dy = random_floats(y_floats(s), 2, -1, 1);
    const Floats start = random_floats(w_floats(s), 3, -1, 1);
    Guarded dw(w_floats(s), kNan), added(start);
    const Conv2DBackwardWeight form = conv.choose_backward_weight(s, by_tile(0));
    const ImagePairs images{x.data(), 0, dy.data(), 0, 1};
    const Floats start_b = random_floats(s.k, 4, -1, 1);
    Guarded db(s.k, kNan), added_b(start_b);
    run(form, dw.data(), db.data(), images, false);
    run(form, added.data(), added_b.data(), images, true);
    CHECK(dw.intact() && added.intact() && db.intact() && added_b.intact());
    for (int64_t k = 0; k < s.k; ++k) {
      double sum = 0.0, magnitude = std::abs(start_b[k]);
      for (size_t i = k; i < dy.size(); i += s.k) sum += dy[i], magnitude += std::abs(dy[i]);
      CHECK_NEAR(db[k], sum, 16 * kEps * magnitude, text_of(s));
      CHECK_NEAR(added_b[k], start_b[k] + sum, 16 * kEps * magnitude, text_of(s));
    }
    check_sums(dw.data(), exact_backward_weight(s, x, dy), text_of(s));
    check_sums(added.data(), exact_backward_weight(s, x, dy, start), text_of(s));
  }
}

// What is not a number shows where it was used and nowhere else.
TEST(conv2d_of_nan_and_infinity) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Conv2D& s : all_shapes()) {
    Floats x = random_floats(x_floats(s), 1, -1, 1), dy = random_floats(y_floats(s), 2, -1, 1);
    const Floats w = random_floats(w_floats(s), 3, 0.5f, 1);
    x[x.size() / 2] = kNan;
    x[x.size() / 5] = kInf;
    dy[dy.size() / 2] = kNan;
    for (const Activation& f : {Activation{ActivationKind::kLinear}, Activation{ActivationKind::kRelu}}) {
      const Sums want = exact_forward(s, x.data(), w.data(), nullptr);
      const Floats y = forward(conv, s, x, w, nullptr, f);
      for (size_t i = 0; i < y.size(); ++i) {
        const double exact = activate(f, want.value[i]);
        CHECK_NEAR(y[i], exact, std::isfinite(exact) ? want.tolerance(static_cast<int64_t>(i)) : 0.0, text_of(s));
      }
    }
    Guarded dx(x_floats(s)), dw(w_floats(s));
    run(conv.choose_backward_input(s, by_tile(0)), {dx.data(), 0, dy.data(), 0, 1}, w);
    run(conv.choose_backward_weight(s, by_tile(0)), dw.data(), nullptr,
        {random_floats(x_floats(s), 4, 0.5f, 1).data(), 0, dy.data(), 0, 1}, false);
    const Sums want_dx = exact_backward_input(s, dy, w);
    const Sums want_dw = exact_backward_weight(s, random_floats(x_floats(s), 4, 0.5f, 1), dy);
    for (int64_t i = 0; i < x_floats(s); ++i) CHECK(std::isnan(dx[i]) == std::isnan(want_dx.value[i]));
    for (int64_t i = 0; i < w_floats(s); ++i) CHECK(std::isnan(dw[i]) == std::isnan(want_dw.value[i]));
  }
}

// The model of the cost knows shapes only, and never picks Winograd where that form does not exist.
TEST(conv2d_choose) {
  const Conv2DKernels& conv = kernels.conv2d;
  Conv2DOptions options;
  options.images = 8;
  const auto forward = [&](const Conv2D& s) { return conv.choose_forward(s, options).tile; };
  const auto backward = [&](const Conv2D& s) { return conv.choose_backward_input(s, options).tile; };
  CHECK(forward(make_conv2d(13, 13, 64, 64, {3, 3})) && backward(make_conv2d(13, 13, 64, 64, {3, 3})));
  CHECK(forward(make_conv2d(32, 32, 64, 64, {5, 5}, {2, 2, 2, 2})));
  for (const Conv2D& s :
       {make_conv2d(28, 28, 3, 64, {3, 3}), make_conv2d(28, 28, 1, 15, {3, 3}), make_conv2d(28, 28, 1, 64, {5, 5}),
        make_conv2d(28, 28, 1, 64, {3, 3}, {}, {2, 1}), make_conv2d(28, 28, 1, 64, {3, 3}, {}, {}, {1, 2}),
        make_conv2d(32, 32, 64, 64, {3, 5}), make_conv2d(32, 32, 64, 64, {7, 7}), make_conv2d(32, 32, 64, 64, {1, 1}),
        make_conv2d(32, 32, 64, 64, {3, 3}, {}, {2, 2}), make_conv2d(32, 32, 64, 64, {3, 3}, {}, {}, {2, 2}),
        make_conv2d(32, 32, 64, 64, {3, 3}, {}, {}, {}, 2), make_conv2d(32, 32, 64, 64, {3, 3}, {}, {}, {}, 64)}) {
    CHECK(!forward(s) && !backward(s));
  }
  // Images of one channel have a form of their own, of the forward pass in floats.
  const Conv2D plane = make_conv2d(28, 28, 1, 64, {3, 3});
  CHECK_EQUAL(forward(plane), 2, "one channel");
  CHECK(!backward(plane) && !conv.choose_backward_weight(plane, options).tile);
  CHECK_EQUAL(kernels.bf16.conv2d.choose_forward(plane, options).tile, 2, "no pairs of channels to multiply");
  CHECK_EQUAL(forward(make_conv2d(3, 3, 64, 64, {3, 3})), 2, "one pixel of a tile's four");
  CHECK(!backward(make_conv2d(12, 12, 64, 64, {3, 3}, {3, 3, 3, 3})));
}

// What is fused after a convolution decides too; and who asks for direct sums gets them.
TEST(conv2d_choose_by_options) {
  const Conv2DKernels& conv = kernels.conv2d;
  const Activation relu{ActivationKind::kRelu}, tanh{ActivationKind::kTanh};
  const Conv2D s = make_conv2d(14, 14, 64, 64, {3, 3}, {1, 1, 1, 1}), first = make_conv2d(28, 28, 1, 64, {3, 3});
  const auto forward = [&](const Activation& f, FusedPool pool, int tile) {
    return conv.choose_forward(s, {pool, f, 8, tile});
  };
  CHECK(forward(relu, {}, kByCost).tile && forward(tanh, {}, kByCost).tile && forward(relu, {2, 2}, kByCost).tile);
  CHECK(!forward(tanh, {2, 2}, kByCost).tile && !forward(relu, {2, 1}, kByCost).tile && !forward(relu, {}, 0).tile);
  CHECK(std::string(forward(relu, {}, 4).name) == "Winograd F(4x4,3x3)");
  CHECK_EQUAL(forward(relu, {}, 0).argmax_bytes, 0, "no pool");
  CHECK_EQUAL(forward(relu, {2, 2}, 0).argmax_bytes, 7 * 7 * 64, "a byte a window");
  for (const int tile : {0, kByCost}) {
    const Conv2DOptions pooled{{2, 2}, relu, 8, tile}, dense{{}, relu, 8, tile};
    CHECK(conv.choose_backward_input(s, pooled).pooled && conv.choose_backward_weight(s, pooled).transposed);
    CHECK(!conv.choose_backward_input(s, dense).pooled && !conv.choose_backward_weight(s, dense).pooled);
    const Conv2DBackwardWeight few = conv.choose_backward_weight(first, pooled);
    CHECK(few.pooled && !few.transposed);
  }
}

}  // namespace pycnn::testing
