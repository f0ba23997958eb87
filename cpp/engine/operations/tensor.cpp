// Operations on arrays: expressions element by element, reductions, views, products, selections.
#include <algorithm>
#include <functional>
#include <memory>

#include "engine/planner.h"

namespace pycnn {
namespace {

using OneSample = std::function<void(const Work&, int64_t sample)>;

Task& add_task(Planner& planner, std::string name, std::vector<int> buffers, double flops, OneSample one) {
  Task task;
  task.name = std::move(name);
  task.buffers = std::move(buffers);
  task.flops = flops;
  task.run = [one = std::move(one)](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) one(w, i);
  };
  return planner.add(std::move(task));
}

// Lets `emit` add the task that overwrites the gradients by all inputs that want one; -1 for the others.
using EmitAll = std::function<void(const std::vector<int>& dx)>;
void add_gradients(Planner& planner, const std::vector<int>& inputs, const EmitAll& emit) {
  std::vector<int> dx(inputs.size(), -1);
  const std::function<void(size_t)> from = [&](size_t k) {
    if (k == inputs.size()) return emit(dx);
    if (!planner.wants_gradient(inputs[k])) return from(k + 1);
    planner.add_gradient(inputs[k], [&, k](int buffer) {
      dx[k] = buffer;
      from(k + 1);
    });
  };
  from(0);
}

std::vector<int> buffers_of(Planner& planner, const std::vector<int>& nodes) {
  std::vector<int> buffers;
  for (int node : nodes) buffers.push_back(planner.value(node));
  return buffers;
}

TensorDims dims_of(const Shape& shape) {
  TensorDims dims{};
  dims.axes = static_cast<int32_t>(shape.rank());
  std::copy(shape.dims.begin(), shape.dims.end(), dims.dims);
  return dims;
}

StridedDims view_of(const Shape& shape, int64_t offset, const std::vector<int64_t>& strides) {
  StridedDims view{};
  view.shape = dims_of(shape);
  view.offset = offset;
  std::copy(strides.begin(), strides.end(), view.strides);
  return view;
}

std::string backward_name(const Planner& planner, int node) { return planner.node(node).name + " backward"; }

// The strides of an operand along the axes of the result, 0 where it repeats.
MapOperand operand_of(const Shape& x, const Shape& y) {
  MapOperand operand{};
  int64_t stride = 1;
  for (int64_t i = x.rank() - 1, j = y.rank() - 1; i >= 0; --i, --j) {
    const int64_t d = x.dims[static_cast<size_t>(i)];
    operand.strides[j] = d == 1 ? 0 : stride;
    stride *= d;
  }
  return operand;
}

}  // namespace

void plan_map(Planner& planner, int node) {
  struct Expression {
    std::vector<MapInstruction> instructions;
    std::vector<MapOperand> operands;
    MapCode code;
  };
  const std::vector<int> inputs = planner.node(node).inputs;
  const Shape& y_shape = planner.shape(node);
  auto e = std::make_shared<Expression>();
  e->instructions = planner.attributes<MapNode>(node).code;
  for (int input : inputs) e->operands.push_back(operand_of(planner.shape(input), y_shape));
  e->code = {e->instructions.data(), static_cast<int32_t>(e->instructions.size()), static_cast<int32_t>(inputs.size())};
  const TensorKernels& k = planner.kernels().tensor;
  const TensorDims dims = dims_of(y_shape);
  const std::vector<int> x = buffers_of(planner, inputs);
  const int y = planner.value(node);
  const double flops = static_cast<double>(y_shape.size() * e->code.count);
  std::vector<int> buffers = x;
  buffers.push_back(y);
  const auto at = [x, e](const Work& w, int64_t i) {
    std::vector<MapOperand> operands = e->operands;
    for (size_t j = 0; j < x.size(); ++j) operands[j].x = w.at(x[j], i);
    return operands;
  };
  add_task(planner, planner.node(node).name, buffers, flops, [=, &k](const Work& w, int64_t i) {
    k.map(w.at(y, i), at(w, i).data(), e->code, dims, w.scratch);
  }).scratch_floats = k.map_scratch(e->code);
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    add_gradients(planner, inputs, [&](const std::vector<int>& dx) {
      std::vector<int> touched = x;
      touched.push_back(dy);
      for (int d : dx)
        if (d >= 0) touched.push_back(d);
      add_task(planner, backward_name(planner, node), touched, 2 * flops, [=, &k](const Work& w, int64_t i) {
        std::vector<float*> to;
        for (int d : dx) to.push_back(d < 0 ? nullptr : w.at(d, i));
        k.map_backward(to.data(), at(w, i).data(), w.at(dy, i), e->code, dims, w.scratch);
      }).scratch_floats = k.map_scratch(e->code);
    });
  });
}

void plan_reduce(Planner& planner, int node) {
  const ReduceNode n = planner.attributes<ReduceNode>(node);
  const int input = planner.node(node).inputs[0];
  const TensorKernels& k = planner.kernels().tensor;
  const int x = planner.value(input), y = planner.value(node);
  const double flops = static_cast<double>(planner.shape(input).size());
  add_task(planner, planner.node(node).name, {x, y}, flops,
           [=, &k](const Work& w, int64_t i) { k.reduce(w.at(y, i), w.at(x, i), n.kind, n.outer, n.n, n.inner); });
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      add_task(planner, backward_name(planner, node), {x, y, dy, dx}, flops, [=, &k](const Work& w, int64_t i) {
        k.reduce_backward(w.at(dx, i), w.at(x, i), w.at(y, i), w.at(dy, i), n.kind, n.outer, n.n, n.inner);
      });
    });
  });
}

void plan_strided(Planner& planner, int node) {
  const auto& n = planner.attributes<StridedNode>(node);
  const StridedDims view = view_of(planner.shape(node), n.offset, n.strides);
  const int input = planner.node(node).inputs[0];
  const int64_t size = planner.shape(input).size();
  const TensorKernels& k = planner.kernels().tensor;
  const auto fill = planner.kernels().elementwise.fill;
  const int x = planner.value(input), y = planner.value(node);
  add_task(planner, planner.node(node).name, {x, y}, 0,
           [=, &k](const Work& w, int64_t i) { k.gather(w.at(y, i), w.at(x, i), view); });
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      add_task(planner, backward_name(planner, node), {dy, dx}, 0, [=, &k](const Work& w, int64_t i) {
        fill(w.at(dx, i), 0.0f, size);
        k.scatter_add(w.at(dx, i), w.at(dy, i), view);
      });
    });
  });
}

void plan_scatter(Planner& planner, int node) {
  const auto& n = planner.attributes<ScatterNode>(node);
  const int input = planner.node(node).inputs[0];
  const StridedDims view = view_of(planner.shape(input), n.offset, n.strides);
  const int64_t size = planner.shape(node).size();
  const float value = n.fill;
  const TensorKernels& k = planner.kernels().tensor;
  const auto fill = planner.kernels().elementwise.fill;
  const int x = planner.value(input), y = planner.value(node);
  add_task(planner, planner.node(node).name, {x, y}, 0, [=, &k](const Work& w, int64_t i) {
    fill(w.at(y, i), value, size);
    k.scatter(w.at(y, i), w.at(x, i), view);
  });
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      add_task(planner, backward_name(planner, node), {dy, dx}, 0,
               [=, &k](const Work& w, int64_t i) { k.gather(w.at(dx, i), w.at(dy, i), view); });
    });
  });
}

void plan_matmul(Planner& planner, int node) {
  const MatmulNode t = planner.attributes<MatmulNode>(node);
  const std::vector<int> inputs = planner.node(node).inputs;
  const Shape &a_shape = planner.shape(inputs[0]), &b_shape = planner.shape(inputs[1]), &y_shape = planner.shape(node);
  const int64_t m = y_shape.w(), n = y_shape.c(), depth = t.transpose_a ? a_shape.w() : a_shape.c();
  const int64_t count = y_shape.size() / (m * n);
  const bool share_a = a_shape.rank() == 2, share_b = b_shape.rank() == 2;  // one matrix for all leading places
  const TensorKernels& k = planner.kernels().tensor;
  const int a = planner.value(inputs[0]), b = planner.value(inputs[1]), y = planner.value(node);
  const double flops = 2.0 * static_cast<double>(count * m * depth) * static_cast<double>(n);
  const int64_t a_step = share_a ? 0 : m * depth, b_step = share_b ? 0 : depth * n;
  Task& forward = add_task(planner, planner.node(node).name, {a, b, y}, flops, [=, &k](const Work& w, int64_t i) {
    for (int64_t j = 0; j < count; ++j)
      k.matmul(w.at(y, i) + j * m * n, w.at(a, i) + j * a_step, w.at(b, i) + j * b_step, m, depth, n, t.transpose_a,
               t.transpose_b, false, w.scratch);
  });
  forward.scratch_floats = k.matmul_scratch(m, depth, n);
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(inputs[0], [&](int da) {
      add_task(planner, backward_name(planner, node) + " by a", {b, dy, da}, flops, [=, &k](const Work& w, int64_t i) {
        for (int64_t j = 0; j < count; ++j) {
          float *to = w.at(da, i) + j * a_step, *g = w.at(dy, i) + j * m * n;
          const float* other = w.at(b, i) + j * b_step;
          const bool add = share_a && j > 0;
          if (t.transpose_a) k.matmul(to, other, g, depth, n, m, t.transpose_b, true, add, w.scratch);
          else k.matmul(to, g, other, m, n, depth, false, !t.transpose_b, add, w.scratch);
        }
      }).scratch_floats = std::max(k.matmul_scratch(depth, n, m), k.matmul_scratch(m, n, depth));
    });
    planner.add_gradient(inputs[1], [&](int db) {
      add_task(planner, backward_name(planner, node) + " by b", {a, dy, db}, flops, [=, &k](const Work& w, int64_t i) {
        for (int64_t j = 0; j < count; ++j) {
          float *to = w.at(db, i) + j * b_step, *g = w.at(dy, i) + j * m * n;
          const float* other = w.at(a, i) + j * a_step;
          const bool add = share_b && j > 0;
          if (t.transpose_b) k.matmul(to, g, other, n, m, depth, true, t.transpose_a, add, w.scratch);
          else k.matmul(to, other, g, depth, m, n, !t.transpose_a, false, add, w.scratch);
        }
      }).scratch_floats = std::max(k.matmul_scratch(n, m, depth), k.matmul_scratch(depth, m, n));
    });
  });
}

void plan_take(Planner& planner, int node) {
  const size_t axis = static_cast<size_t>(planner.attributes<TakeNode>(node).axis);
  const std::vector<int> inputs = planner.node(node).inputs;
  const Shape& x_shape = planner.shape(inputs[0]);
  const int64_t n = x_shape.dims[axis], count = planner.shape(inputs[1]).size(), size = x_shape.size();
  int64_t outer = 1;
  for (size_t i = 0; i < axis; ++i) outer *= x_shape.dims[i];
  const int64_t inner = size / (outer * n);
  const TensorKernels& k = planner.kernels().tensor;
  const auto fill = planner.kernels().elementwise.fill;
  const int x = planner.value(inputs[0]), index = planner.value(inputs[1]), y = planner.value(node);
  add_task(planner, planner.node(node).name, {x, index, y}, 0, [=, &k](const Work& w, int64_t i) {
    k.take(w.at(y, i), w.at(x, i), w.at(index, i), outer, n, inner, count);
  });
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(inputs[0], [&](int dx) {
      add_task(planner, backward_name(planner, node), {index, dy, dx}, 0, [=, &k](const Work& w, int64_t i) {
        fill(w.at(dx, i), 0.0f, size);
        k.take_backward(w.at(dx, i), w.at(dy, i), w.at(index, i), outer, n, inner, count);
      });
    });
  });
}

void plan_batch_reduce(Planner& planner, int node) {
  const bool mean = planner.attributes<BatchReduceNode>(node).mean;
  const int input = planner.node(node).inputs[0];
  const ElementwiseKernels& k = planner.kernels().elementwise;
  const int x = planner.value(input), y = planner.value(node);
  const int64_t n = planner.shape(node).size();
  planner.needs_whole_batch();
  const auto scale_of = [mean](const Work& w) { return mean ? 1.0f / static_cast<float>(w.run.samples) : 1.0f; };
  Task forward;
  forward.name = planner.node(node).name;
  forward.kind = Task::kOnce;
  forward.buffers = {x, y};
  forward.run = [=, &k](const Work& w) {
    float* sum = w.at(y, 0);
    k.copy_rows(sum, n, w.at(x, 0), n, 1, n);
    for (int64_t s = 1; s < w.run.samples; ++s) k.add(sum, sum, w.at(x, s), n);
    k.scale_shift(sum, sum, scale_of(w), 0.0f, n);
  };
  planner.add(std::move(forward));
  planner.on_backward(node, [=, &planner, &k] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      Task backward;
      backward.name = backward_name(planner, node);
      backward.buffers = {dy, dx};
      backward.run = [=, &k](const Work& w) {
        for (int64_t s = w.begin; s < w.end; ++s) k.scale_shift(w.at(dx, s), w.at(dy, s), scale_of(w), 0.0f, n);
      };
      planner.add(std::move(backward));
    });
  });
}

}  // namespace pycnn
