// The loss and the metric that is counted with it, on the network's output.
#include "engine/planner.h"

namespace pycnn {
namespace {

auto loss_kernel(const SoftmaxKernels& k, const Objective& o) {
  switch (o.loss) {
    case LossKind::kSparseCategoricalCrossentropy:
    case LossKind::kCategoricalCrossentropy:
      return o.from_logits ? k.cross_entropy_logits : k.cross_entropy_probabilities;
    case LossKind::kBinaryCrossentropy:
      return o.from_logits ? k.binary_cross_entropy_logits : k.binary_cross_entropy_probabilities;
    case LossKind::kMeanSquaredError: break;
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
float row_score(const Objective& o, const float* x, const int32_t* label, const float* target, int64_t columns) {
  switch (o.metric) {
    case MetricKind::kNone: return 0;
    case MetricKind::kSparseCategoricalAccuracy:
      return argmax(x, columns) == (label ? *label : static_cast<int64_t>(*target));
    case MetricKind::kCategoricalAccuracy: return argmax(x, columns) == argmax(target, columns);
    case MetricKind::kBinaryAccuracy: break;
  }
  float right = 0;
  for (int64_t i = 0; i < columns; ++i) {
    const float predicted = x[i] > o.threshold ? 1.0f : 0.0f;
    right += predicted == (label ? static_cast<float>(*label) : target[i]);
  }
  return right / static_cast<float>(columns);
}

}  // namespace

void plan_loss(Planner& planner, int node, const Objective& objective) {
  const auto kernel = loss_kernel(planner.kernels().softmax, objective);
  const int64_t columns = planner.shape(node).c(), rows = planner.shape(node).size() / columns;
  const int x = planner.value(node);
  const bool training = planner.training();

  const auto emit = [&](int dx) {
    Task task;
    task.name = "loss";
    task.buffers = {x};
    if (dx >= 0) task.buffers.push_back(dx);
    task.scratch_floats = 2 * rows;  // losses, weights
    task.run = [=](const Work& w) {
      const Batch& batch = *w.run.batch;
      for (int64_t i = w.begin; i < w.end; ++i) {
        const int64_t sample = w.run.begin + i, source = batch.source(sample);
        float* losses = w.scratch;
        float* weights = w.scratch + rows;
        for (int64_t r = 0; r < rows; ++r) weights[r] = batch.weight ? batch.weight[source] : 1.0f;
        LossArguments a;
        a.loss = losses;
        a.dx = dx >= 0 ? w.at(dx, i) : nullptr;
        a.x = w.at(x, i);
        a.labels = batch.labels ? batch.labels + source * rows : nullptr;
        a.targets = batch.targets ? batch.targets + source * rows * columns : nullptr;
        a.weight = weights;
        a.scale = 1.0f / static_cast<float>(batch.samples * rows);
        a.rows = rows;
        a.columns = columns;
        kernel(a);
        float loss = 0, score = 0;
        for (int64_t r = 0; r < rows; ++r) {
          loss += losses[r] * weights[r];
          score += row_score(objective, a.x + r * columns, a.labels ? a.labels + r : nullptr,
                             a.targets ? a.targets + r * columns : nullptr, columns);
        }
        w.run.loss[sample] = loss / static_cast<float>(rows);
        w.run.correct[sample] = score / static_cast<float>(rows);
      }
    };
    planner.add(std::move(task));
  };
  if (training && planner.wants_gradient(node)) planner.add_gradient(node, emit);
  else emit(-1);
}

}  // namespace pycnn
