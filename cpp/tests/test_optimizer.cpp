#include <algorithm>
#include <functional>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

constexpr float kRate = 0.01f, kEpsilon = 1e-7f;
constexpr int kArrays = 3, kSteps = 5;

// Weight and state of one parameter, as the kernel's arrays have them; those that it does not get stay as they are.
struct State {
  double w, s[kArrays];
};

// A few steps from the same start: arrays after them by the kernel, and by the formula on doubles.
void check_steps(OptimizerKernel kernel, const OptimizerStep& step, const bool (&kept)[kArrays], float initial,
                 const std::function<void(State&, double g)>& formula) {
  for (const int64_t n : kSizes) {
    Guarded w(random_floats(n, 1));
    std::vector<Guarded> arrays(kArrays, Guarded(n, initial));
    float* pointers[kArrays];
    for (int k = 0; k < kArrays; ++k) pointers[k] = kept[k] ? arrays[k].data() : nullptr;
    const Floats start = w.values();
    std::vector<State> want(n);
    for (int64_t i = 0; i < n; ++i) want[i] = {start[i], {initial, initial, initial}};
    for (int t = 0; t < kSteps; ++t) {
      const Floats g = random_floats(n, 10 + t);
      kernel(w.data(), g.data(), pointers, n, step);
      for (int64_t i = 0; i < n; ++i) formula(want[i], g[i]);
    }
    CHECK(w.intact());
    for (int k = 0; k < kArrays; ++k) CHECK(arrays[k].intact());
    for (int64_t i = 0; i < n; ++i) {
      CHECK_NEAR(w[i], want[i].w, 32.0 * kEps * std::max(1.0, std::abs(want[i].w)), n);
      for (int k = 0; k < kArrays; ++k)
        CHECK_NEAR(arrays[k][i], want[i].s[k], 32.0 * kEps * std::max(1.0, std::abs(want[i].s[k])), n);
    }
  }
}

OptimizerStep step_with(double beta_1 = 0.9, double beta_2 = 0.999) {
  OptimizerStep step;
  step.learning_rate = kRate;
  step.epsilon = kEpsilon;
  step.rho = 0.9;
  step.beta_1 = beta_1;
  step.beta_2 = beta_2;
  step.step_size = 0.5f * kRate;
  return step;
}

}  // namespace

TEST(optimizer_gradient_descent) {
  for (const float momentum : {0.0f, 0.9f}) {
    for (const bool nesterov : {false, true}) {
      OptimizerStep step = step_with();
      step.momentum = momentum;
      step.nesterov = nesterov;
      check_steps(kernels.optimizer.gradient_descent, step, {momentum != 0.0f, false, false}, 0.0f,
                  [&](State& s, double g) {
                    const double m = double(momentum) * s.s[0] - double(kRate) * g;
                    s.w += nesterov ? double(momentum) * m - double(kRate) * g : m;
                    s.s[0] = momentum == 0.0f ? 0.0 : m;
                  });
    }
  }
}

TEST(optimizer_adagrad) {
  check_steps(kernels.optimizer.adagrad, step_with(), {true, false, false}, 0.1f, [](State& s, double g) {
    s.s[0] += g * g;
    s.w -= kRate * g / std::sqrt(s.s[0] + kEpsilon);
  });
}

TEST(optimizer_adadelta) {
  const double rho = 0.9;
  check_steps(kernels.optimizer.adadelta, step_with(), {true, true, false}, 0.0f, [&](State& s, double g) {
    s.s[0] = rho * s.s[0] + (1.0 - rho) * g * g;
    const double step = std::sqrt(s.s[1] + kEpsilon) / std::sqrt(s.s[0] + kEpsilon) * g;
    s.s[1] = rho * s.s[1] + (1.0 - rho) * step * step;
    s.w -= kRate * step;
  });
}

TEST(optimizer_rmsprop) {
  const double rho = 0.9;
  for (const float momentum : {0.0f, 0.5f}) {
    for (const bool centered : {false, true}) {
      OptimizerStep step = step_with();
      step.momentum = momentum;
      check_steps(kernels.optimizer.rmsprop, step, {true, momentum > 0.0f, centered}, 0.0f, [&](State& s, double g) {
        s.s[0] = rho * s.s[0] + (1.0 - rho) * g * g;
        if (centered) s.s[2] = rho * s.s[2] + (1.0 - rho) * g;
        const double increment = kRate * g / std::sqrt(s.s[0] - s.s[2] * s.s[2] + kEpsilon);
        if (momentum > 0.0f) s.s[1] = momentum * s.s[1] + increment;
        s.w -= momentum > 0.0f ? s.s[1] : increment;
      });
    }
  }
}

TEST(optimizer_adam) {
  for (const bool amsgrad : {false, true}) {
    OptimizerStep step = step_with();
    step.amsgrad = amsgrad;
    check_steps(kernels.optimizer.adam, step, {true, true, amsgrad}, 0.0f, [&](State& s, double g) {
      s.s[0] += (g - s.s[0]) * (1.0 - step.beta_1);
      s.s[1] += (g * g - s.s[1]) * (1.0 - step.beta_2);
      if (amsgrad) s.s[2] = std::max(s.s[2], s.s[1]);
      s.w -= double(step.step_size) * s.s[0] / (std::sqrt(amsgrad ? s.s[2] : s.s[1]) + kEpsilon);
    });
  }
}

TEST(optimizer_adamax) {
  const OptimizerStep step = step_with();
  check_steps(kernels.optimizer.adamax, step, {true, true, false}, 0.0f, [&](State& s, double g) {
    s.s[0] += (g - s.s[0]) * (1.0 - step.beta_1);
    s.s[1] = std::max(step.beta_2 * s.s[1], std::abs(g));
    s.w -= double(step.step_size) * s.s[0] / (s.s[1] + kEpsilon);
  });
}

TEST(optimizer_nadam) {
  OptimizerStep step = step_with();
  step.mean_share = 0.6f;
  step.gradient_share = 0.3f;
  step.square_scale = 2.0f;
  check_steps(kernels.optimizer.nadam, step, {true, true, false}, 0.0f, [&](State& s, double g) {
    s.s[0] += (g - s.s[0]) * (1.0 - step.beta_1);
    s.s[1] += (g * g - s.s[1]) * (1.0 - step.beta_2);
    const double mean = step.mean_share * s.s[0] + step.gradient_share * g;
    s.w -= kRate * mean / (std::sqrt(step.square_scale * s.s[1]) + kEpsilon);
  });
}

TEST(optimizer_lion) {
  const OptimizerStep step = step_with(0.9, 0.99);
  check_steps(kernels.optimizer.lion, step, {true, false, false}, 0.0f, [&](State& s, double g) {
    const double mean = step.beta_1 * s.s[0] + (1.0 - step.beta_1) * g;
    s.w -= double(kRate) * ((mean > 0.0) - (mean < 0.0));
    s.s[0] = step.beta_2 * s.s[0] + (1.0 - step.beta_2) * g;
  });
}

TEST(optimizer_ftrl) {
  for (const float power : {0.0f, 0.5f, 0.75f, 1.0f}) {
    for (const float l1 : {0.0f, 0.5f}) {
      OptimizerStep step = step_with();
      step.power = power;
      step.l1 = l1;
      step.l2 = 0.25f;
      step.l2_shrinkage = 0.125f;
      step.learning_rate = 0.25f;
      check_steps(kernels.optimizer.ftrl, step, {true, true, false}, 0.5f, [&](State& s, double g) {
        const double lr = step.learning_rate, before = std::pow(s.s[0], double(power));
        s.s[0] += g * g;
        const double after = std::pow(s.s[0], double(power));
        s.s[1] += g + 2.0 * step.l2_shrinkage * s.w - (after - before) / lr * s.w;
        const double clipped = std::min(double(l1), std::max(-double(l1), s.s[1]));
        s.w = (clipped - s.s[1]) / (after / lr + 2.0 * step.l2);
      });
    }
  }
}

}  // namespace pycnn::testing
