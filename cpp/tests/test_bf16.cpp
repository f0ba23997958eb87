// Products of bfloat16 operands, on CPUs that have instructions for them; on others all is float32. Direct sums are
// held to the plain loops on rounded operands, as tightly as float32 is; Winograd's, which rounds after its transforms,
// to what the rounding of its operands adds up to.
#include <cstring>

#include "runtime/dispatch.h"
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

bool has_bfloat16(const KernelTable& kernels) { return std::string(kernels.isa) == "avx512_bf16"; }

float rounded(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  if (std::isnan(x)) return x;
  const uint32_t below = bits & 0xffffu, odd = (bits >> 16) & 1u;
  bits = (bits & 0xffff0000u) + (below > 0x8000u || (below == 0x8000u && odd) ? 0x10000u : 0u);
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

Floats rounded(Floats values) {
  for (float& v : values) v = rounded(v);
  return values;
}

// An operand's rounding error lies evenly within 2^-9 of it, so that of a product of two has a deviation of
// 2^-9 sqrt(2 / 3); the largest of very many sums lies within six.
constexpr double kRounding = 6.0 / 512.0 * 0.8165;
// See test_winograd.cpp: what Winograd's transforms make of errors in its products.
constexpr double kGain = 31.3 / 3.0;

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double v : values) largest = std::max(largest, v);
  return largest;
}

void check_rounded_sums(const float* got, const Sums& want, const std::string& text, double gain = 1.0) {
  const double largest = largest_of(want.squares);
  for (size_t i = 0; i < want.value.size(); ++i) {
    const double squares = gain > 1.0 ? largest : want.squares[i];
    CHECK_NEAR(got[i], want.value[i],
               gain * kRounding * std::sqrt(squares) + 4.0 * kEps * std::sqrt(want.terms * squares), text);
  }
}

// The plain loops on rounded operands; a sum over a single channel is one of floats.
Sums rounded_forward(const Conv2D& s, const Floats& x, const Floats& w, const float* bias) {
  if (s.c == s.groups) return exact_forward(s, x.data(), w.data(), bias);
  Conv2D t = s;
  t.pad_value = rounded(s.pad_value);
  return exact_forward(t, rounded(x).data(), rounded(w).data(), bias);
}

// No depthwise ones: these are float32.
std::vector<Conv2D> direct_shapes() {
  std::vector<Conv2D> shapes;
  for (const int64_t n : {1, 2, 3, 15, 16, 17, 33, 67}) {
    shapes.push_back(make_conv2d(5, 7, n, 5, {3, 3}, {1, 1, 1, 1}));
    shapes.push_back(make_conv2d(4, 5, 3, n, {3, 3}, {0, 2, 1, 0}));
    shapes.push_back(make_conv2d(3, 2, n, n, {1, 1}));
  }
  for (int64_t w = 1; w <= 29; w += 2) shapes.push_back(make_conv2d(2, w, 5, 18, {1, 1}));
  std::mt19937 generator(1);
  const auto below = [&](uint32_t n) { return static_cast<int64_t>(generator() % n); };
  while (shapes.size() < 120) {
    const int64_t inputs = 1 + below(20), outputs = 1 + below(40), groups = below(3) == 0 ? 1 + below(4) : 1;
    Conv2D s = make_conv2d(1 + below(12), 1 + below(12), inputs * groups, outputs * groups,
                           {1 + below(4), 1 + below(4)}, {below(4), below(4), below(4), below(4)},
                           {1 + below(3), 1 + below(3)}, {1 + below(2), 1 + below(3)}, groups, below(2) ? 0.0f : 0.7f);
    if (below(4) == 0) s = without_last(s, below(2), below(2));
    if (s.oh > 0 && s.ow > 0 && (groups == 1 || inputs > 1)) shapes.push_back(s);
  }
  return shapes;
}

constexpr int kWinogradTile = 4;
std::vector<Conv2D> winograd_shapes() {
  std::vector<Conv2D> shapes;
  for (const int64_t n : {16, 17, 31, 33, 67}) {
    shapes.push_back(make_conv2d(5, 9, 16, n, {3, 3}, {1, 1, 1, 1}));
    shapes.push_back(make_conv2d(7, 4, n, n, {3, 3}, {0, 2, 2, 0}));
  }
  shapes.push_back(make_conv2d(13, 13, 64, 64, {3, 3}));
  shapes.push_back(make_conv2d(6, 7, 21, 35, {3, 3}, {1, 2, 2, 1}, {}, {}, 1, 1.5f));
  shapes.push_back(make_conv2d(5, 6, 301, 17, {3, 3}, {1, 1, 1, 1}));  // small groups of tiles
  shapes.push_back(without_last(make_conv2d(11, 9, 16, 19, {3, 3}), 1, 3));
  return shapes;
}

struct Case {
  Conv2D s;
  int tile;
};
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Conv2D& s : winograd_shapes()) cases.push_back({s, kWinogradTile});
  for (const Conv2D& s : direct_shapes()) cases.push_back({s, 0});
  return cases;
}

Floats forward(const Conv2DKernels& conv, const Conv2D& s, const Floats& x, const Floats& w, const float* bias,
               const Activation& f, int tile = 0) {
  const Conv2DForward form = conv.choose_forward(s, by_tile(tile, f));
  Guarded y(y_floats(s)), cut(y_floats(s)), packed = packed_kernel(form, w);
  Scratch scratch(form.scratch_floats);
  const auto run = [&](Guarded& to, int64_t begin, int64_t end) {
    form.run({to.data(), 0, x.data(), 0, 1}, packed.data(), bias, scratch.data(), form, begin, end);
  };
  run(y, 0, form.pieces);
  for (int64_t i = form.pieces; i-- > 0;) run(cut, i, i + 1);
  CHECK(y.intact() && cut.intact() && scratch.intact() && same_bits(y.values(), cut.values()));
  return y.values();
}

Floats backward_input(const Conv2DKernels& conv, const Conv2D& s, const Floats& dy, const Floats& w, int tile = 0) {
  Guarded dx(x_floats(s));
  run(conv.choose_backward_input(s, by_tile(tile)), {dx.data(), 0, dy.data(), 0, 1}, w);
  CHECK(dx.intact());
  return dx.values();
}

// y (rows, columns) of x (rows, depth) and b (depth, columns), panel by panel.
Floats multiply(const GemmKernels& gemm, int lanes, const Floats& x, const Floats& b, const float* bias, int64_t rows,
                int64_t depth, int64_t columns, bool transposed = false) {
  const int64_t panels = (columns + 2 * lanes - 1) / (2 * lanes);
  Guarded packed(gemm.packed_floats(depth, columns), kNan), y(rows * columns), cut(rows * columns);
  Floats bt(b.size());
  for (int64_t i = 0; i < depth * columns; ++i) bt[i % columns * depth + i / columns] = b[i];
  for (int64_t q = panels; q-- > 0;) {
    if (transposed) gemm.pack_transposed(packed.data(), bt.data(), depth, depth, columns, q, q + 1);
    else gemm.pack(packed.data(), b.data(), columns, depth, columns, q, q + 1);
  }
  const auto run = [&](Guarded& to, int64_t begin, int64_t end) {
    gemm.multiply(to.data(), columns, x.data(), depth, packed.data(), bias, rows, depth, columns, begin, end, -kInf);
  };
  run(y, 0, panels);
  for (int64_t q = panels; q-- > 0;) run(cut, q, q + 1);
  CHECK(packed.intact() && y.intact() && cut.intact() && same_bits(y.values(), cut.values()));
  return y.values();
}

}  // namespace

// A product with one shows what its operand was rounded to: ties, every exponent, infinities, NaN.
TEST(bf16_rounding) {
  if (!has_bfloat16(kernels)) return;
  Floats x;
  for (uint32_t upper = 0x0080; upper <= 0x7f80; ++upper)  // without denormal numbers, which may count as zero
    for (const uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      for (const uint32_t sign : {0u, 0x80000000u}) {
        const uint32_t bits = sign | upper << 16 | lower;
        float value;
        std::memcpy(&value, &bits, sizeof(value));
        x.push_back(value);
      }
  const int64_t n = static_cast<int64_t>(x.size());
  const Floats as_left = multiply(kernels.bf16.gemm, kernels.lanes, x, {1.0f}, nullptr, n, 1, 1);
  const Floats as_right = multiply(kernels.bf16.gemm, kernels.lanes, {1.0f}, x, nullptr, 1, 1, n);
  for (int64_t i = 0; i < n; ++i) {
    CHECK_EQUAL(as_left[i], rounded(x[i]), x[i]);
    CHECK_EQUAL(as_right[i], rounded(x[i]), x[i]);
  }
}

TEST(bf16_multiply) {
  if (!has_bfloat16(kernels)) return;
  struct Product {
    int64_t rows, depth, columns;
  };
  std::vector<Product> products;
  for (int64_t rows = 1; rows <= 30; ++rows) products.push_back({rows, 7, 40});
  for (int64_t columns = 1; columns <= 67; ++columns) products.push_back({5, 10, columns});
  for (const int64_t depth : {0, 1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 513, 1100})
    products.push_back({17, depth, 37});
  products.push_back({0, 5, 5});
  for (const auto& [rows, depth, columns] : products) {
    const Floats x = random_floats(rows * depth, 1, -1, 1), b = random_floats(depth * columns, 2, -1, 1);
    const Floats bias = random_floats(columns, 3, -1, 1), rx = rounded(x), rb = rounded(b);
    const Floats y = multiply(kernels.bf16.gemm, kernels.lanes, x, b, bias.data(), rows, depth, columns);
    CHECK(same_bits(y, multiply(kernels.bf16.gemm, kernels.lanes, x, b, bias.data(), rows, depth, columns, true)));
    Sums want(rows * columns, depth + 1), exact = want;
    for (int64_t i = 0; i < rows * columns; ++i) {
      want.add(i, bias[i % columns]);
      exact.add(i, bias[i % columns]);
      for (int64_t k = 0; k < depth; ++k) {
        const int64_t at = i / columns * depth + k, to = k * columns + i % columns;
        want.add(i, static_cast<double>(rx[at]) * rb[to]);
        exact.add(i, static_cast<double>(x[at]) * b[to]);
      }
    }
    const std::string text = std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(columns);
    check_sums(y.data(), want, text);
    check_rounded_sums(y.data(), exact, text);
  }
}

// Rows beyond those that are paired at once, odd ones, and inputs beyond a block.
TEST(bf16_outer) {
  if (!has_bfloat16(kernels)) return;
  for (const int64_t rows : {1, 2, 7, 64, 129, 300})
    for (const auto& size : {std::pair<int64_t, int64_t>{1, 1}, {17, 33}, {70, 10}, {130, 64}}) {
      const int64_t inputs = size.first, outputs = size.second;
      const int64_t x_stride = inputs + 3, dy_stride = outputs + 3;
      const Floats x = random_floats(rows * x_stride, 1, -1, 1), dy = random_floats(rows * dy_stride, 2, -1, 1);
      const Floats start = random_floats(inputs * outputs, 3, -1, 1);
      for (const bool accumulate : {false, true}) {
        Guarded dw(accumulate ? start : Floats(inputs * outputs, kNan)), cut(dw.values());
        const auto run = [&](Guarded& to, int64_t begin, int64_t end) {
          kernels.bf16.gemm.outer(to.data(), x.data(), x_stride, dy.data(), dy_stride, rows, outputs, begin, end,
                                  accumulate);
        };
        run(dw, 0, inputs);
        run(cut, inputs / 3, inputs);
        run(cut, 0, inputs / 3);
        CHECK(dw.intact() && cut.intact());
        for (int64_t i = 0; i < inputs * outputs; ++i) {
          double sum = accumulate ? start[i] : 0.0, squares = sum * sum;
          for (int64_t r = 0; r < rows; ++r) {
            const double a = rounded(x[r * x_stride + i / outputs]), b = rounded(dy[r * dy_stride + i % outputs]);
            sum += a * b;
            squares += a * a * b * b;
          }
          CHECK_NEAR(dw[i], sum, 4.0 * kEps * std::sqrt((rows + 1) * squares), inputs, "x", outputs, " of ", rows);
          CHECK_EQUAL(cut[i], dw[i], inputs, "x", outputs, " of ", rows);
        }
      }
    }
}

TEST(bf16_direct) {
  if (!has_bfloat16(kernels)) return;
  for (const Conv2D& s : direct_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Floats b = random_floats(s.k, 3, -1, 1), dy = random_floats(y_floats(s), 4, -1, 1);
    const Sums want = rounded_forward(s, x, w, b.data());
    for (const Activation& f : epilogues()) {
      const Floats y = forward(kernels.bf16.conv2d, s, x, w, b.data(), f);
      for (int64_t i = 0; i < y_floats(s); ++i)
        CHECK_NEAR(y[i], activate(f, want.value[i]), want.tolerance(i) + kActivationError, text_of(s));
    }
    check_rounded_sums(forward(kernels.bf16.conv2d, s, x, w, b.data(), {}).data(),
                       exact_forward(s, x.data(), w.data(), b.data()), text_of(s));
    const Floats dx = backward_input(kernels.bf16.conv2d, s, dy, w);
    check_sums(dx.data(), exact_backward_input(s, rounded(dy), rounded(w)), text_of(s));
  }
}

TEST(bf16_backward_weight) {
  if (!has_bfloat16(kernels)) return;
  for (const Conv2D& s : direct_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), dy = random_floats(y_floats(s), 2, -1, 1);
    const Floats start = random_floats(w_floats(s), 3, -1, 1);
    for (const bool accumulate : {false, true}) {
      Guarded dw(accumulate ? start : Floats(w_floats(s), kNan));
      run(kernels.bf16.conv2d.choose_backward_weight(s, by_tile(0)), dw.data(), nullptr, {x.data(), 0, dy.data(), 0, 1},
          accumulate);
      CHECK(dw.intact());
      Conv2D t = s;
      t.pad_value = rounded(s.pad_value);
      check_sums(dw.values().data(), exact_backward_weight(t, rounded(x), rounded(dy), accumulate ? start : Floats()),
                 text_of(s));
    }
  }
}

TEST(bf16_backward_weight_by_winograd_multiplies_floats) {
  if (!has_bfloat16(kernels)) return;
  for (const Conv2D& s : winograd_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), dy = random_floats(y_floats(s), 2, -1, 1);
    const auto gradient = [&](const Conv2DKernels& conv) {
      Guarded dw(w_floats(s));
      run(conv.choose_backward_weight(s, by_tile(kWinogradTile)), dw.data(), nullptr, {x.data(), 0, dy.data(), 0, 1},
          false);
      CHECK(dw.intact());
      return dw.values();
    };
    CHECK(gradient(kernels.bf16.conv2d) == gradient(kernels.conv2d));
  }
}

TEST(bf16_winograd) {
  if (!has_bfloat16(kernels)) return;
  for (const Conv2D& s : winograd_shapes()) {
    const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Floats b = random_floats(s.k, 3, -1, 1), dy = random_floats(y_floats(s), 4, -1, 1);
    const Floats y = forward(kernels.bf16.conv2d, s, x, w, b.data(), {}, kWinogradTile);
    check_rounded_sums(y.data(), exact_forward(s, x.data(), w.data(), b.data()), text_of(s), kGain);
    if (s.top > 2 || s.left > 2) continue;
    const Floats dx = backward_input(kernels.bf16.conv2d, s, dy, w, kWinogradTile);
    check_rounded_sums(dx.data(), exact_backward_input(s, dy, w), text_of(s), kGain);
  }
}

TEST(bf16_forward_pool) {
  if (!has_bfloat16(kernels)) return;
  const Conv2DKernels& conv = kernels.bf16.conv2d;
  for (const auto& [s, tile] : all_cases()) {
    const int64_t oh = s.oh / 2, ow = s.ow / 2, floats = oh * ow * s.k;
    if (floats == 0) continue;
    const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
    const Floats before = forward(conv, s, x, w, nullptr, {}, tile);
    Guarded y(floats);
    Bytes argmax(floats, 9);
    run(conv.choose_forward(s, by_tile(tile, {ActivationKind::kRelu}, {2, 2})),
        {y.data(), 0, x.data(), 0, 1, argmax.data()}, w, nullptr);
    CHECK(y.intact());
    for (int64_t i = 0; i < floats; ++i) {
      const int64_t k = i % s.k, column = i / s.k % ow, row = i / s.k / ow;
      const auto at = [&, &s = s](int64_t a) {
        return before[((2 * row + a / 2) * s.ow + 2 * column + a % 2) * s.k + k];
      };
      int64_t first = 0;
      for (int64_t a = 1; a < 4; ++a)
        if (at(a) > at(first)) first = a;
      CHECK_EQUAL(y[i], std::max(at(first), 0.0f), text_of(s));
      CHECK_EQUAL(int{argmax[i]}, at(first) <= 0.0f ? kClosed : first, text_of(s));
    }
  }
}

// Channels are multiplied in pairs: one without a partner must not get a neighbouring pixel's.
TEST(bf16_nan_stays_where_it_is) {
  if (!has_bfloat16(kernels)) return;
  for (const Conv2D& s :
       {make_conv2d(4, 5, 3, 7, {2, 2}, {1, 0, 0, 1}), make_conv2d(4, 6, 1, 7, {3, 3}, {1, 1, 1, 1})}) {
    const Floats w = random_floats(w_floats(s), 2, 0.5f, 1);
    for (int64_t at = 0; at < x_floats(s); ++at) {
      Floats x = random_floats(x_floats(s), 1, -1, 1);
      x[at] = at % 2 ? kNan : kInf;
      const Sums want = exact_forward(s, x.data(), w.data(), nullptr);
      const Floats y = forward(kernels.bf16.conv2d, s, x, w, nullptr, {});
      for (int64_t i = 0; i < y_floats(s); ++i) CHECK(std::isfinite(y[i]) == std::isfinite(want.value[i]));
    }
  }
}

TEST(bf16_elsewhere_is_float32) {
  for (const std::string& isa : available_isas()) {
    const KernelTable& table = kernel_table(isa);
    const bool same = table.bf16.conv2d.choose_forward == table.conv2d.choose_forward &&
                      table.bf16.conv2d.choose_backward_input == table.conv2d.choose_backward_input &&
                      table.bf16.conv2d.choose_backward_weight == table.conv2d.choose_backward_weight &&
                      table.bf16.gemm.multiply == table.gemm.multiply && table.bf16.gemm.outer == table.gemm.outer;
    CHECK_EQUAL(same, isa != "avx512_bf16", isa);
    if (isa != "avx512_bf16") continue;  // what it has of its own is bfloat16 alone
    CHECK(table.conv2d.choose_forward == kernel_table("avx512").conv2d.choose_forward &&
          table.gemm.multiply == kernel_table("avx512").gemm.multiply &&
          table.activation.forward == kernel_table("avx512").activation.forward);
  }
}

// Kernels of one row or column have Winograd's form in float32 alone, with fewer products than bfloat16 has savings.
TEST(bf16_takes_float32_where_that_is_cheaper) {
  if (!has_bfloat16(kernels)) return;
  const Conv2DKernels &bf16 = kernels.bf16.conv2d, &floats = kernels.conv2d;
  const Conv2D line = make_conv2d(17, 17, 160, 160, {1, 7}, {0, 3, 0, 3});
  CHECK(bf16.choose_forward(line, {}).run == floats.choose_forward(line, {}).run);
  CHECK(bf16.choose_backward_input(line, {}).run == floats.choose_backward_input(line, {}).run);
  const Conv2D plane = make_conv2d(28, 28, 1, 64, {3, 3}), square = make_conv2d(28, 28, 128, 128, {3, 3});
  CHECK(bf16.choose_forward(plane, {}).run == floats.choose_forward(plane, {}).run);
  CHECK(bf16.choose_forward(square, {}).run != floats.choose_forward(square, {}).run);
  CHECK(bf16.choose_forward(line, by_tile(0)).run != floats.choose_forward(line, by_tile(0)).run);
}

}  // namespace pycnn::testing
