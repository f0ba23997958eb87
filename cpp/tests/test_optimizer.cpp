#include <functional>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

constexpr float kRate = 0.01f, kEpsilon = 1e-7f;

// A few steps from the same start: states after them by the kernel, and by the formula on doubles.
struct State {
  double w, m, v, a;
};
struct Arrays {
  Guarded w, m, v, a;
  explicit Arrays(int64_t n) : w(random_floats(n, 1)), m(n, 0.0f), v(n, 0.0f), a(n, 0.0f) {}
};

void check_steps(const std::function<void(Arrays&, const Floats& g, int64_t n)>& kernel,
                 const std::function<void(State&, double g)>& formula) {
  constexpr int kSteps = 5;
  for (const int64_t n : kSizes) {
    Arrays arrays(n);
    const Floats w = arrays.w.values();
    std::vector<State> want(n);
    for (int64_t i = 0; i < n; ++i) want[i] = {w[i], 0.0, 0.0, 0.0};
    for (int step = 0; step < kSteps; ++step) {
      const Floats g = random_floats(n, 10 + step);
      kernel(arrays, g, n);
      for (int64_t i = 0; i < n; ++i) formula(want[i], g[i]);
    }
    CHECK(arrays.w.intact() && arrays.m.intact() && arrays.v.intact() && arrays.a.intact());
    for (int64_t i = 0; i < n; ++i) {
      CHECK_NEAR(arrays.w[i], want[i].w, 16.0 * kEps, n);
      CHECK_NEAR(arrays.m[i], want[i].m, 16.0 * kEps, n);
      CHECK_NEAR(arrays.v[i], want[i].v, 16.0 * kEps * want[i].v, n);
      CHECK_NEAR(arrays.a[i], want[i].a, 16.0 * kEps, n);
    }
  }
}

}  // namespace

TEST(optimizer_sgd) {
  for (const float momentum : {0.0f, 0.9f}) {
    for (const bool nesterov : {false, true}) {
      const SgdStep step{kRate, momentum, nesterov};
      check_steps(
          [&](Arrays& s, const Floats& g, int64_t n) {
            kernels.optimizer.sgd(s.w.data(), g.data(), momentum == 0.0f ? nullptr : s.m.data(), n, step);
          },
          [&](State& s, double g) {
            const double m = double(momentum) * s.m - double(kRate) * g;
            s.w += nesterov ? double(momentum) * m - double(kRate) * g : m;
            s.m = momentum == 0.0f ? 0.0 : m;
          });
    }
  }
}

TEST(optimizer_rmsprop) {
  const double rho = 0.9;
  for (const float momentum : {0.0f, 0.5f}) {
    for (const bool centered : {false, true}) {
      const RmspropStep step{kRate, rho, momentum, kEpsilon, centered};
      check_steps(
          [&](Arrays& s, const Floats& g, int64_t n) {
            kernels.optimizer.rmsprop(s.w.data(), g.data(), s.v.data(), centered ? s.a.data() : nullptr,
                                      momentum > 0.0f ? s.m.data() : nullptr, n, step);
          },
          [&](State& s, double g) {
            s.v = rho * s.v + (1.0 - rho) * g * g;
            if (centered) s.a = rho * s.a + (1.0 - rho) * g;
            const double increment = kRate * g / std::sqrt(s.v - s.a * s.a + kEpsilon);
            if (momentum > 0.0f) s.m = momentum * s.m + increment;
            s.w -= momentum > 0.0f ? s.m : increment;
          });
    }
  }
}

TEST(optimizer_adam) {
  const double beta_1 = 0.9, beta_2 = 0.999;
  for (const bool amsgrad : {false, true}) {
    const AdamStep step{kRate, beta_1, beta_2, kEpsilon, 0.5f * kRate, amsgrad};
    check_steps(
        [&](Arrays& s, const Floats& g, int64_t n) {
          kernels.optimizer.adam(s.w.data(), g.data(), s.m.data(), s.v.data(), amsgrad ? s.a.data() : nullptr, n, step);
        },
        [&](State& s, double g) {
          s.m += (g - s.m) * (1.0 - beta_1);
          s.v += (g * g - s.v) * (1.0 - beta_2);
          if (amsgrad) s.a = std::max(s.a, s.v);
          s.w -= double(step.step_size) * s.m / (std::sqrt(amsgrad ? s.a : s.v) + kEpsilon);
        });
  }
}

}  // namespace pycnn::testing
