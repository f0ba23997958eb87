// Winograd's form of a convolution against the plain loops, whether or not the cost model would choose it.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

// One form F(m x m, r x r), or that along one axis alone, and what its rounding errors are over those of direct sums.
struct Form {
  int m, r;
  bool rows = true, columns = true;  // the axes along which the kernel has r taps
  bool operator==(const Form& other) const {
    return m == other.m && r == other.r && rows == other.rows && columns == other.columns;
  }
  bool is_square() const { return rows && columns; }
  int64_t kh() const { return rows ? r : 1; }
  int64_t kw() const { return columns ? r : 1; }
  Edges same() const { return {kh() / 2, kh() / 2, kw() / 2, kw() / 2}; }

  // Along one axis an output has the variance sum_p A_p^2 |G_p|^2 |B_p|^2 over the points p, against r for the products
  // of direct sums; both axes square that, and the root of it is the deviation.
  double gain() const {
    double largest = 0.0;
    for (int i = 0; i < m; ++i) largest = std::max(largest, variance(i, m, r));
    return is_square() ? largest / r : std::sqrt(largest / r);
  }
  // Of weight gradients sum_p G_p^2 |A_p|^2 |B_p|^2, against as many products as a tile has outputs.
  double weight_gain(const Conv2D& s) const {
    double largest = 0.0;
    for (int i = 0; i < r; ++i) largest = std::max(largest, variance(i, r, m));
    const auto outputs = [&](bool along, int64_t all) {
      return static_cast<double>(along ? std::min<int64_t>(m, all) : 1);
    };
    const double sum = outputs(rows, s.oh) * outputs(columns, s.ow);
    return is_square() ? largest / std::sqrt(sum) : std::sqrt(largest / sum);
  }

 private:
  std::vector<double> points() const {
    switch (m + r - 1) {
      case 4: return {0, 1, -1};
      case 6: return {0, 1, -1, 0.5, -2};
      case 7: return {0, 1, -1, 0.5, -0.5, -2};
      case 10: return {0, 1, -1, 1.25, -1.25, 0.375, -0.375, 2.25, -2.25};
      case 12: return {0, 1, -1, 0.75, -0.75, 1.375, -1.375, 0.375, -0.375, 2.5, -2.5};
      default: return {0, 1, -1, 0.5, -0.5, 2, -2};
    }
  }
  // Of the sum that is the `at`-th of `sums`, whose other factor has `terms` coefficients.
  double variance(int at, int sums, int terms) const {
    const std::vector<double> p = points();
    double total = 0.0;
    std::vector<double> all = {1.0};  // the product of (x - q) over all points
    const auto times = [](std::vector<double>& polynomial, double q) {
      polynomial.insert(polynomial.begin(), 0.0);
      for (size_t i = 0; i + 1 < polynomial.size(); ++i) polynomial[i] -= q * polynomial[i + 1];
    };
    const auto squares = [](const std::vector<double>& values) {
      double sum = 0.0;
      for (const double v : values) sum += v * v;
      return sum;
    };
    for (size_t i = 0; i < p.size(); ++i) {
      std::vector<double> others = {1.0}, powers;
      double distances = 1.0;
      for (size_t j = 0; j < p.size(); ++j)
        if (j != i) times(others, p[j]), distances *= p[i] - p[j];
      for (int j = 0; j < terms; ++j) powers.push_back(std::pow(p[i], j));
      total += std::pow(std::pow(p[i], at) / distances, 2) * squares(powers) * squares(others);
      times(all, p[i]);
    }
    return total + (at == sums - 1 ? squares(all) : 0.0);  // the point infinity
  }
};

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {{2, 3},
                                        {4, 3},
                                        {5, 3},
                                        {6, 3},
                                        {4, 5},
                                        {4, 3, false},
                                        {4, 3, true, false},
                                        {4, 7, false},
                                        {4, 7, true, false},
                                        {6, 7, false},
                                        {6, 7, true, false}};
  return all;
}

// A tile's outputs share the errors of its products, so all are held to the largest one's magnitude.
Sums shared(Sums sums) {
  std::fill(sums.squares.begin(), sums.squares.end(), *std::max_element(sums.squares.begin(), sums.squares.end()));
  return sums;
}

// Images of one channel, around the widths of vectors of tiles and of filters.
std::vector<Conv2D> plane_shapes() {
  std::vector<Conv2D> shapes;
  for (const int64_t w : {3, 4, 5, 9, 10, 17, 18, 33, 34, 35, 70})
    for (const int64_t k : {16, 17, 35}) {
      shapes.push_back(make_conv2d(5, w, 1, k, {3, 3}));
      shapes.push_back(make_conv2d(w, 4, 1, k, {3, 3}, {1, 1, 1, 1}));
    }
  shapes.push_back(make_conv2d(28, 28, 1, 64, {3, 3}));
  shapes.push_back(make_conv2d(1, 1, 1, 16, {3, 3}, {2, 2, 2, 2}));
  shapes.push_back(make_conv2d(6, 37, 1, 67, {3, 3}, {1, 2, 2, 1}, {}, {}, 1, 1.5f));
  shapes.push_back(without_last(make_conv2d(9, 40, 1, 16, {3, 3}), 1, 2));
  return shapes;
}

// Around the widths of vectors, of tiles and of groups of them.
std::vector<Conv2D> shapes_of(const Form& form) {
  std::vector<Conv2D> shapes;
  const Two kernel = {form.kh(), form.kw()};
  const Edges same = form.same();
  const int64_t m = form.m, n = m + form.r - 1, last_row = form.kh() - 1, last_column = form.kw() - 1;
  for (const int64_t c : {16, 17, 31, 33, 67}) {
    shapes.push_back(make_conv2d(n, n, c, 16, kernel));
    shapes.push_back(make_conv2d(m + 1, 2 * m + 1, 16, c, kernel, same));
    shapes.push_back(make_conv2d(n + 1, n - 2, c, c, kernel, {0, last_row, last_column, 0}));
  }
  for (int64_t h = 1; h <= 10; ++h) shapes.push_back(make_conv2d(h, 11 - h, 16, 18, kernel, same));
  shapes.push_back(make_conv2d(13, 13, 64, 64, kernel));
  shapes.push_back(make_conv2d(1, 1, 16, 16, kernel, {last_row, last_row, last_column, last_column}));
  shapes.push_back(make_conv2d(6, 7, 20, 35, kernel, {1, 2, 2, 1}, {}, {}, 1, 1.5f));
  shapes.push_back(make_conv2d(5, 6, 300, 17, kernel, same));  // small groups of tiles
  shapes.push_back(make_conv2d(3, 60, 16, 16, kernel, same));  // more than one strip in a row
  shapes.push_back(without_last(make_conv2d(9, 9, 17, 16, kernel, same), 1, 1));
  shapes.push_back(without_last(make_conv2d(11, 11, 16, 19, kernel), 1, 3));
  if (form == Form{2, 3})
    for (const Conv2D& s : plane_shapes()) shapes.push_back(s);
  return shapes;
}

struct Case {
  Form form;
  Conv2D s;
};
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Form& form : forms())
    for (const Conv2D& s : shapes_of(form)) cases.push_back({form, s});
  return cases;
}

// Several images in one call, so that a group of tiles holds parts of two.
struct Stack {
  Stack(int64_t floats, int64_t count, uint32_t seed)
      : floats(floats), stride(floats + 3), values(random_floats(stride * count, seed, -1, 1)) {}
  Floats image(int64_t i) const { return Floats(values.begin() + i * stride, values.begin() + i * stride + floats); }
  int64_t floats, stride;
  Floats values;
};

double deviation(const std::vector<double>& values) {
  double squares = 0.0;
  for (const double v : values) squares += v * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

TEST(winograd_forward) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const auto& each : all_cases()) {
    const auto& form = each.form;
    const auto& s = each.s;
    const double gain = form.gain();
    const int64_t count = 5, y_stride = y_floats(s) + 2;
    const Stack x(x_floats(s), count, 1);
    const Floats w = random_floats(w_floats(s), 2, -1, 1), b = random_floats(s.k, 3, -1, 1);
    for (const Activation& f : epilogues()) {
      const float* bias = f.kind == ActivationKind::kLinear ? nullptr : b.data();
      const Conv2DForward chosen = conv.choose_forward(s, by_tile(form.m, f));
      Guarded whole(y_stride * count), cut(y_stride * count), packed = packed_kernel(chosen, w);
      Scratch scratch(chosen.scratch_floats);
      const auto run_pieces = [&](Guarded& y, int64_t begin, int64_t end) {
        chosen.run({y.data(), y_stride, x.values.data(), x.stride, count}, packed.data(), bias, scratch.data(), chosen,
                   begin, end);
      };
      run_pieces(whole, 0, chosen.pieces);
      for (int64_t i = chosen.pieces; i-- > 0;) run_pieces(cut, i, i + 1);
      CHECK(same_bits(whole.values(), cut.values()) && whole.intact() && cut.intact() && scratch.intact());
      for (int64_t i = 0; i < count; ++i) {
        const Sums want = shared(exact_forward(s, x.image(i).data(), w.data(), bias));
        for (int64_t k = 0; k < y_floats(s); ++k)
          CHECK_NEAR(whole[i * y_stride + k], activate(f, want.value[k]), gain * want.tolerance(k) + kActivationError,
                     text_of(s), ", tiles ", form.m);
        CHECK_EQUAL(whole[(i + 1) * y_stride - 1], -7.0, text_of(s));
      }
      Guarded one(y_floats(s));
      run(chosen, {one.data(), 0, x.image(3).data(), 0, 1}, w, bias);
      const Floats all = whole.values();
      CHECK(same_bits(one.values(), Floats(all.begin() + 3 * y_stride, all.begin() + 4 * y_stride - 2)));
    }
  }
}

TEST(winograd_forward_pool) {
  const Conv2DKernels& conv = kernels.conv2d;
  const FusedPool pool = {2, 2};
  for (const auto& each : all_cases()) {
    const auto& s = each.s;
    const int64_t oh = s.oh / 2, ow = s.ow / 2, floats = oh * ow * s.k, count = 3;
    if (floats == 0 || !each.form.is_square()) continue;
    const Stack x(x_floats(s), count, 1);
    const Floats w = random_floats(w_floats(s), 2, -1, 1), b = random_floats(s.k, 3, -1, 1);
    const Conv2DForward dense = conv.choose_forward(s, by_tile(each.form.m));
    for (const Activation& f : {Activation{}, Activation{ActivationKind::kRelu}}) {
      const Conv2DForward chosen = conv.choose_forward(s, by_tile(each.form.m, f, pool));
      Guarded packed = packed_kernel(chosen, w);
      Guarded y(floats * count), cut(floats * count), before(y_floats(s));
      Bytes argmax(floats * count, 9), cut_argmax = argmax;
      Scratch scratch(chosen.scratch_floats);
      const auto run_pieces = [&](Guarded& to, Bytes& places, int64_t begin, int64_t end) {
        const Images images{to.data(), floats, x.values.data(), x.stride, count, places.data(), floats};
        chosen.run(images, packed.data(), b.data(), scratch.data(), chosen, begin, end);
      };
      run_pieces(y, argmax, 0, chosen.pieces);
      for (int64_t i = chosen.pieces; i-- > 0;) run_pieces(cut, cut_argmax, i, i + 1);
      CHECK(same_bits(y.values(), cut.values()) && argmax == cut_argmax);
      CHECK(y.intact() && cut.intact() && scratch.intact());
      for (int64_t n = 0; n < count; ++n) {
        // The same sums as without the pool, so the maxima are theirs to the bit.
        run(dense, {before.data(), 0, x.image(n).data(), 0, 1}, w, b.data());
        for (int64_t i = 0; i < floats; ++i) {
          const int64_t k = i % s.k, column = i / s.k % ow, row = i / s.k / ow;
          const auto at = [&](int64_t a) { return before[((2 * row + a / 2) * s.ow + 2 * column + a % 2) * s.k + k]; };
          int64_t first = 0;
          for (int64_t a = 1; a < 4; ++a)
            if (at(a) > at(first)) first = a;
          CHECK_EQUAL(y[n * floats + i], activate(f, at(first)), text_of(s));
          const bool closed = f.kind == ActivationKind::kRelu && at(first) <= 0.0f;
          CHECK_EQUAL(int{argmax[n * floats + i]}, closed ? kClosed : first, text_of(s));
        }
      }
    }
  }
}

// Of equal outputs the first one is the maximum.
TEST(winograd_forward_pool_of_ties) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const auto& each : all_cases()) {
    const auto& s = each.s;
    const int64_t floats = s.oh / 2 * (s.ow / 2) * s.k;
    if (floats == 0 || s.pad_value != 0.0f) continue;
    const Floats x(x_floats(s)), w = random_floats(w_floats(s), 1, -1, 1), b = random_floats(s.k, 2, -1, 1);
    Guarded y(floats);
    Bytes argmax(floats, 9);
    run(conv.choose_forward(s, by_tile(each.form.m, {}, {2, 2})), {y.data(), 0, x.data(), 0, 1, argmax.data()}, w,
        b.data());
    for (int64_t i = 0; i < floats; ++i) CHECK(argmax[i] == 0 && y[i] == b[i % s.k]);
  }
}

TEST(winograd_backward_input) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const auto& each : all_cases()) {
    const auto& form = each.form;
    const auto& s = each.s;
    if (s.c == 1 || s.top >= s.kh || s.left >= s.kw) continue;  // not in this form
    const double gain = form.gain();
    const int64_t count = 4, stride = x_floats(s) + 1;
    const Stack dy(y_floats(s), count, 1);
    const Floats w = random_floats(w_floats(s), 2, -1, 1);
    Guarded dx(stride * count);
    run(conv.choose_backward_input(s, by_tile(form.m)), {dx.data(), stride, dy.values.data(), dy.stride, count}, w);
    CHECK(dx.intact());
    for (int64_t i = 0; i < count; ++i) {
      check_sums(dx.data() + i * stride, shared(exact_backward_input(s, dy.image(i), w)), text_of(s), gain);
      CHECK_EQUAL(dx[(i + 1) * stride - 1], -7.0, text_of(s));
    }
  }
}

TEST(winograd_backward_weight) {
  const Conv2DKernels& conv = kernels.conv2d;
  for (const auto& [form, s] : all_cases()) {
    if (s.c == 1) continue;
    for (const int64_t count : {1, 5}) {
      const Stack x(x_floats(s), count, 1), dy(y_floats(s), count, 2);
      const Floats start = random_floats(w_floats(s), 3, -1, 1);
      Sums want = exact_backward_weight(s, x.image(0), dy.image(0));
      for (int64_t n = 1; n < count; ++n) {
        const Sums more = exact_backward_weight(s, x.image(n), dy.image(n));
        for (int64_t i = 0; i < w_floats(s); ++i) want.value[i] += more.value[i], want.squares[i] += more.squares[i];
      }
      want.terms *= static_cast<double>(count);
      Guarded dw(w_floats(s)), added(start);
      const ImagePairs images{x.values.data(), x.stride, dy.values.data(), dy.stride, count};
      const Conv2DBackwardWeight chosen = conv.choose_backward_weight(s, by_tile(form.m));
      run(chosen, dw.data(), nullptr, images, false);
      run(chosen, added.data(), nullptr, images, true);
      CHECK(dw.intact() && added.intact());
      want = shared(want);
      check_sums(dw.data(), want, text_of(s), form.weight_gain(s));
      for (int64_t i = 0; i < w_floats(s); ++i)
        CHECK_NEAR(added[i], start[i] + dw[i], kEps * (std::abs(start[i]) + std::abs(dw[i])), text_of(s));
    }
  }
}

// Where choose turns it on, the result is the direct one's, within the rounding of both.
TEST(winograd_and_direct_agree) {
  const Conv2DKernels& conv = kernels.conv2d;
  const Conv2D s = make_conv2d(13, 13, 64, 64, {3, 3}, {1, 1, 1, 1});
  const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
  Floats y[2] = {Floats(y_floats(s)), Floats(y_floats(s))}, dx[2] = {Floats(x_floats(s)), Floats(x_floats(s))};
  const Sums want_y = shared(exact_forward(s, x.data(), w.data(), nullptr));
  const Sums want_dx = shared(exact_backward_input(s, x, w));
  const Conv2DOptions by_cost{{}, {}, 8, kByCost};
  const int tile = conv.choose_forward(s, by_cost).tile, back = conv.choose_backward_input(s, by_cost).tile;
  CHECK(tile && back && conv.choose_backward_weight(s, by_cost).tile);
  for (const bool winograd : {false, true}) {
    const Conv2DOptions options = winograd ? by_cost : by_tile(0);
    run(conv.choose_forward(s, options), {y[winograd].data(), 0, x.data(), 0, 1}, w, nullptr);
    run(conv.choose_backward_input(s, options), {dx[winograd].data(), 0, x.data(), 0, 1}, w);
  }
  for (int64_t i = 0; i < y_floats(s); ++i)
    CHECK_NEAR(y[0][i], y[1][i], (1.0 + Form{tile, 3}.gain()) * want_y.tolerance(i), "forward");
  for (int64_t i = 0; i < x_floats(s); ++i)
    CHECK_NEAR(dx[0][i], dx[1][i], (1.0 + Form{back, 3}.gain()) * want_dx.tolerance(i), "backward");
}

// The points are chosen for it: with 0, +-1, +-2 F(4x4, 3x3) would be off by twice as much.
TEST(winograd_accuracy) {
  const Conv2DKernels& conv = kernels.conv2d;
  const auto limit = [](const Form& form) {
    if (!form.is_square()) return form.r == 3 ? 5e-6 : form.m == 4 ? 3e-5 : 5e-5;
    switch (10 * form.m + form.r) {
      case 23: return 2e-6;
      case 43: return 1.2e-5;
      default: return 5e-5;
    }
  };
  for (const Form& form : forms()) {
    const Conv2D s = make_conv2d(14, 14, 64, 64, {form.kh(), form.kw()}, form.same());
    const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Sums want = exact_forward(s, x.data(), w.data(), nullptr);
    Floats y(y_floats(s));
    run(conv.choose_forward(s, by_tile(form.m)), {y.data(), 0, x.data(), 0, 1}, w, nullptr);
    double worst = 0.0;
    for (int64_t i = 0; i < y_floats(s); ++i) worst = std::max(worst, std::abs(y[i] - want.value[i]));
    CHECK_NEAR(worst / deviation(want.value), 0.0, limit(form), "largest error over the outputs' deviation, tiles ",
               form.m, ", taps ", form.r);
  }
}

// A NaN reaches every output that uses it, and no further than its tile.
TEST(winograd_of_nan) {
  const Conv2DKernels& conv = kernels.conv2d;
  std::vector<Case> cases;
  for (const Form& form : forms())
    for (const int64_t c : {16, 1}) {
      if (c == 1 && !(form == Form{2, 3})) continue;
      cases.push_back({form, make_conv2d(12, 12, c, 17, {form.kh(), form.kw()}, form.same())});
    }
  for (const auto& [form, s] : cases) {
    const int64_t rows = form.rows ? form.m : 1, columns = form.columns ? form.m : 1;
    const Floats w = random_floats(w_floats(s), 2, 0.5f, 1);
    for (int64_t pixel = 0; pixel < s.h * s.w; pixel += 5) {
      Floats x = random_floats(x_floats(s), 1, -1, 1);
      x[pixel * s.c + pixel % s.c] = kNan;
      const Sums want = exact_forward(s, x.data(), w.data(), nullptr);
      Guarded y(y_floats(s));
      run(conv.choose_forward(s, by_tile(form.m)), {y.data(), 0, x.data(), 0, 1}, w, nullptr);
      const auto reach = [](int64_t at, int64_t i, int64_t m, int64_t taps) {
        const int64_t first = i / m * m;
        return at >= first - taps / 2 && at < first + m + taps / 2;
      };
      for (int64_t i = 0; i < y_floats(s); ++i) {
        const int64_t row = i / s.k / s.ow, column = i / s.k % s.ow;
        const bool near = reach(pixel / s.w, row, rows, form.kh()) && reach(pixel % s.w, column, columns, form.kw());
        if (std::isnan(want.value[i])) CHECK(std::isnan(y[i]));
        else if (!near) CHECK(std::isfinite(y[i]));
      }
    }
  }
}

}  // namespace pycnn::testing
