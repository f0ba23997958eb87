// Batch normalization. In training its statistics see the whole batch: every slot sums up its own samples, one thread
// joins the slots in their order, and the next stage applies the result.
#include <cmath>
#include <limits>
#include <memory>

#include "engine/planner.h"

namespace pycnn {
namespace {

struct Norm {
  int64_t c, rows;  // a sample
  float momentum, epsilon;
  const float *gamma, *beta;  // null where not asked for
  float *moving_mean, *moving_variance;
  float lower = -std::numeric_limits<float>::infinity();  // of the ReLU that follows and is fused
  int last = -1;                                          // the node whose value this makes
};

Norm describe(Planner& planner, int node) {
  const auto& n = planner.attributes<BatchNormNode>(node);
  const auto find = [&](const char* name) -> float* {
    const int p = planner.parameter(node, name);
    return p >= 0 ? planner.mutable_weights(p) : nullptr;
  };
  const int64_t c = planner.shape(node).c();
  Norm norm{c,
            planner.shape(node).size() / c,
            n.momentum,
            n.epsilon,
            find("gamma"),
            find("beta"),
            find("moving_mean"),
            find("moving_variance")};
  norm.last = node;
  // Frozen in training, its way back does not look at its output.
  const int activation = planner.training() && n.frozen ? -1 : planner.fusable_activation(node);
  if (activation >= 0 && is_clamp(planner.attributes<ActivationNode>(activation).activation, &norm.lower)) {
    norm.last = activation;
    planner.mark_planned(activation);
  }
  return norm;
}

// What the tasks of one layer hand to each other besides the samples.
struct Statistics {
  explicit Statistics(int64_t c) : c(c), memory(c * (6 + 2 * kMaxSlots)) {}
  int64_t c;
  AlignedFloats memory;
  int64_t counts[kMaxSlots] = {};

  float* mean() const { return memory.data(); }
  float* inv_std() const { return memory.data() + c; }
  float* scale() const { return memory.data() + 2 * c; }
  float* shift() const { return memory.data() + 3 * c; }
  float* mean_dy() const { return memory.data() + 4 * c; }
  float* mean_dy_x() const { return memory.data() + 5 * c; }
  ScaleShift output(const Norm& n) const { return {scale(), shift(), n.lower}; }
  float* slot(int64_t s) const { return memory.data() + (6 + 2 * s) * c; }  // two rows of c
};

void set_scale(const Norm& n, const Statistics& s) {
  for (int64_t i = 0; i < n.c; ++i) {
    s.scale()[i] = s.inv_std()[i] * (n.gamma ? n.gamma[i] : 1.0f);
    s.shift()[i] = (n.beta ? n.beta[i] : 0.0f) - s.mean()[i] * s.scale()[i];
  }
}

void use_moving(const Norm& n, const Statistics& s) {
  for (int64_t i = 0; i < n.c; ++i) {
    s.mean()[i] = n.moving_mean[i];
    s.inv_std()[i] = 1.0f / std::sqrt(n.moving_variance[i] + n.epsilon);
  }
  set_scale(n, s);
}

// Joins (count, mean, sum of squared deviations) of two sets of rows: Chan, Golub and LeVeque.
void join(double& count, double& mean, double& m2, double other_count, double other_mean, double other_m2) {
  const double total = count + other_count, delta = other_mean - mean;
  mean += delta * other_count / total;
  m2 += other_m2 + delta * delta * count * other_count / total;
  count = total;
}

void join_slots(const Norm& n, const Statistics& s) {
  for (int64_t i = 0; i < n.c; ++i) {
    double count = 0, mean = 0, m2 = 0;
    for (int64_t slot = 0; slot < kMaxSlots; ++slot)
      if (s.counts[slot] > 0)
        join(count, mean, m2, static_cast<double>(s.counts[slot]), s.slot(slot)[i], s.slot(slot)[n.c + i]);
    const double variance = m2 / count;
    s.mean()[i] = static_cast<float>(mean);
    s.inv_std()[i] = static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(n.epsilon)));
    n.moving_mean[i] = n.moving_mean[i] * n.momentum + s.mean()[i] * (1.0f - n.momentum);
    n.moving_variance[i] = n.moving_variance[i] * n.momentum + static_cast<float>(variance) * (1.0f - n.momentum);
  }
  set_scale(n, s);
}

void plan_apply(Planner& planner, int node, const Norm& n, const std::shared_ptr<Statistics>& s) {
  const auto apply = planner.kernels().batch_norm.apply;
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(n.last);
  Task task;
  task.name = planner.node(node).name + (n.last == node ? "" : " + activation");
  task.buffers = {x, y};
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) apply(w.at(y, i), w.at(x, i), s->output(n), n.rows, n.c);
  };
  planner.add(std::move(task));
}

void plan_inference(Planner& planner, int node, const Norm& n) {
  auto s = std::make_shared<Statistics>(n.c);
  planner.prepare(1, [=](int64_t) { use_moving(n, *s); });
  plan_apply(planner, node, n, s);
  planner.on_backward([=, &planner] {  // frozen: a scale and a shift, without gradients of their own
    const auto apply = planner.kernels().batch_norm.apply;
    const int dy = planner.gradient(node);
    auto zero = std::make_shared<AlignedFloats>(n.c);
    planner.add_gradient(planner.node(node).inputs[0], [&](int dx) {
      Task task;
      task.name = planner.node(node).name + " backward";
      task.buffers = {dx, dy};
      task.run = [=](const Work& w) {
        for (int64_t i = w.begin; i < w.end; ++i)
          apply(w.at(dx, i), w.at(dy, i), {s->scale(), zero->data(), n.lower}, n.rows, n.c);
      };
      planner.add(std::move(task));
    });
  });
}

void plan_forward(Planner& planner, int node, const Norm& n, const std::shared_ptr<Statistics>& s) {
  planner.needs_whole_batch();
  const auto moments = planner.kernels().batch_norm.moments;
  const int x = planner.value(planner.node(node).inputs[0]);
  Task gather;
  gather.name = planner.node(node).name + " moments";
  gather.buffers = {x};
  gather.scratch_floats = 2 * n.c;
  gather.run = [=](const Work& w) {
    float* mean = s->slot(w.slot);
    float* m2 = mean + n.c;
    int64_t& count = s->counts[w.slot];
    if (!w.accumulate) count = 0;
    for (int64_t i = w.begin; i < w.end; ++i) {
      moments(w.scratch, w.scratch + n.c, w.at(x, i), n.rows, n.c);
      for (int64_t k = 0; k < n.c; ++k) {
        double total = static_cast<double>(count), joined = count ? mean[k] : 0, squares = count ? m2[k] : 0;
        join(total, joined, squares, static_cast<double>(n.rows), w.scratch[k], w.scratch[n.c + k]);
        mean[k] = static_cast<float>(joined);
        m2[k] = static_cast<float>(squares);
      }
      count += n.rows;
    }
  };
  planner.add(std::move(gather));

  Task meet;
  meet.name = planner.node(node).name + " statistics";
  meet.kind = Task::kSplit;
  meet.run = [=](const Work&) {
    join_slots(n, *s);
    for (int64_t& count : s->counts) count = 0;
  };
  planner.add(std::move(meet));
  plan_apply(planner, node, n, s);
}

void plan_backward(Planner& planner, int node, const Norm& n, const std::shared_ptr<Statistics>& s) {
  const BatchNormKernels& k = planner.kernels().batch_norm;
  const int input = planner.node(node).inputs[0];
  const int x = planner.value(input), dy = planner.gradient(n.last);
  const int gamma = planner.parameter(node, "gamma"), beta = planner.parameter(node, "beta");
  float* dgamma = gamma >= 0 ? planner.gradient_of(gamma) : nullptr;
  float* dbeta = beta >= 0 ? planner.gradient_of(beta) : nullptr;
  Task gather;
  gather.name = planner.node(node).name + " backward sums";
  gather.buffers = {x, dy};
  gather.scratch_floats = 2 * n.c;
  gather.run = [=, &k](const Work& w) {
    float* sums = s->slot(w.slot);
    int64_t& count = s->counts[w.slot];
    if (!w.accumulate) count = 0;
    for (int64_t i = w.begin; i < w.end; ++i) {
      k.backward_sums(w.scratch, w.scratch + n.c, w.at(x, i), w.at(dy, i), s->mean(), s->inv_std(), s->output(n),
                      n.rows, n.c);
      for (int64_t j = 0; j < 2 * n.c; ++j) sums[j] = w.scratch[j] + (count ? sums[j] : 0.0f);
      count += n.rows;
    }
  };
  planner.add(std::move(gather));

  Task meet;
  meet.name = planner.node(node).name + " backward statistics";
  meet.kind = Task::kSplit;
  meet.run = [=](const Work&) {
    for (int64_t i = 0; i < n.c; ++i) {
      double sum = 0, sum_x = 0, count = 0;
      for (int64_t slot = 0; slot < kMaxSlots; ++slot)
        if (s->counts[slot] > 0) {
          sum += s->slot(slot)[i];
          sum_x += s->slot(slot)[n.c + i];
          count += static_cast<double>(s->counts[slot]);
        }
      if (dbeta) dbeta[i] = static_cast<float>(sum);
      if (dgamma) dgamma[i] = static_cast<float>(sum_x);
      s->mean_dy()[i] = static_cast<float>(sum / count);
      s->mean_dy_x()[i] = static_cast<float>(sum_x / count);
    }
    for (int64_t& count : s->counts) count = 0;
  };
  planner.add(std::move(meet));

  planner.add_gradient(input, [&](int dx) {
    Task task;
    task.name = planner.node(node).name + " backward";
    task.buffers = {x, dy, dx};
    task.run = [=, &k](const Work& w) {
      for (int64_t i = w.begin; i < w.end; ++i)
        k.backward_apply(w.at(dx, i), w.at(x, i), w.at(dy, i), s->mean(), s->inv_std(), n.gamma, s->mean_dy(),
                         s->mean_dy_x(), s->output(n), n.rows, n.c);
    };
    planner.add(std::move(task));
  });
}

}  // namespace

void plan_batch_norm(Planner& planner, int node) {
  const Norm n = describe(planner, node);
  if (!planner.training() || planner.attributes<BatchNormNode>(node).frozen) return plan_inference(planner, node, n);
  auto s = std::make_shared<Statistics>(n.c);
  plan_forward(planner, node, n, s);
  planner.on_backward([=, &planner] { plan_backward(planner, node, n, s); });
}

}  // namespace pycnn
