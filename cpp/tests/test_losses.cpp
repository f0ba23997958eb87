// Losses against double loops; gradients against central differences of those.
#include <algorithm>
#include <functional>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::vector<double> Doubles;
typedef std::function<double(const Doubles& x, const Doubles& t)> RowLoss;

const std::vector<int64_t> kColumns = {1, 2, 3, 10, 16, 17, 33, 100};
constexpr int64_t kRows = 4;
constexpr float kScale = 0.25f;
const Floats kWeight = {1.0f, 0.5f, 0.0f, 2.0f};

double clip(double p) { return std::min(std::max(p, 1e-7), 1.0 - 1e-7); }

double logits_loss(const Doubles& x, const Doubles& t) {
  double sum = 0.0, loss = 0.0;
  for (const double v : x) sum += std::exp(v);
  for (size_t i = 0; i < x.size(); ++i) loss -= t[i] * (x[i] - std::log(sum));
  return loss;
}

double probabilities_loss(const Doubles& x, const Doubles& t) {
  double sum = 0.0, loss = 0.0;
  for (const double v : x) sum += v;
  for (size_t i = 0; i < x.size(); ++i) loss -= t[i] * std::log(clip(x[i] / sum));
  return loss;
}

RowLoss mean_of(double (*loss)(double x, double t)) {
  return [loss](const Doubles& x, const Doubles& t) {
    double sum = 0.0;
    for (size_t i = 0; i < x.size(); ++i) sum += loss(x[i], t[i]);
    return sum / static_cast<double>(x.size());
  };
}

double binary_logits(double x, double t) { return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x))); }
double binary_probabilities(double x, double t) { return -t * std::log(clip(x)) - (1.0 - t) * std::log(1.0 - clip(x)); }
double squared_error(double x, double t) { return (x - t) * (x - t); }

void check_loss(void (*kernel)(const LossArguments&), const RowLoss& exact, float low, float high, bool sparse) {
  for (const int64_t columns : kColumns) {
    const int64_t n = kRows * columns;
    const Floats x = random_floats(n, 1, low, high);
    Floats t = random_floats(n, 2, 0.0f, 1.0f);
    std::vector<int32_t> labels(kRows);
    if (sparse) {
      std::fill(t.begin(), t.end(), 0.0f);
      for (int64_t r = 0; r < kRows; ++r) {
        labels[r] = static_cast<int32_t>((7 * r + 2) % columns);
        t[r * columns + labels[r]] = 1.0f;
      }
    }
    Guarded loss(kRows), dx(n), only_loss(kRows), in_place(x);
    LossArguments a{
        loss.data(), dx.data(), x.data(), sparse ? labels.data() : nullptr, sparse ? nullptr : t.data(), kWeight.data(),
        kScale,      kRows,     columns};
    kernel(a);
    a.dx = nullptr;
    a.loss = only_loss.data();
    kernel(a);
    a.dx = in_place.data();
    a.x = in_place.data();
    kernel(a);
    CHECK(loss.intact() && dx.intact() && only_loss.intact() && in_place.intact());

    const double h = 1e-6;
    for (int64_t r = 0; r < kRows; ++r) {
      Doubles row(x.begin() + r * columns, x.begin() + (r + 1) * columns);
      const Doubles target(t.begin() + r * columns, t.begin() + (r + 1) * columns);
      const double want = exact(row, target);
      CHECK_NEAR(loss[r], want, 8.0 * kEps * (std::sqrt(columns) + std::abs(want)), columns);
      CHECK_EQUAL(only_loss[r], loss[r], columns);
      for (int64_t c = 0; c < columns; ++c) {
        const double middle = row[c];
        row[c] = middle + h;
        const double above = exact(row, target);
        row[c] = middle - h;
        const double below = exact(row, target);
        row[c] = middle;
        const double slope = (above - below) / (2.0 * h) * kWeight[r] * kScale;
        const double tolerance = 1e-8 + 16.0 * kEps * (std::sqrt(columns) + std::abs(slope));
        CHECK_NEAR(dx[r * columns + c], slope, tolerance, columns);
        CHECK_EQUAL(in_place[r * columns + c], dx[r * columns + c], columns);
      }
    }
  }
}

float loss_at(void (*kernel)(const LossArguments&), float x, float t, float* dx) {
  float loss;
  kernel(LossArguments{&loss, dx, &x, nullptr, &t, nullptr, 1.0f, 1, 1});
  return loss;
}

}  // namespace

TEST(losses_and_their_gradients) {
  const SoftmaxKernels& k = kernels.softmax;
  check_loss(k.cross_entropy_logits, logits_loss, -5.0f, 5.0f, true);
  check_loss(k.cross_entropy_logits, logits_loss, -5.0f, 5.0f, false);
  check_loss(k.cross_entropy_probabilities, probabilities_loss, 0.1f, 0.9f, true);
  check_loss(k.cross_entropy_probabilities, probabilities_loss, 0.1f, 0.9f, false);
  check_loss(k.binary_cross_entropy_logits, mean_of(binary_logits), -5.0f, 5.0f, false);
  check_loss(k.binary_cross_entropy_probabilities, mean_of(binary_probabilities), 0.1f, 0.9f, false);
  check_loss(k.mean_squared_error, mean_of(squared_error), -5.0f, 5.0f, false);
}

TEST(losses_are_finite_where_they_should_be) {
  const SoftmaxKernels& k = kernels.softmax;
  float dx;
  CHECK_NEAR(loss_at(k.binary_cross_entropy_logits, 1000.0f, 0.0f, &dx), 1000.0, 1e-4, "far from the target");
  CHECK_NEAR(dx, 1.0, kEps, "far from the target");
  CHECK_NEAR(loss_at(k.binary_cross_entropy_logits, -1000.0f, 0.0f, &dx), 0.0, 1e-30, "on the target");
  for (const float x : {0.0f, 1.0f}) {
    CHECK_NEAR(loss_at(k.binary_cross_entropy_probabilities, x, 1.0f - x, &dx), -std::log(1e-7), 0.2, x);
    CHECK_EQUAL(dx, 0.0, "no gradient where clipped");
  }

  const Floats x = {0.0f, 1.0f, 0.0f};
  const int32_t label = 2;
  float loss, gradient[3];
  k.cross_entropy_probabilities({&loss, gradient, x.data(), &label, nullptr, nullptr, 1.0f, 1, 3});
  CHECK_NEAR(loss, -std::log(1e-7), 1e-5, "a probability of 0");
  for (const float g : gradient) CHECK_EQUAL(g, 0.0, "no gradient where clipped");

  const Floats logits = {-2000.0f, 2000.0f, 0.0f};
  k.cross_entropy_logits({&loss, gradient, logits.data(), &label, nullptr, nullptr, 1.0f, 1, 3});
  CHECK_NEAR(loss, 2000.0, 1e-3, "large logits");
  CHECK_NEAR(gradient[1], 1.0, kEps, "large logits");
  CHECK_NEAR(gradient[2], -1.0, kEps, "large logits");
}

}  // namespace pycnn::testing
