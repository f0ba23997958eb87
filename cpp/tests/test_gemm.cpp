#include "tests/check.h"

namespace pycnn::testing {
namespace {

constexpr int64_t kGap = 3;  // between rows

int64_t panels_of(int64_t columns, int64_t panel) { return (columns + panel - 1) / panel; }

struct Product {
  int64_t rows, depth, columns;
};

// Every height of a tile, every width of a panel, and sums longer than the 512 rows that are taken at once.
std::vector<Product> all_products() {
  std::vector<Product> products;
  for (int64_t rows = 1; rows <= 30; ++rows) products.push_back({rows, 7, 40});
  for (int64_t columns = 1; columns <= 67; ++columns) products.push_back({5, 9, columns});
  for (const int64_t depth : {0, 1, 2, 16, 511, 512, 513, 1024, 1100}) products.push_back({17, depth, 37});
  for (int64_t rows = 1; rows <= 3; ++rows)  // several panels at once
    for (const int64_t columns : {65, 96, 128, 129, 161, 300}) products.push_back({rows, 600, columns});
  products.push_back({0, 5, 5});
  products.push_back({131, 130, 129});
  return products;
}

Guarded packed_matrix(const GemmKernels& gemm, int64_t panel, const Floats& b, int64_t ldb, int64_t depth,
                      int64_t columns) {
  const int64_t panels = panels_of(columns, panel);
  Guarded packed(panels * depth * panel, kNan);
  for (int64_t q = panels; q-- > 0;) gemm.pack(packed.data(), b.data(), ldb, depth, columns, q, q + 1);
  CHECK(packed.intact());
  return packed;
}

}  // namespace

TEST(gemm_pack) {
  const int64_t panel = 2 * kernels.lanes;
  for (const Product& p : all_products()) {
    const int64_t ldb = p.columns + kGap, panels = panels_of(p.columns, panel);
    const Floats b = random_floats(p.depth * ldb, 1);
    const Guarded packed = packed_matrix(kernels.gemm, panel, b, ldb, p.depth, p.columns);
    for (int64_t i = 0; i < panels * p.depth * panel; ++i) {
      const int64_t row = i / panel % p.depth, column = i / panel / p.depth * panel + i % panel;
      CHECK_EQUAL(packed[i], column < p.columns ? b[row * ldb + column] : 0.0, p.depth, "x", p.columns);
    }
  }
}

TEST(gemm_pack_transposed) {
  const int64_t panel = 2 * kernels.lanes;
  for (const Product& p : all_products()) {
    const int64_t ldbt = p.depth + kGap, panels = panels_of(p.columns, panel);
    const Floats bt = random_floats(p.columns * ldbt, 1);
    Guarded packed(kernels.gemm.packed_floats(p.depth, p.columns), kNan);
    for (int64_t q = panels; q-- > 0;)
      kernels.gemm.pack_transposed(packed.data(), bt.data(), ldbt, p.depth, p.columns, q, q + 1);
    CHECK(packed.intact());
    for (int64_t i = 0; i < packed.size(); ++i) {
      const int64_t row = i / panel % p.depth, column = i / panel / p.depth * panel + i % panel;
      CHECK_EQUAL(packed[i], column < p.columns ? bt[column * ldbt + row] : 0.0, p.depth, "x", p.columns);
    }
  }
}

TEST(gemm_multiply) {
  const int64_t panel = 2 * kernels.lanes;
  for (const Product& p : all_products()) {
    const int64_t x_stride = p.depth + kGap, y_stride = p.columns + kGap, panels = panels_of(p.columns, panel);
    const Floats x = random_floats(p.rows * x_stride, 1, -1, 1), b = random_floats(p.depth * p.columns, 2, -1, 1);
    const Floats bias = random_floats(p.columns, 3, -1, 1);
    Guarded packed = packed_matrix(kernels.gemm, panel, b, p.columns, p.depth, p.columns);
    for (const bool has_bias : {false, true}) {
      for (const float lower : {-kInf, 0.0f}) {
        Guarded y(p.rows * y_stride), cut(p.rows * y_stride);
        const auto run = [&](Guarded& to, int64_t begin, int64_t end) {
          kernels.gemm.multiply(to.data(), y_stride, x.data(), x_stride, packed.data(),
                                has_bias ? bias.data() : nullptr, p.rows, p.depth, p.columns, begin, end, lower);
        };
        run(y, 0, panels);
        for (int64_t q = panels; q-- > 0;) run(cut, q, q + 1);
        CHECK(y.intact() && cut.intact());
        const Floats whole = y.values(), pieces = cut.values();
        CHECK(whole == pieces);
        for (int64_t i = 0; i < p.rows * y_stride; ++i) {
          const int64_t row = i / y_stride, column = i % y_stride;
          if (column >= p.columns) {
            CHECK_EQUAL(y[i], -7.0, "between the rows");
            continue;
          }
          double sum = has_bias ? bias[column] : 0.0, squares = sum * sum;
          for (int64_t k = 0; k < p.depth; ++k) {
            const double term = static_cast<double>(x[row * x_stride + k]) * b[k * p.columns + column];
            sum += term;
            squares += term * term;
          }
          const double want = sum < lower ? lower : sum;
          CHECK_NEAR(y[i], want, 4.0 * kEps * std::sqrt((p.depth + 1) * squares), p.rows, "x", p.depth, "x", p.columns);
        }
      }
    }
  }
}

TEST(gemm_multiply_plain) {
  const int64_t panel = 2 * kernels.lanes;
  for (Product p : all_products()) {
    p.columns = panels_of(p.columns, panel) * panel;
    const int64_t x_stride = p.depth + kGap, y_stride = p.columns + kGap, ldb = p.columns + kGap;
    const Floats x = random_floats(p.rows * x_stride, 1, -1, 1), b = random_floats(p.depth * ldb, 2, -1, 1);
    Guarded y(p.rows * y_stride);
    kernels.gemm.multiply_plain(y.data(), y_stride, x.data(), x_stride, b.data(), ldb, p.rows, p.depth, p.columns);
    CHECK(y.intact());
    for (int64_t i = 0; i < p.rows * y_stride; ++i) {
      const int64_t row = i / y_stride, column = i % y_stride;
      if (column >= p.columns) {
        CHECK_EQUAL(y[i], -7.0, "between the rows");
        continue;
      }
      double sum = 0.0, squares = 0.0;
      for (int64_t k = 0; k < p.depth; ++k) {
        const double term = static_cast<double>(x[row * x_stride + k]) * b[k * ldb + column];
        sum += term;
        squares += term * term;
      }
      CHECK_NEAR(y[i], sum, 4.0 * kEps * std::sqrt((p.depth + 1) * squares), p.rows, "x", p.depth, "x", p.columns);
    }
  }
}

TEST(gemm_multiply_one) {
  const int64_t panel = 2 * kernels.lanes;
  for (const int64_t depth : {0, 1, 3, 4, 5, 130})
    for (const int64_t columns : {1, 7, 8, 33, 300, 2048, 2055}) {
      const int64_t ldb = columns + kGap;
      const Floats x = random_floats(depth, 1, -1, 1), b = random_floats(depth * ldb, 2, -1, 1);
      const Floats bias = random_floats(columns, 3, -1, 1);
      Guarded packed = packed_matrix(kernels.gemm, panel, b, ldb, depth, columns);
      for (const float* added : {static_cast<const float*>(nullptr), bias.data()})
        for (const float lower : {-kInf, 0.0f}) {
          Guarded y(columns), want(columns);
          kernels.gemm.multiply_one(y.data(), x.data(), b.data(), ldb, added, depth, columns, lower);
          kernels.gemm.multiply(want.data(), columns, x.data(), depth, packed.data(), added, 1, depth, columns, 0,
                                panels_of(columns, panel), lower);
          CHECK(y.intact() && same_bits(y.values(), want.values()));
        }
    }
}

TEST(gemm_multiply_of_nan) {
  const int64_t panel = 2 * kernels.lanes, rows = 9, depth = 20, columns = 50;
  Floats x = random_floats(rows * depth, 1), b = random_floats(depth * columns, 2);
  x[4 * depth + 7] = kNan;
  b[3 * columns + 41] = kNan;
  Guarded packed = packed_matrix(kernels.gemm, panel, b, columns, depth, columns);
  Floats y(rows * columns);
  kernels.gemm.multiply(y.data(), columns, x.data(), depth, packed.data(), nullptr, rows, depth, columns, 0,
                        panels_of(columns, panel), 0.0f);
  for (int64_t i = 0; i < rows * columns; ++i) CHECK(std::isnan(y[i]) == (i / columns == 4 || i % columns == 41));
}

TEST(gemm_outer) {
  for (const Product& p : all_products()) {
    const int64_t inputs = p.rows, outputs = p.columns, rows = p.depth;  // any sizes will do
    const int64_t x_stride = inputs + kGap, dy_stride = outputs + kGap;
    const Floats x = random_floats(rows * x_stride, 1, -1, 1), dy = random_floats(rows * dy_stride, 2, -1, 1);
    const Floats start = random_floats(inputs * outputs, 3, -1, 1);
    for (const bool accumulate : {false, true}) {
      Guarded dw(accumulate ? start : Floats(inputs * outputs, kNan)), cut(dw.values());
      const auto run = [&](Guarded& to, int64_t begin, int64_t end) {
        kernels.gemm.outer(to.data(), x.data(), x_stride, dy.data(), dy_stride, rows, outputs, begin, end, accumulate);
      };
      run(dw, 0, inputs);
      const int64_t middle = inputs / 3;
      run(cut, middle, inputs);
      run(cut, 0, middle);
      CHECK(dw.intact() && cut.intact());
      for (int64_t i = 0; i < inputs * outputs; ++i) {
        double sum = accumulate ? start[i] : 0.0, squares = sum * sum;
        for (int64_t r = 0; r < rows; ++r) {
          const double term = static_cast<double>(x[r * x_stride + i / outputs]) * dy[r * dy_stride + i % outputs];
          sum += term;
          squares += term * term;
        }
        CHECK_NEAR(dw[i], sum, 4.0 * kEps * std::sqrt((rows + 1) * squares), inputs, "x", outputs, " of ", rows);
        CHECK_EQUAL(cut[i], dw[i], inputs, "x", outputs, " of ", rows);
      }
    }
  }
}

}  // namespace pycnn::testing
