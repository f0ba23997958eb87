// Convolution with a max-pool fused behind it: forward_pool, and the backward passes from the pooled gradient and the
// places of the maxima, dense (unpool first) and sparse.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

struct Case {
  Conv2D s;
  FusedPool pool;

  int64_t oh() const { return s.oh / pool.ph; }
  int64_t ow() const { return s.ow / pool.pw; }
  int64_t pooled_floats() const { return oh() * ow() * s.k; }
  std::string text() const { return text_of(s) + ", pool " + std::to_string(pool.ph) + "x" + std::to_string(pool.pw); }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int64_t k : {1, 5, 15, 16, 17, 31, 33, 64, 67}) {
    cases.push_back({make_conv2d(8, 10, 1, k, {3, 3}), {2, 2}});  // first layers
    cases.push_back({make_conv2d(7, 5, 2, k, {3, 3}, {1, 1, 1, 1}), {2, 2}});
    cases.push_back({make_conv2d(6, 9, 3, k, {3, 3}, {0, 1, 2, 0}, {}, {}, 1, 0.5f), {2, 2}});
    cases.push_back({make_conv2d(9, 8, 1, k, {5, 5}, {2, 1, 0, 2}), {2, 2}});
    cases.push_back({make_conv2d(6, 8, k, 6, {3, 3}), {2, 2}});  // further ones
    cases.push_back({make_conv2d(5, 6, 17, k, {3, 3}, {1, 1, 1, 1}), {2, 2}});
    cases.push_back({make_conv2d(7, 7, 9, k, {3, 3}, {2, 0, 0, 2}, {}, {}, 1, -1.0f), {2, 2}});
    cases.push_back({make_conv2d(6, 7, 5, k, {2, 3}, {}, {2, 1}, {1, 2}), {2, 2}});
    cases.push_back({make_conv2d(4, 6, k, 3, {1, 1}), {2, 2}});
  }
  for (int64_t w = 2; w <= 26; w += 3) cases.push_back({make_conv2d(4, w, 20, 33, {1, 1}), {2, 2}});  // all tile widths
  for (const FusedPool& pool : {FusedPool{1, 1}, FusedPool{3, 3}, FusedPool{2, 3}, FusedPool{1, 2}, FusedPool{4, 1}}) {
    cases.push_back({make_conv2d(9, 10, 3, 17, {3, 3}, {1, 1, 1, 1}), pool});
    cases.push_back({make_conv2d(9, 10, 18, 5, {3, 3}), pool});
    cases.push_back({make_conv2d(11, 13, 16, 18, {3, 2}, {}, {2, 1}), pool});
    cases.push_back({make_conv2d(8, 9, 6, 8, {3, 3}, {1, 1, 1, 1}, {}, {}, 2), pool});
    cases.push_back({make_conv2d(8, 9, 20, 6, {3, 3}, {}, {}, {1, 2}), pool});
  }
  for (const int64_t k : {1, 3, 4, 6, 7, 8}) {  // few filters, one vector of windows and more
    cases.push_back({make_conv2d(6, 34, 1, k, {5, 5}, {2, 2, 2, 2}), {2, 2}});
    cases.push_back({make_conv2d(7, 68, 1, k, {3, 3}), {2, 2}});
    cases.push_back({make_conv2d(5, 37, 1, k, {2, 4}, {1, 0, 0, 3}, {}, {}, 1, 0.5f), {2, 2}});
    cases.push_back({make_conv2d(9, 10, k, 7, {5, 5}), {2, 2}});  // few channels
    cases.push_back({make_conv2d(7, 8, k, 18, {5, 5}, {1, 2, 3, 2}), {2, 2}});
    cases.push_back({make_conv2d(8, 9, k, 35, {3, 3}, {1, 1, 1, 1}), {2, 2}});
  }
  cases.push_back({make_conv2d(9, 8, 22, 19, {5, 5}, {2, 2, 2, 2}), {2, 2}});
  cases.push_back({make_conv2d(14, 302, 3, 5, {3, 3}), {2, 2}});  // images in blocks
  cases.push_back({make_conv2d(8, 150, 16, 5, {3, 3}), {2, 2}});
  cases.push_back({make_conv2d(11, 150, 18, 3, {3, 3}), {3, 2}});
  cases.push_back({make_conv2d(17, 19, 2, 5, {2, 2}), {15, 17}});  // 255 places
  cases.push_back({make_conv2d(4, 5, 3, 9, {3, 3}, {4, 3, 5, 4}), {2, 2}});
  cases.push_back({make_conv2d(7, 8, 16, 40, {5, 5}, {2, 2, 2, 2}), {2, 2}});
  // What no window looks at is not computed.
  cases.push_back({without_last(make_conv2d(9, 9, 17, 20, {3, 3}), 1, 1), {2, 2}});
  cases.push_back({without_last(make_conv2d(9, 9, 17, 20, {3, 3}, {1, 1, 1, 1}), 3, 1), {2, 2}});
  cases.push_back({without_last(make_conv2d(10, 9, 1, 20, {3, 3}), 2, 1), {3, 3}});
  return cases;
}

// visit(index of the pooled value, place in its window, index of the value before the pool)
template <typename Visit>
void for_places(const Case& p, Visit visit) {
  for (int64_t i = 0; i < p.oh(); ++i)
    for (int64_t j = 0; j < p.ow(); ++j)
      for (int64_t k = 0; k < p.s.k; ++k)
        for (int64_t a = 0; a < p.pool.ph * p.pool.pw; ++a) {
          const int64_t row = i * p.pool.ph + a / p.pool.pw, column = j * p.pool.pw + a % p.pool.pw;
          visit((i * p.ow() + j) * p.s.k + k, a, (row * p.s.ow + column) * p.s.k + k);
        }
}

struct Pooled {
  Floats y;
  Bytes argmax;
};

constexpr uint8_t kNoPlace = 254;

Pooled forward_pool(const Conv2DKernels& conv, const Case& p, const Floats& x, const Floats& w, const float* bias,
                    const Activation& f) {
  Guarded y(p.pooled_floats());
  Bytes argmax(p.pooled_floats() + 7, kNoPlace);
  const Conv2DForward form = conv.choose_forward(p.s, by_tile(0, f, p.pool));
  CHECK_EQUAL(form.argmax_bytes, p.pooled_floats(), p.text());
  run(form, {y.data(), 0, x.data(), 0, 1, argmax.data()}, w, bias);
  CHECK(y.intact());
  for (int64_t i = 0; i < 7; ++i) CHECK(argmax[p.pooled_floats() + i] == kNoPlace);
  argmax.resize(p.pooled_floats());
  return {y.values(), argmax};
}

Floats unpooled(const Conv2DKernels& conv, const Case& p, const Floats& dy, const Bytes& argmax) {
  Guarded full(y_floats(p.s), kNan);
  conv.unpool(full.data(), dy.data(), argmax.data(), p.s, p.pool);
  CHECK(full.intact());
  return full.values();
}

// A pooled gradient, of which a closed ReLU has taken some, and where the maxima were.
Floats pooled_gradient(const Case& p) {
  Floats dy = random_floats(p.pooled_floats(), 4, -1, 1);
  for (size_t i = 0; i < dy.size(); i += 3) dy[i] = 0.0f;
  for (size_t i = 1; i < dy.size(); i += 7) dy[i] = -0.0f;
  return dy;
}
Bytes random_places(const Case& p) {
  std::mt19937 generator(5);
  Bytes places(p.pooled_floats());
  for (uint8_t& place : places) place = static_cast<uint8_t>(generator() % (p.pool.ph * p.pool.pw));
  for (size_t i = 2; i < places.size(); i += 5) places[i] = kClosed;
  return places;
}

bool is_closed(const Activation& f, float y) {
  return f.kind == ActivationKind::kRelu && f.max_value == kInf && y == 0;
}

// Small whole numbers: sums are exact, and windows hold their maximum several times.
Floats whole_numbers(int64_t n, uint32_t seed) {
  Floats values = random_floats(n, seed, -1.4f, 1.4f);
  for (float& v : values) v = std::round(v);
  return values;
}

}  // namespace

TEST(conv2d_forward_pool) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    const Floats x = random_floats(x_floats(p.s), 1, -1, 1), w = random_floats(w_floats(p.s), 2, -1, 1);
    const Floats b = random_floats(p.s.k, 3, -1, 1);
    const Sums before = exact_forward(p.s, x.data(), w.data(), b.data());
    for (const Activation& f : epilogues()) {
      const Pooled got = forward_pool(conv, p, x, w, b.data(), f);
      std::vector<double> want(got.y.size(), -kInf), tolerance(got.y.size()), at_place(got.y.size(), kNan);
      for_places(p, [&](int64_t to, int64_t place, int64_t from) {
        const double value = activate(f, before.value[from]);
        want[to] = std::max(want[to], value);
        tolerance[to] = std::max(tolerance[to], before.tolerance(from) + kActivationError);
        if (place == got.argmax[to]) at_place[to] = value;
      });
      for (size_t i = 0; i < want.size(); ++i) {
        CHECK_NEAR(got.y[i], want[i], tolerance[i], p.text());
        if (is_closed(f, got.y[i])) CHECK_EQUAL(int{got.argmax[i]}, kClosed, p.text());
        else CHECK_NEAR(at_place[i], want[i], 2 * tolerance[i], p.text(), ", place ", int{got.argmax[i]});
      }
    }
  }
}

TEST(conv2d_forward_pool_of_pieces_and_images) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    const int64_t x_stride = x_floats(p.s) + 3, y_stride = p.pooled_floats() + 5, count = 2;
    const Floats x = random_floats(x_stride * count, 1, -1, 1), w = random_floats(w_floats(p.s), 2, -1, 1);
    for (const Activation& f : {Activation{ActivationKind::kRelu}, Activation{ActivationKind::kTanh}}) {
      const Conv2DForward form = conv.choose_forward(p.s, by_tile(0, f, p.pool));
      Guarded packed = packed_kernel(form, w);
      Guarded whole(y_stride * count), cut(y_stride * count), silent(y_stride * count);
      Bytes whole_places(y_stride * count, kNoPlace), cut_places = whole_places;
      Scratch scratch(form.scratch_floats);
      const auto run = [&](Guarded& y, uint8_t* argmax, int64_t begin, int64_t end) {
        const Images images{y.data(), y_stride, x.data(), x_stride, count, argmax, y_stride};
        form.run(images, packed.data(), nullptr, scratch.data(), form, begin, end);
      };
      run(whole, whole_places.data(), 0, form.pieces);
      for (int64_t i = form.pieces; i-- > 0;) run(cut, cut_places.data(), i, i + 1);
      run(silent, nullptr, 0, form.pieces);
      CHECK(same_bits(whole.values(), cut.values()) && same_bits(whole.values(), silent.values()));
      CHECK(whole_places == cut_places);
      CHECK(whole.intact() && cut.intact() && silent.intact() && scratch.intact());
      for (int64_t i = 0; i < count; ++i) {
        const Floats one(x.begin() + i * x_stride, x.begin() + i * x_stride + x_floats(p.s)), all = whole.values();
        const Pooled got = forward_pool(conv, p, one, w, nullptr, f);
        CHECK(same_bits(got.y, Floats(all.begin() + i * y_stride, all.begin() + (i + 1) * y_stride - 5)));
        CHECK(std::equal(got.argmax.begin(), got.argmax.end(), whole_places.begin() + i * y_stride));
        for (int64_t g = 1; g <= 5; ++g) {
          CHECK_EQUAL(all[(i + 1) * y_stride - g], -7.0, p.text());
          CHECK(whole_places[(i + 1) * y_stride - g] == kNoPlace);
        }
      }
    }
  }
}

TEST(conv2d_forward_pool_of_ties) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    const Floats x = whole_numbers(x_floats(p.s), 1), w = whole_numbers(w_floats(p.s), 2);
    const Sums before = exact_forward(p.s, x.data(), w.data(), nullptr);
    for (const Activation& f : {Activation{}, Activation{ActivationKind::kRelu}}) {
      const Pooled got = forward_pool(conv, p, x, w, nullptr, f);
      std::vector<double> want(got.y.size(), -kInf);
      std::vector<int64_t> first(got.y.size());
      for_places(p, [&](int64_t to, int64_t place, int64_t from) {
        const double value = activate(f, before.value[from]);
        if (value > want[to]) want[to] = value, first[to] = place;
      });
      for (size_t i = 0; i < want.size(); ++i) {
        CHECK_EQUAL(got.y[i], want[i], p.text());
        CHECK_EQUAL(int{got.argmax[i]}, is_closed(f, got.y[i]) ? kClosed : first[i], p.text());
      }
    }
  }
}

TEST(conv2d_forward_pool_of_negative_windows) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    if (p.s.pad_value != 0.0f) continue;
    const Floats x = random_floats(x_floats(p.s), 1, 0.1f, 1), w = random_floats(w_floats(p.s), 2, -1, -0.1f);
    const Floats b(p.s.k, -0.5f);
    for (const float v : forward_pool(conv, p, x, w, b.data(), {ActivationKind::kRelu}).y)
      CHECK_EQUAL(v, 0.0, p.text());
    for (const float v : forward_pool(conv, p, x, w, b.data(), {}).y) CHECK(v <= -0.5f);
  }
}

TEST(conv2d_forward_pool_of_nan) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    Floats x = random_floats(x_floats(p.s), 1, -1, 1);
    x[x.size() / 2] = kNan;
    const Floats w = random_floats(w_floats(p.s), 2, -1, 1);
    const Sums before = exact_forward(p.s, x.data(), w.data(), nullptr);
    for (const Activation& f : epilogues()) {
      const Pooled got = forward_pool(conv, p, x, w, nullptr, f);
      std::vector<bool> nan(got.y.size()), nan_at_place(got.y.size());
      for_places(p, [&](int64_t to, int64_t place, int64_t from) {
        if (!std::isnan(before.value[from])) return;
        nan[to] = true;
        if (place == got.argmax[to]) nan_at_place[to] = true;
      });
      for (size_t i = 0; i < nan.size(); ++i) CHECK(std::isnan(got.y[i]) == nan[i] && nan_at_place[i] == nan[i]);
    }
  }
}

TEST(conv2d_unpool) {
  for (const Case& p : all_cases()) {
    const Floats dy = pooled_gradient(p);
    const Bytes places = random_places(p);
    const Floats got = unpooled(kernels.conv2d, p, dy, places);
    Floats want(y_floats(p.s));
    for_places(p, [&](int64_t from, int64_t place, int64_t to) {
      if (place == places[from]) want[to] = dy[from];
    });
    for (size_t i = 0; i < want.size(); ++i) CHECK_EQUAL(got[i], want[i], p.text());
  }
}

TEST(conv2d_backward_weight_pooled) {
  const Conv2DKernels& conv = kernels.conv2d;
  int tested[2] = {};
  for (const Case& p : all_cases()) {
    const Conv2DBackwardWeight form = conv.choose_backward_weight(p.s, by_tile(0, {}, p.pool));
    if (!form.pooled) continue;
    const bool transposed = form.transposed;
    ++tested[transposed];
    const Floats x = random_floats(x_floats(p.s), 1, -1, 1), start = random_floats(w_floats(p.s), 2, -1, 1);
    const Floats dy = pooled_gradient(p);
    const Bytes places = random_places(p);
    const Floats full = unpooled(conv, p, dy, places), start_b = random_floats(p.s.k, 3, -1, 1);
    const int64_t inputs = w_floats(p.s) / p.s.k;
    const auto turned = [&](const Floats& from, int64_t rows, int64_t columns) {
      Floats to(from.size());
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
      return to;
    };
    for (const bool accumulate : {false, true}) {
      Guarded dw(accumulate ? (transposed ? turned(start, inputs, p.s.k) : start) : Floats(w_floats(p.s), kNan));
      Guarded db(accumulate ? start_b : Floats(p.s.k, kNan)), alone(dw.values());
      const ImagePairs images{x.data(), 0, dy.data(), 0, 1, places.data()};
      run(form, dw.data(), db.data(), images, accumulate);
      run(form, alone.data(), nullptr, images, accumulate);
      CHECK(same_bits(dw.values(), alone.values()));
      CHECK(dw.intact() && db.intact() && alone.intact());
      for (int64_t k = 0; k < p.s.k; ++k) {
        double sum = accumulate ? start_b[k] : 0.0, magnitude = std::abs(sum);
        for (size_t i = k; i < full.size(); i += p.s.k) sum += full[i], magnitude += std::abs(full[i]);
        CHECK_NEAR(db[k], sum, 16 * kEps * magnitude, p.text());
      }
      const Floats got = transposed ? turned(dw.values(), p.s.k, inputs) : dw.values();
      const Sums want = exact_backward_weight(p.s, x, full, accumulate ? start : Floats());
      check_sums(got.data(), want, p.text());
      Guarded dense(accumulate ? start : Floats(w_floats(p.s), kNan));
      run(conv.choose_backward_weight(p.s, by_tile(0)), dense.data(), nullptr, {x.data(), 0, full.data(), 0, 1},
          accumulate);
      check_sums(dense.data(), want, p.text());
    }
  }
  CHECK(tested[0] > 10 && tested[1] > 10);
}

TEST(conv2d_backward_input_pooled) {
  const Conv2DKernels& conv = kernels.conv2d;
  int tested = 0;
  for (const Case& p : all_cases()) {
    const Conv2DBackwardInput form = conv.choose_backward_input(p.s, by_tile(0, {}, p.pool));
    if (!form.pooled) continue;
    ++tested;
    const Floats w = random_floats(w_floats(p.s), 1, -1, 1), dy = pooled_gradient(p);
    const Bytes places = random_places(p);
    Guarded dx(x_floats(p.s), kNan), dense(x_floats(p.s), kNan);
    run(form, {dx.data(), 0, dy.data(), 0, 1, places.data()}, w);
    CHECK(dx.intact());
    const Floats full = unpooled(conv, p, dy, places);
    const Sums want = exact_backward_input(p.s, full, w);
    check_sums(dx.data(), want, p.text());
    run(conv.choose_backward_input(p.s, by_tile(0)), {dense.data(), 0, full.data(), 0, 1}, w);
    check_sums(dense.data(), want, p.text());
  }
  CHECK(tested > 20);
}

// Where nothing has passed the ReLU the masks are empty.
TEST(conv2d_pooled_backward_of_zero) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const Case& p : all_cases()) {
    const Floats x = random_floats(x_floats(p.s), 1, -1, 1), w = random_floats(w_floats(p.s), 2, -1, 1);
    const Floats dy(p.pooled_floats());
    const Bytes places = random_places(p);
    const Conv2DBackwardWeight by_weight = conv.choose_backward_weight(p.s, by_tile(0, {}, p.pool));
    const Conv2DBackwardInput by_input = conv.choose_backward_input(p.s, by_tile(0, {}, p.pool));
    if (by_weight.pooled) {
      Guarded dw(w_floats(p.s), kNan);
      run(by_weight, dw.data(), nullptr, {x.data(), 0, dy.data(), 0, 1, places.data()}, false);
      for (const float v : dw.values()) CHECK_EQUAL(v, 0.0, p.text());
    }
    if (by_input.pooled) {
      Guarded dx(x_floats(p.s), kNan);
      run(by_input, {dx.data(), 0, dy.data(), 0, 1, places.data()}, w);
      for (const float v : dx.values()) CHECK_EQUAL(v, 0.0, p.text());
    }
  }
}

}  // namespace pycnn::testing
