#include <array>
#include <cmath>

#include "runtime/philox.h"
#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::array<double, 6> Matrix;

const FillMode kModes[] = {FillMode::kNearest, FillMode::kConstant, FillMode::kReflect,
                           FillMode::kMirror,  FillMode::kWrap,     FillMode::kWrapEnds};

// Written by walking, not by the formulas of the kernel. -1: the constant.
int64_t pixel(int64_t i, int64_t n, FillMode mode) {
  while (i < 0 || i >= n) {
    if (mode == FillMode::kConstant) return -1;
    if (mode == FillMode::kNearest || mode == FillMode::kWrapEnds || n == 1) return i < 0 ? 0 : n - 1;
    if (mode == FillMode::kReflect) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    if (mode == FillMode::kMirror) i = i < 0 ? -i : 2 * n - 2 - i;
    if (mode == FillMode::kWrap) i += i < 0 ? n : -n;
  }
  return i;
}

// A coordinate of SciPy's "wrap" in [0, n - 1]: from above one never comes to the end, from below never to 0.
double wrapped(double t, int64_t n) {
  while (n > 1 && t < 0) t += static_cast<double>(n - 1);
  const bool beyond = t > static_cast<double>(n - 1);
  while (n > 1 && beyond && t >= static_cast<double>(n - 1)) t -= static_cast<double>(n - 1);
  return t;
}

double value(const Floats& x, const ImagePlan& p, double y_at, double x_at, int64_t channel) {
  if (p.fill == FillMode::kWrapEnds) {
    y_at = wrapped(y_at, p.h);
    x_at = wrapped(x_at, p.w);
  }
  const auto outside = [](double t, int64_t n) { return t < -1e-9 || t > static_cast<double>(n - 1) + 1e-9; };
  if (p.fill == FillMode::kConstant && (outside(y_at, p.h) || outside(x_at, p.w))) return p.cval;
  const FillMode mode = p.fill == FillMode::kConstant ? FillMode::kNearest : p.fill;
  const auto at = [&](int64_t i, int64_t j) {
    return static_cast<double>(x[(pixel(i, p.h, mode) * p.w + pixel(j, p.w, mode)) * p.c + channel]);
  };
  const double i = std::floor(p.order == 0 ? y_at + 0.5 : y_at), j = std::floor(p.order == 0 ? x_at + 0.5 : x_at);
  const auto row = static_cast<int64_t>(i), column = static_cast<int64_t>(j);
  if (p.order == 0) return at(row, column);
  const double fy = y_at - i, fx = x_at - j;
  return (1 - fy) * ((1 - fx) * at(row, column) + fx * at(row, column + 1)) +
         fy * ((1 - fx) * at(row + 1, column) + fx * at(row + 1, column + 1));
}

// Turned by an angle of which no coordinate is a tie; zoomed, shifted.
Matrix turned(double angle, double zoom, double shift) {
  const double c = std::cos(angle) * zoom, s = std::sin(angle) * zoom;
  return {c, s, shift, -s, c, 0.3 * shift + 0.17};
}

ImagePlan plan_of(int64_t h, int64_t w, int64_t c, int64_t oh, int64_t ow) {
  ImagePlan plan{};
  plan.h = h, plan.w = w, plan.c = c, plan.oh = oh, plan.ow = ow;
  plan.type = SourceType::kFloat32;
  plan.order = 1, plan.fill = FillMode::kNearest, plan.cval = 9.5f, plan.scale = 1.0f;
  return plan;
}

Guarded augmented(const KernelTable& kernels, const void* x, const ImagePlan& plan, const ImageDraw& draw) {
  Guarded y(plan.oh * plan.ow * plan.c);
  Guarded scratch(kernels.image.scratch(plan));
  kernels.image.augment(y.data(), scratch.data(), x, plan, draw);
  CHECK(y.intact() && scratch.intact());
  return y;
}

ImageDraw draw_of(const Matrix& m, float channel_shift = 0.0f, float brightness = 1.0f) {
  ImageDraw draw{};
  std::copy(m.begin(), m.end(), draw.matrix);
  draw.channel_shift = channel_shift;
  draw.brightness = brightness;
  return draw;
}

const Matrix kSame = {1, 0, 0, 0, 1, 0};

}  // namespace

TEST(image_affine) {
  const std::vector<Matrix> matrices = {kSame,
                                        {-1, 0, 10, 0, -1, 12},
                                        turned(0.7, 0.9, 2.3),
                                        turned(-2.1, 3.1, -41.7),
                                        turned(1.3, 0.011, 3.7),
                                        turned(0.4, 23.0, 11.3)};
  for (const int64_t c : {1, 2, 3, 4, 19}) {
    for (const auto& [h, w] : std::vector<std::pair<int64_t, int64_t>>{{11, 13}, {1, 1}, {2, 17}, {9, 1}}) {
      const Floats x = random_floats(h * w * c, 3, 0.0f, 255.0f);
      for (const FillMode fill : kModes) {
        for (const Matrix& m : matrices) {
          for (const int32_t order : {0, 1}) {
            ImagePlan plan = plan_of(h, w, c, 7, 19);
            plan.order = order, plan.fill = fill;
            const Guarded y = augmented(kernels, x.data(), plan, draw_of(m));
            for (int64_t k = 0; k < y.size(); ++k) {
              const auto i = static_cast<double>(k / c / plan.ow), j = static_cast<double>(k / c % plan.ow);
              const double want = value(x, plan, m[0] * i + m[1] * j + m[2], m[3] * i + m[4] * j + m[5], k % c);
              CHECK_NEAR(y[k], want, order == 0 ? 0.0 : 1e-3, c, h, w, static_cast<int>(fill));
            }
          }
        }
      }
    }
  }
}

TEST(image_bytes_are_floats) {
  for (const int64_t c : {1, 3, 5}) {
    const ImagePlan plan = plan_of(6, 7, c, 6, 7);
    Bytes bytes(6 * 7 * c);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37);
    const Floats floats(bytes.begin(), bytes.end());
    ImagePlan of_bytes = plan;
    of_bytes.type = SourceType::kUint8;
    const ImageDraw draw = draw_of(turned(0.3, 1.2, 1.0));
    CHECK(same_bits(augmented(kernels, bytes.data(), of_bytes, draw).values(),
                    augmented(kernels, floats.data(), plan, draw).values()));
  }
}

TEST(image_values) {
  for (const int64_t c : {1, 3, 7, 70}) {
    ImagePlan plan = plan_of(5, 6, c, 5, 6);
    const int64_t n = 30 * c;
    const Floats x = random_floats(n, 5, 0.0f, 255.0f);
    double low = x[0], high = x[0];
    for (const float v : x) low = std::min<double>(low, v), high = std::max<double>(high, v);
    const Floats scales = random_floats(c, 1), shifts = random_floats(c, 2);
    for (const bool normalize : {false, true}) {
      plan.scale = 1.0f / 255.0f;
      plan.center = plan.normalize = normalize;
      plan.channel_scale = scales.data(), plan.channel_shift = shifts.data();
      std::vector<double> want(static_cast<size_t>(n));
      double mean = 0, squares = 0;
      for (int64_t i = 0; i < n; ++i) {
        const double shifted = std::min(std::max(x[i] + 20.0, low), high);
        want[i] = std::min(shifted * 1.1, 255.0) / 255.0;
        mean += want[i] / static_cast<double>(n);
      }
      for (const double v : want) squares += (v - mean) * (v - mean) / static_cast<double>(n);
      const Guarded y = augmented(kernels, x.data(), plan, draw_of(kSame, 20.0f, 1.1f));
      for (int64_t i = 0; i < n; ++i) {
        const double v = normalize ? (want[i] - mean) / (std::sqrt(squares) + 1e-6) : want[i];
        CHECK_NEAR(y[i], v * scales[i % c] + shifts[i % c], 64 * kEps, c, normalize);
      }
    }
  }
}

TEST(image_brightness_finds_white) {
  const ImagePlan plan = plan_of(1, 3, 1, 1, 3);
  for (const auto& [x, want] : std::vector<std::pair<Floats, Floats>>{
           {{0.0f, 0.25f, 0.75f}, {0.0f, 0.5f, 1.0f}},
           {{0.0f, 25.0f, 175.0f}, {0.0f, 50.0f, 255.0f}},
           {{-10.0f, 0.0f, 30.0f}, {-10.0f, 10.0f, 30.0f}},
       }) {
    const Guarded y = augmented(kernels, x.data(), plan, draw_of(kSame, 0.0f, 2.0f));
    for (int64_t i = 0; i < 3; ++i) CHECK_NEAR(y[i], want[i], 4 * kEps, i);
  }
}

// Of the authors' known answers (Random123, kat_vectors).
TEST(philox_known_answers) {
  CHECK((philox({0, 0, 0, 0}, {0, 0}) == std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t all = 0xffffffff;
  CHECK((philox({all, all, all, all}, {all, all}) ==
         std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

}  // namespace pycnn::testing
