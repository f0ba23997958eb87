// Losses and metrics on values of the network.
#include "engine/planner.h"

namespace pycnn {
namespace {

auto loss_kernel(const SoftmaxKernels& k, const LossTerm& o) {
  switch (o.kind) {
    case LossKind::kSparseCategoricalCrossentropy:
    case LossKind::kCategoricalCrossentropy:
      return o.from_logits ? k.cross_entropy_logits : k.cross_entropy_probabilities;
    case LossKind::kBinaryCrossentropy:
      return o.from_logits ? k.binary_cross_entropy_logits : k.binary_cross_entropy_probabilities;
    case LossKind::kMeanSquaredError:
    case LossKind::kValue: break;
  }
  return k.mean_squared_error;
}

int64_t argmax(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i)
    if (x[i] > x[best]) best = i;
  return best;
}

// How much of one row the metric counts as right.
float row_score(const MetricTerm& o, const float* x, const int32_t* label, const float* target, int64_t columns) {
  switch (o.kind) {
    case MetricKind::kSparseCategoricalAccuracy:
      return argmax(x, columns) == (label ? *label : static_cast<int64_t>(*target));
    case MetricKind::kCategoricalAccuracy: return argmax(x, columns) == argmax(target, columns);
    case MetricKind::kBinaryAccuracy:
    case MetricKind::kValue: break;
  }
  float right = 0;
  for (int64_t i = 0; i < columns; ++i) {
    const float predicted = x[i] > o.threshold ? 1.0f : 0.0f;
    right += predicted == (label ? static_cast<float>(*label) : target[i]);
  }
  return right / static_cast<float>(columns);
}

struct NumberedMetric {
  MetricTerm term;
  int number;
};

// The targets of one sample: class numbers, one a row, or values, as many as predictions.
struct SampleTarget {
  const int32_t* labels;
  const float* values;
};
SampleTarget target_of(const Batch& batch, int target, int64_t source, int64_t rows, int64_t columns) {
  const Target& t = batch.targets[static_cast<size_t>(target)];
  return {t.labels ? t.labels + source * rows : nullptr, t.values ? t.values + source * rows * columns : nullptr};
}

void score(const NumberedMetric& m, const Work& w, int64_t i, const float* x, SampleTarget t, int64_t rows,
           int64_t columns) {
  float score = 0;
  for (int64_t r = 0; r < rows; ++r)
    score += row_score(m.term, x + r * columns, t.labels ? t.labels + r : nullptr,
                       t.values ? t.values + r * columns : nullptr, columns);
  w.run.metric(m.number)[i] = score / static_cast<float>(rows);
}

// A loss of predictions and targets, and the metrics that are counted of the same.
void plan_loss(Planner& planner, const LossTerm& term, int number, const std::vector<NumberedMetric>& metrics) {
  const auto kernel = loss_kernel(planner.kernels().softmax, term);
  const int64_t columns = planner.shape(term.node).c(), rows = planner.shape(term.node).size() / columns;
  const int x = planner.value(term.node);

  const auto emit = [&](int dx) {
    Task task;
    task.name = "loss";
    task.buffers = {x};
    if (dx >= 0) task.buffers.push_back(dx);
    task.scratch_floats = 2 * rows;  // losses, weights
    task.run = [=](const Work& w) {
      const Batch& batch = *w.run.batch;
      for (int64_t i = w.begin; i < w.end; ++i) {
        const int64_t source = batch.source(w.run.begin + i);
        const SampleTarget target = target_of(batch, term.target, source, rows, columns);
        float* losses = w.scratch;
        float* weights = w.scratch + rows;
        for (int64_t r = 0; r < rows; ++r) weights[r] = batch.weight(term.target, source);
        LossArguments a;
        a.loss = losses;
        a.dx = dx >= 0 ? w.at(dx, i) : nullptr;
        a.x = w.at(x, i);
        a.labels = target.labels;
        a.targets = target.values;
        a.weight = weights;
        a.scale = term.weight / static_cast<float>(batch.samples * rows);
        a.rows = rows;
        a.columns = columns;
        kernel(a);
        float loss = 0;
        for (int64_t r = 0; r < rows; ++r) loss += losses[r] * weights[r];
        w.run.loss(number)[i] = loss / static_cast<float>(rows);
        for (const NumberedMetric& m : metrics) score(m, w, i, a.x, target, rows, columns);
      }
    };
    planner.add(std::move(task));
  };
  if (planner.wants_gradient(term.node)) planner.add_gradient(term.node, emit);
  else emit(-1);
}

// Losses that are values of the graph already.
void plan_value_loss(Planner& planner, const LossTerm& term, int number) {
  const int x = planner.value(term.node);
  const int64_t rows = planner.shape(term.node).size();
  const bool batched = planner.node(term.node).batched;
  const auto fill = planner.kernels().elementwise.fill;
  const auto emit = [&](int dx) {
    Task task;
    task.name = "loss";
    task.buffers = {x};
    if (dx >= 0) task.buffers.push_back(dx);
    task.run = [=](const Work& w) {
      const Batch& batch = *w.run.batch;
      const double samples = batched ? static_cast<double>(batch.samples) : 1.0;
      for (int64_t i = w.begin; i < w.end; ++i) {
        const float weight = batched ? batch.weight(term.target, batch.source(w.run.begin + i)) : 1.0f;
        float loss = 0;
        for (int64_t r = 0; r < rows; ++r) loss += w.at(x, i)[r];
        loss *= weight / static_cast<float>(rows);
        if (batched) w.run.loss(number)[i] = loss;
        else fill(w.run.loss(number), loss, w.run.samples);
        if (dx >= 0)
          fill(w.at(dx, i), static_cast<float>(term.weight * weight / (samples * static_cast<double>(rows))), rows);
      }
    };
    planner.add(std::move(task));
  };
  if (!planner.wants_gradient(term.node)) return emit(-1);
  if (batched) return planner.add_gradient(term.node, emit);
  const int dx = planner.add_fixed(planner.gradient_of(term.node), rows);
  planner.needs_whole_batch();
  emit(dx);
}

void plan_metric(Planner& planner, const NumberedMetric& m) {
  const int x = planner.value(m.term.node);
  const bool batched = planner.node(m.term.node).batched;
  const int64_t size = planner.shape(m.term.node).size(), columns = planner.shape(m.term.node).c();
  const auto fill = planner.kernels().elementwise.fill;
  Task task;
  task.name = "metric";
  task.buffers = {x};
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) {
      const float* values = w.at(x, i);
      if (m.term.kind != MetricKind::kValue) {
        const int64_t source = w.run.batch->source(w.run.begin + i);
        const SampleTarget target = target_of(*w.run.batch, m.term.target, source, size / columns, columns);
        score(m, w, i, values, target, size / columns, columns);
        continue;
      }
      float sum = 0;
      for (int64_t r = 0; r < size; ++r) sum += values[r];
      sum /= static_cast<float>(size);
      if (batched) w.run.metric(m.number)[i] = sum;
      else fill(w.run.metric(m.number), sum, w.run.samples);
    }
  };
  planner.add(std::move(task));
}

}  // namespace

void plan_objective(Planner& planner, const Objective& objective) {
  std::vector<bool> counted(objective.metrics.size(), false);
  for (size_t t = 0; t < objective.losses.size(); ++t) {
    const LossTerm& term = objective.losses[t];
    if (term.kind == LossKind::kValue) {
      plan_value_loss(planner, term, static_cast<int>(t));
      continue;
    }
    std::vector<NumberedMetric> metrics;
    for (size_t m = 0; m < objective.metrics.size(); ++m) {
      const MetricTerm& metric = objective.metrics[m];
      if (counted[m] || metric.kind == MetricKind::kValue || metric.node != term.node || metric.target != term.target)
        continue;
      counted[m] = true;
      metrics.push_back({metric, static_cast<int>(m)});
    }
    plan_loss(planner, term, static_cast<int>(t), metrics);
  }
  for (size_t m = 0; m < counted.size(); ++m)
    if (!counted[m]) plan_metric(planner, {objective.metrics[m], static_cast<int>(m)});
}

}  // namespace pycnn
