// The losses of softmax.h, formulas of Keras 3: a loss and, where asked, its gradient for each row. dx may be x.
#include "kernels/softmax/losses.h"

#include "kernels/softmax/row.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr float kEpsilon = 1e-7f;  // keras.config.epsilon()

PYCNN_INLINE Vec clip(Vec p) { return minimum(broadcast(1.0f - kEpsilon), maximum(broadcast(kEpsilon), p)); }
PYCNN_INLINE IntVec inside_clip(Vec p) { return (p >= kEpsilon) & (p <= 1.0f - kEpsilon); }

PYCNN_INLINE float row_scale(const LossArguments& a, int64_t r) { return a.weight ? a.weight[r] * a.scale : a.scale; }

void sparse_logits(const LossArguments& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.columns;
    float* dx = a.dx ? a.dx + r * a.columns : nullptr;
    const int32_t label = a.labels[r];
    const float top = maximum_of_row(x, a.columns);
    const float x_label = x[label] - top;
    const float sum = sum_row(a.columns, [&](int64_t i, auto lanes) {
      const Vec e = exp(load(x + i, lanes) - top);
      if (dx) store(dx + i, e, lanes);
      return e;
    });
    a.loss[r] = log_of(sum) - x_label;
    if (!dx) continue;
    const float scale = row_scale(a, r);
    for_vectors(a.columns, [&](int64_t i, auto lanes) { store(dx + i, load(dx + i, lanes) * (scale / sum), lanes); });
    dx[label] -= scale;
  }
}

void dense_logits(const LossArguments& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.columns;
    const float* t = a.targets + r * a.columns;
    float* dx = a.dx ? a.dx + r * a.columns : nullptr;
    const float top = maximum_of_row(x, a.columns);
    const float target_sum = sum_row(a.columns, [&](int64_t i, auto lanes) { return load(t + i, lanes); });
    const float dot =
        sum_row(a.columns, [&](int64_t i, auto lanes) { return load(t + i, lanes) * (load(x + i, lanes) - top); });
    const float sum = sum_row(a.columns, [&](int64_t i, auto lanes) {
      const Vec e = exp(load(x + i, lanes) - top);
      if (dx) store(dx + i, e, lanes);
      return e;
    });
    a.loss[r] = log_of(sum) * target_sum - dot;
    if (!dx) continue;
    const float scale = row_scale(a, r);
    for_vectors(a.columns, [&](int64_t i, auto lanes) {
      const Vec p = load(dx + i, lanes) * (1.0f / sum);
      store(dx + i, (p * target_sum - load(t + i, lanes)) * scale, lanes);
    });
  }
}

// The dense form below for a target that is 1 at the label: g = -1 / p there, so sum(g p) = -1.
void sparse_probabilities(const LossArguments& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.columns;
    const float sum = sum_row(a.columns, [&](int64_t i, auto lanes) { return load(x + i, lanes); });
    const Vec p = broadcast(x[a.labels[r]] / sum);
    a.loss[r] = -log_of(clip(p)[0]);
    if (!a.dx) continue;
    float* dx = a.dx + r * a.columns;
    const bool inside = inside_clip(p)[0] != 0;
    const float scale = row_scale(a, r) / sum, at_label = scale - scale / p[0];
    fill(dx, inside ? scale : 0.0f, a.columns);
    if (inside) dx[a.labels[r]] = at_label;
  }
}

// With p = x / sum(x) and g = d loss / dp: dx = (g - sum(g p)) / sum(x).
void dense_probabilities(const LossArguments& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.columns;
    const float* t = a.targets + r * a.columns;
    const float sum = sum_row(a.columns, [&](int64_t i, auto lanes) { return load(x + i, lanes); });
    const auto probability = [&](int64_t i, auto lanes) { return load(x + i, lanes) / sum; };
    const auto gradient = [&](int64_t i, auto lanes) {
      const Vec p = probability(i, lanes);
      return select(inside_clip(p), -load(t + i, lanes) / p, Vec{});
    };
    a.loss[r] = -sum_row(a.columns,
                         [&](int64_t i, auto lanes) { return load(t + i, lanes) * log(clip(probability(i, lanes))); });
    if (!a.dx) continue;
    float* dx = a.dx + r * a.columns;
    const float scale = row_scale(a, r) / sum;
    const float dot =
        sum_row(a.columns, [&](int64_t i, auto lanes) { return gradient(i, lanes) * probability(i, lanes); });
    for_vectors(a.columns, [&](int64_t i, auto lanes) { store(dx + i, (gradient(i, lanes) - dot) * scale, lanes); });
  }
}

struct BinaryLogits {
  Vec loss(Vec x, Vec t) const { return maximum(Vec{}, x) - x * t + log1p(exp(-absolute(x))); }
  Vec gradient(Vec x, Vec t) const { return sigmoid(x) - t; }
};

struct BinaryProbabilities {
  Vec loss(Vec x, Vec t) const {
    const Vec p = clip(x);
    return -(t * log(p) + (1.0f - t) * log(1.0f - p));
  }
  Vec gradient(Vec x, Vec t) const { return select(inside_clip(x), (1.0f - t) / (1.0f - x) - t / x, Vec{}); }
};

struct SquaredError {
  Vec loss(Vec x, Vec t) const { return (x - t) * (x - t); }
  Vec gradient(Vec x, Vec t) const { return 2.0f * (x - t); }
};

template <typename Loss>
void mean_of_columns(const LossArguments& a, Loss rule) {
  const float count = static_cast<float>(a.columns);
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* x = a.x + r * a.columns;
    const float* t = a.targets + r * a.columns;
    const float sum =
        sum_row(a.columns, [&](int64_t i, auto lanes) { return rule.loss(load(x + i, lanes), load(t + i, lanes)); });
    a.loss[r] = sum / count;
    if (!a.dx) continue;
    float* dx = a.dx + r * a.columns;
    const float scale = row_scale(a, r) / count;
    for_vectors(a.columns, [&](int64_t i, auto lanes) {
      store(dx + i, rule.gradient(load(x + i, lanes), load(t + i, lanes)) * scale, lanes);
    });
  }
}

}  // namespace

void cross_entropy_logits(const LossArguments& a) { a.labels ? sparse_logits(a) : dense_logits(a); }
void cross_entropy_probabilities(const LossArguments& a) {
  a.labels ? sparse_probabilities(a) : dense_probabilities(a);
}
void binary_cross_entropy_logits(const LossArguments& a) { mean_of_columns(a, BinaryLogits{}); }
void binary_cross_entropy_probabilities(const LossArguments& a) { mean_of_columns(a, BinaryProbabilities{}); }
void mean_squared_error(const LossArguments& a) { mean_of_columns(a, SquaredError{}); }

}  // namespace pycnn::PYCNN_ISA
