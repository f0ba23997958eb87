#include "tests/check.h"

namespace pycnn::testing {
namespace {

// -1: the constant. Written by walking, not by the formula of the kernel.
int64_t source(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::kConstant) return -1;
  if (mode == PadMode::kEdge || n == 1) return i < 0 ? 0 : n - 1;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

std::vector<Pad2D> all_shapes() {
  std::vector<Pad2D> shapes;
  for (const PadMode mode : {PadMode::kConstant, PadMode::kReflect, PadMode::kEdge}) {
    for (const int64_t c : {1, 3, 16, 19, 64}) {
      shapes.push_back({4, 5, c, 1, 2, 3, 0, mode, 1.5f});
      shapes.push_back({3, 2, c, 0, 0, 1, 1, mode, 0.0f});
      shapes.push_back({2, 3, c, 5, 4, 7, 6, mode, -1.0f});
      shapes.push_back({1, 1, c, 2, 1, 0, 3, mode, -1.0f});
    }
  }
  return shapes;
}

// Calls visit(index in y, index of the pixel of x or -1).
template <typename Visit>
void for_pixels(const Pad2D& p, Visit visit) {
  int64_t to = 0;
  for (int64_t i = -p.top; i < p.h + p.bottom; ++i) {
    for (int64_t j = -p.left; j < p.w + p.right; ++j, ++to) {
      const int64_t y = source(i, p.h, p.mode), x = source(j, p.w, p.mode);
      visit(to, y < 0 || x < 0 ? -1 : y * p.w + x);
    }
  }
}

int64_t padded_pixels(const Pad2D& p) { return (p.top + p.h + p.bottom) * (p.left + p.w + p.right); }

}  // namespace

TEST(pad2d_forward) {
  for (const Pad2D& p : all_shapes()) {
    for (const int64_t stride : {p.c, p.c + 5}) {
      const Floats x = random_floats(p.h * p.w * stride, 1);
      Guarded y(padded_pixels(p) * p.c);
      kernels.pad2d.forward(y.data(), x.data(), stride, p);
      CHECK(y.intact());
      for_pixels(p, [&](int64_t to, int64_t from) {
        for (int64_t c = 0; c < p.c; ++c) {
          CHECK_EQUAL(y[to * p.c + c], from < 0 ? p.value : x[from * stride + c], p.c);
        }
      });
    }
  }
}

TEST(pad2d_backward) {
  for (const Pad2D& p : all_shapes()) {
    const Floats dy = random_floats(padded_pixels(p) * p.c, 2);
    Guarded dx(p.h * p.w * p.c);
    kernels.pad2d.backward(dx.data(), dy.data(), p);
    CHECK(dx.intact());
    std::vector<double> want(p.h * p.w * p.c);
    for_pixels(p, [&](int64_t to, int64_t from) {
      for (int64_t c = 0; c < p.c && from >= 0; ++c) want[from * p.c + c] += dy[to * p.c + c];
    });
    for (size_t i = 0; i < want.size(); ++i) CHECK_NEAR(dx[i], want[i], 100.0 * kEps, p.c);
  }
}

}  // namespace pycnn::testing
