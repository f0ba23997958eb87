#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {

TEST(elementwise_sums_and_products) {
  const ElementwiseKernels& k = kernels.elementwise;
  for (const int64_t n : kSizes) {
    const Floats a = random_floats(n, 1), b = random_floats(n, 2);
    Guarded sum(n), product(n), line(n), constant(n), in_place(a), in_place_b(b);
    k.add(sum.data(), a.data(), b.data(), n);
    k.multiply(product.data(), a.data(), b.data(), n);
    k.scale_shift(line.data(), a.data(), 1.5f, -2.0f, n);
    k.fill(constant.data(), 4.0f, n);
    k.add(in_place.data(), in_place.data(), b.data(), n);
    k.multiply(in_place_b.data(), a.data(), in_place_b.data(), n);
    for (const Guarded* y : {&sum, &product, &line, &constant, &in_place, &in_place_b}) CHECK(y->intact());
    for (int64_t i = 0; i < n; ++i) {
      CHECK_EQUAL(sum[i], a[i] + b[i], n);
      CHECK_EQUAL(product[i], a[i] * b[i], n);
      CHECK_NEAR(line[i], a[i] * 1.5 - 2.0, 8.0 * kEps, n);
      CHECK_EQUAL(constant[i], 4.0, n);
      CHECK_EQUAL(in_place[i], sum[i], n);
      CHECK_EQUAL(in_place_b[i], product[i], n);
    }
  }
}

TEST(elementwise_convert) {
  for (const int64_t n : kSizes) {
    const Floats x = random_floats(n, 1, 0.0f, 255.0f);
    std::vector<double> doubles(n);
    std::vector<uint8_t> bytes(n);
    for (int64_t i = 0; i < n; ++i) doubles[i] = x[i] / 3.0, bytes[i] = static_cast<uint8_t>(x[i]);
    Guarded from_float(n), from_double(n), from_byte(n);
    kernels.elementwise.convert(from_float.data(), x.data(), SourceType::kFloat32, n);
    kernels.elementwise.convert(from_double.data(), doubles.data(), SourceType::kFloat64, n);
    kernels.elementwise.convert(from_byte.data(), bytes.data(), SourceType::kUint8, n);
    CHECK(from_float.intact() && from_double.intact() && from_byte.intact());
    for (int64_t i = 0; i < n; ++i) {
      CHECK_EQUAL(from_float[i], x[i], n);
      CHECK_EQUAL(from_double[i], static_cast<float>(doubles[i]), n);
      CHECK_EQUAL(from_byte[i], bytes[i], n);
    }
  }
}

TEST(elementwise_copy_rows) {
  for (const int64_t width : kSizes) {
    for (const int64_t gap : {0, 3}) {
      const int64_t rows = 4, y_stride = width + gap, x_stride = width + 2 * gap;
      const Floats x = random_floats(rows * x_stride, 1);
      Guarded y(rows * y_stride);
      kernels.elementwise.copy_rows(y.data(), y_stride, x.data(), x_stride, rows, width);
      CHECK(y.intact());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < y_stride; ++i) {
          CHECK_EQUAL(y[r * y_stride + i], i < width ? x[r * x_stride + i] : -7.0f, width);
        }
      }
    }
  }
}

TEST(elementwise_sum_rows) {
  for (const int64_t c : {1, 3, 15, 16, 17, 64, 67, 130}) {
    for (const int64_t rows : {0, 1, 5, 64, 65, 1000}) {
      const int64_t stride = c + 2;
      const Floats x = random_floats(rows * stride, 1);
      Guarded sum(c, 10.0f), added(c, 10.0f);
      kernels.elementwise.sum_rows(sum.data(), x.data(), rows, c, stride, false);
      kernels.elementwise.sum_rows(added.data(), x.data(), rows, c, stride, true);
      CHECK(sum.intact() && added.intact());
      for (int64_t j = 0; j < c; ++j) {
        double want = 0.0;
        for (int64_t r = 0; r < rows; ++r) want += x[r * stride + j];
        const double tolerance = 4.0 * kEps * (std::sqrt(rows) * 8.0 + std::abs(want) + 10.0);
        CHECK_NEAR(sum[j], want, tolerance, rows, " ", c);
        CHECK_NEAR(added[j], want + 10.0, tolerance, rows, " ", c);
      }
    }
  }
}

TEST(elementwise_sum_slots_keeps_its_order) {
  for (const int64_t n : {1, 3, 16, 17, 127, 128, 129, 300}) {
    for (const int64_t count : {1, 2, 7}) {
      const int64_t stride = n + 5;
      const Floats slots = random_floats(count * stride, 1);
      Guarded y(n);
      kernels.elementwise.sum_slots(y.data(), slots.data(), stride, count, n);
      CHECK(y.intact());
      for (int64_t i = 0; i < n; ++i) {
        float want = slots[i];
        for (int64_t s = 1; s < count; ++s) want += slots[s * stride + i];
        CHECK_EQUAL(y[i], want, n, " ", count);
      }
    }
  }
}

TEST(elementwise_maxout) {
  const int64_t rows = 3;
  for (const int64_t units : {1, 2, 7, 16, 21}) {
    for (const int64_t pieces : {1, 2, 3, 5}) {
      const int64_t n = rows * units;
      Floats x = random_floats(n * pieces, 1, -2.0f, 2.0f);
      for (float& v : x) v = std::round(v);  // ties
      x[x.size() / 2] = kNan;
      const Floats dy = random_floats(n, 2);
      Guarded y(n), dx(n * pieces);
      kernels.elementwise.maxout_forward(y.data(), x.data(), rows, units, pieces);
      kernels.elementwise.maxout_backward(dx.data(), x.data(), dy.data(), rows, units, pieces);
      CHECK(y.intact() && dx.intact());
      for (int64_t j = 0; j < n; ++j) {
        const float* group = x.data() + j * pieces;
        int64_t best = 0;
        for (int64_t i = 1; i < pieces; ++i) {
          if (!std::isnan(group[best]) && (group[i] > group[best] || std::isnan(group[i]))) best = i;
        }
        CHECK_EQUAL(y[j], group[best], units, " ", pieces);
        for (int64_t i = 0; i < pieces; ++i) {
          CHECK_EQUAL(dx[j * pieces + i], i == best ? dy[j] : 0.0f, units, " ", pieces);
        }
      }
    }
  }
}

}  // namespace pycnn::testing
