#include "tests/check.h"

namespace pycnn::testing {

TEST(transpose_of_every_size) {
  for (const int64_t rows : kSizes) {
    for (const int64_t columns : kSizes) {
      for (const int64_t gap : {0, 3}) {
        const int64_t x_stride = columns + gap, y_stride = rows + 2 * gap;
        const Floats x = random_floats(rows * x_stride, 1);
        Guarded y(columns * y_stride);
        kernels.elementwise.transpose(y.data(), y_stride, x.data(), x_stride, rows, columns);
        CHECK(y.intact());
        for (int64_t j = 0; j < columns; ++j) {
          for (int64_t i = 0; i < y_stride; ++i) {
            CHECK_EQUAL(y[j * y_stride + i], i < rows ? x[i * x_stride + j] : -7.0f, rows, " ", columns);
          }
        }
      }
    }
  }
}

}  // namespace pycnn::testing
