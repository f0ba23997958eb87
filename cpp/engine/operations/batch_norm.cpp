// Batch normalization. In training its statistics see the whole batch: every slot sums up its own samples, one thread
// joins the slots in their order, and the next stage applies the result, together with what follows: a sum with
// another value, a ReLU, a max-pool. What a ReLU lets through is not kept for the backward pass, but made again from x,
// which the backward pass reads in any case.
#include "engine/operations/batch_norm.h"

#include <memory>

namespace pycnn {
namespace {

using Statistics = std::shared_ptr<BatchStatistics>;

bool fuse_clamp(Planner& planner, Norm& n) {
  const int activation = planner.fusable_activation(n.last);
  if (activation < 0) return true;
  if (!is_clamp(planner.attributes<ActivationNode>(activation).activation, &n.lower)) return false;
  n.last = activation;
  return true;
}

// A sum of two, of which this is the later one: the other value is there already.
void fuse_sum(Planner& planner, Norm& n) {
  const int sum = planner.fusable_sum(n.last);
  if (sum < 0) return;
  Norm fused = n;
  fused.last = sum;
  const std::vector<int>& inputs = planner.node(sum).inputs;
  fused.other = inputs[0] == n.last ? inputs[1] : inputs[0];
  if (fuse_clamp(planner, fused)) n = fused;
}

void fuse_pool(Planner& planner, Norm& n) {
  const int pool = planner.fusable_pool(n.last);
  if (pool < 0) return;
  const Shape& in = planner.shape(n.last);
  const Pair& size = planner.attributes<Pool2DNode>(pool).pool_size;
  n.map = {in.h(), in.w(), in.c(), size.h, size.w};
  n.has_pool = true;
  n.last = pool;
}

bool uses_moving(const Planner& planner, int node) {
  const auto& n = planner.attributes<BatchNormNode>(node);
  return n.frozen || !(planner.training() || n.always);
}

Norm describe(Planner& planner, int node) {
  const auto& attributes = planner.attributes<BatchNormNode>(node);
  const BatchNormInputs nodes = batch_norm_inputs(planner.node(node));
  const int64_t c = planner.shape(node).c();
  Norm n{c,
         planner.shape(node).size() / c,
         attributes.momentum,
         attributes.epsilon,
         planner.weights(nodes.gamma),
         planner.weights(nodes.beta),
         planner.weights(nodes.mean),
         planner.weights(nodes.variance),
         nodes};
  n.last = node;
  if (uses_moving(planner, node)) {
    if (!planner.differentiated(node)) fuse_clamp(planner, n);  // its backward pass does not know its output
  } else {
    fuse_sum(planner, n);
    if (n.other < 0) {
      fuse_clamp(planner, n);
      fuse_pool(planner, n);
    }
  }
  for (int i = node; i != n.last;) planner.mark_planned(i = planner.only_consumer(i));
  return n;
}

std::string text(const Planner& planner, int node, const Norm& n) {
  std::string name = planner.node(node).name;
  if (n.other >= 0) name += " + add";
  if (n.bounded()) name += " + activation";
  return n.has_pool ? name + " + max-pool" : name;
}

// y from x, where nothing but a bound is fused.
void plan_apply(Planner& planner, std::string name, const Norm& n, const Statistics& s, int y, int x) {
  const auto apply = planner.kernels().batch_norm.apply;
  Task task;
  task.name = std::move(name);
  task.buffers = {x, y};
  const int64_t rows = n.out_rows();
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) apply(w.at(y, i), w.at(x, i), s->output(n), rows, n.c);
  };
  planner.add(std::move(task));
}

// With moving statistics, gradients of gamma and beta are sums over samples like those of a bias.
void plan_fixed_weights(Planner& planner, int node, const Norm& n, const Statistics& s, int x, int dy) {
  const bool by_gamma = planner.wants_gradient(n.nodes.gamma), by_beta = planner.wants_gradient(n.nodes.beta);
  if (!by_gamma && !by_beta) return;
  const int64_t gamma_slot = by_gamma ? planner.reserve_slot(n.nodes.gamma) : 0;
  const int64_t beta_slot = by_beta ? planner.reserve_slot(n.nodes.beta) : 0;
  const auto sums = planner.kernels().batch_norm.backward_sums;
  const auto& k = planner.kernels().elementwise;
  Task task;
  task.name = planner.node(node).name + " backward by weights";
  task.by_slots = true;
  task.buffers = {x, dy};
  task.scratch_floats = 2 * n.c;
  task.run = [=, &k](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) {
      float *dbeta = w.scratch, *dgamma = w.scratch + n.c;
      sums(dbeta, dgamma, w.at(x, i), w.at(dy, i), nullptr, s->gradient(n), n.rows, n.c);
      const auto add = [&](bool wanted, int64_t slot, const float* sum) {
        if (wanted) k.sum_rows(w.slot_gradient(slot), sum, 1, n.c, n.c, w.accumulate || i > w.begin);
      };
      add(by_gamma, gamma_slot, dgamma);
      add(by_beta, beta_slot, dbeta);
    }
  };
  planner.add(std::move(task));
}

void plan_inference(Planner& planner, int node, const Norm& n) {
  auto s = std::make_shared<BatchStatistics>(planner, n.c);
  planner.prepare({n.nodes.gamma, n.nodes.beta, n.nodes.mean, n.nodes.variance}, 1,
                  [=](int64_t, float*) { s->use_moving(n); });
  plan_apply(planner, text(planner, node, n), n, s, planner.value(n.last), planner.value(planner.node(node).inputs[0]));
  planner.on_backward(node, [=, &planner] {
    const int x = planner.value(n.nodes.x), dy = planner.gradient(node);
    plan_fixed_weights(planner, node, n, s, x, dy);
    const auto apply = planner.kernels().batch_norm.apply;
    const float* zero = planner.add_memory(n.c, MemoryKind::kValues);
    planner.add_gradient(n.nodes.x, [&](int dx) {
      Task task;
      task.name = planner.node(node).name + " backward";
      task.buffers = {dx, dy};
      task.run = [=](const Work& w) {
        for (int64_t i = w.begin; i < w.end; ++i)
          apply(w.at(dx, i), w.at(dy, i), {s->scale(), zero, n.lower}, n.rows, n.c);
      };
      planner.add(std::move(task));
    });
  });
}

void plan_statistics(Planner& planner, int node, const Norm& n, const Statistics& s, int x, int stored) {
  planner.needs_whole_batch();
  planner.deal_by_slots();
  planner.writes_parameters();
  const auto moments = planner.kernels().batch_norm.moments;
  Task accumulate;
  accumulate.name = planner.node(node).name + " moments";
  accumulate.by_slots = true;
  accumulate.buffers = {x};
  if (stored != x) accumulate.buffers.push_back(stored);
  accumulate.scratch_floats = 2 * n.c;
  accumulate.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) {
      moments(w.scratch, w.scratch + n.c, w.at(x, i), stored == x ? nullptr : w.at(stored, i), n.rows, n.c);
      s->accumulate_sample(w.slot, w.scratch, w.scratch + n.c, n.rows);
    }
  };
  planner.add(std::move(accumulate));

  Task finalize;
  finalize.name = planner.node(node).name + " statistics";
  finalize.kind = Task::kSplit;
  finalize.run = [=](const Work&) { s->finalize(n); };
  planner.add(std::move(finalize));

  Task move;  // when nothing can fail any more
  move.name = planner.node(node).name + " moving statistics";
  move.kind = Task::kOnce;
  move.run = [=](const Work&) { s->move(n); };
  planner.add_last(std::move(move));
}

// The buffers of the values that a normalization in training leaves for its backward pass.
struct Kept {
  int x, y;
  int picked = -1, argmax = -1;  // of a max-pool
};

void plan_pooled(Planner& planner, int node, const Norm& n, const Statistics& s, const Kept& kept) {
  const auto apply = planner.kernels().batch_norm.apply_pool;
  Task task;
  task.name = text(planner, node, n);
  task.buffers = {kept.x, kept.y, kept.picked, kept.argmax};
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i)
      apply(w.at(kept.y, i), w.at(kept.picked, i), reinterpret_cast<uint8_t*>(w.at(kept.argmax, i)), w.at(kept.x, i),
            s->output(n), n.map);
  };
  planner.add(std::move(task));
}

void plan_sum(Planner& planner, int node, const Norm& n, const Statistics& s, const Kept& kept) {
  const auto apply = planner.kernels().batch_norm.apply_add;
  const int other = planner.value(n.other);
  Task task;
  task.name = text(planner, node, n);
  task.buffers = {kept.x, other, kept.y};
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i)
      apply(w.at(kept.y, i), w.at(kept.x, i), w.at(other, i), s->output(n), n.rows, n.c);
  };
  planner.add(std::move(task));
}

Kept plan_forward(Planner& planner, int node, const Norm& n, const Statistics& s) {
  const int input = planner.node(node).inputs[0], x = planner.value(input);
  Kept kept{planner.stored_value(input), planner.value(n.last)};
  plan_statistics(planner, node, n, s, x, kept.x);
  if (n.other >= 0) {
    plan_sum(planner, node, n, s, kept);
    return kept;
  }
  if (n.has_pool) {
    kept.picked = planner.add_buffer(n.out_rows() * n.c);
    kept.argmax = planner.add_buffer((n.out_rows() * n.c + 3) / 4);
    plan_pooled(planner, node, n, s, kept);
  } else {
    plan_apply(planner, text(planner, node, n), n, s, kept.y, kept.x);
  }
  // After a pool it is the normalization of what was picked.
  planner.on_rematerialize(n.last, [=, &planner](int y) {
    plan_apply(planner, text(planner, node, n) + " again", n, s, y, n.has_pool ? kept.picked : kept.x);
  });
  return kept;
}

// Closes the gradient where the ReLU after a sum was closed.
void plan_bound_of_sum(Planner& planner, int node, const Norm& n, int y, int dy) {
  if (!n.bounded()) return;
  const auto backward = planner.kernels().activation.backward;
  Task task;
  task.name = planner.node(node).name + " backward by activation";
  task.buffers = {y, dy};
  task.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i)
      backward(w.at(dy, i), nullptr, w.at(y, i), w.at(dy, i), n.rows * n.c, {ActivationKind::kRelu});
  };
  planner.add(std::move(task));
}

void plan_backward_sums(Planner& planner, int node, const Norm& n, const Statistics& s, int x, int dy, int stored) {
  const auto wanted = [&](int of) { return planner.wants_gradient(of) ? planner.gradient_of(of) : nullptr; };
  float *dgamma = wanted(n.nodes.gamma), *dbeta = wanted(n.nodes.beta);
  const auto sums = planner.kernels().batch_norm.backward_sums;
  Task accumulate;
  accumulate.name = planner.node(node).name + " backward sums";
  accumulate.by_slots = true;
  accumulate.buffers = {x, dy};
  if (stored != dy) accumulate.buffers.push_back(stored);
  accumulate.scratch_floats = 2 * n.c;
  accumulate.run = [=](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) {
      float* copy = stored == dy ? nullptr : w.at(stored, i);
      sums(w.scratch, w.scratch + n.c, w.at(x, i), w.at(dy, i), copy, s->gradient(n), n.out_rows(), n.c);
      s->accumulate_gradient(w.slot, w.scratch, n.rows);
    }
  };
  planner.add(std::move(accumulate));

  Task finalize;
  finalize.name = planner.node(node).name + " backward statistics";
  finalize.kind = Task::kSplit;
  finalize.run = [=](const Work&) { s->finalize_gradient(dgamma, dbeta); };
  planner.add(std::move(finalize));
}

void plan_backward(Planner& planner, int node, const Norm& n, const Statistics& s, const Kept& kept) {
  const BatchNormKernels& k = planner.kernels().batch_norm;
  const int made = planner.gradient(n.last);
  if (n.other >= 0) plan_bound_of_sum(planner, node, n, kept.y, made);
  const int dy = planner.stored_gradient(n.last);
  plan_backward_sums(planner, node, n, s, n.has_pool ? kept.picked : kept.x, made, dy);

  planner.add_gradient(planner.node(node).inputs[0], [&](int dx) {
    Task task;
    task.name = planner.node(node).name + " backward";
    task.buffers = {kept.x, dy, dx};
    if (n.has_pool) task.buffers.push_back(kept.argmax);
    task.run = [=, &k](const Work& w) {
      for (int64_t i = w.begin; i < w.end; ++i) {
        if (n.has_pool)
          k.backward_apply_pool(w.at(dx, i), w.at(kept.x, i), w.at(dy, i),
                                reinterpret_cast<const uint8_t*>(w.at(kept.argmax, i)), s->gradient(n), n.map);
        else k.backward_apply(w.at(dx, i), w.at(kept.x, i), w.at(dy, i), s->gradient(n), n.rows, n.c);
      }
    };
    planner.add(std::move(task));
  });
  if (n.other >= 0) planner.pass_gradient(n.other, dy);
}

}  // namespace

void plan_batch_norm(Planner& planner, int node) {
  const Norm n = describe(planner, node);
  if (uses_moving(planner, node)) return plan_inference(planner, node, n);
  auto s = std::make_shared<BatchStatistics>(planner, n.c);
  const Kept kept = plan_forward(planner, node, n, s);
  planner.on_backward(n.last, [=, &planner] { plan_backward(planner, node, n, s, kept); });
}

}  // namespace pycnn
