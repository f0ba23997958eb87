// Operations that work on each value, row or channel by itself: a forward and a backward function on one sample each.
#include <functional>

#include "engine/planner.h"

namespace pycnn {
namespace {

using OneSample = std::function<void(const Work&, int64_t sample)>;

Task& add_task(Planner& planner, std::string name, std::vector<int> buffers, OneSample one) {
  Task task;
  task.name = std::move(name);
  task.buffers = std::move(buffers);
  task.run = [one = std::move(one)](const Work& w) {
    for (int64_t i = w.begin; i < w.end; ++i) one(w, i);
  };
  return planner.add(std::move(task));
}

// backward(dx, dy) makes the function that overwrites buffer dx from buffer dy; `reads` are what else it reads.
void plan_unary(Planner& planner, int node, OneSample forward, std::vector<int> reads,
                std::function<OneSample(int dx, int dy)> backward) {
  const int input = planner.node(node).inputs[0];
  const std::string& name = planner.node(node).name;
  add_task(planner, name, {planner.value(input), planner.value(node)}, std::move(forward));
  planner.on_backward(node, [=, &planner] {
    const int dy = planner.gradient(node);
    planner.add_gradient(input, [&](int dx) {
      std::vector<int> buffers = reads;
      buffers.insert(buffers.end(), {dy, dx});
      add_task(planner, planner.node(node).name + " backward", buffers, backward(dx, dy));
    });
  });
}

// Every node draws from its own stream, and a sample's position in the batch picks its part of it.
uint64_t random_stream(int node) { return static_cast<uint64_t>(node + 1) * 0x9e3779b97f4a7c15u; }

}  // namespace

void plan_input(Planner& planner, int node) {
  const int y = planner.value(node);
  const int64_t n = planner.shape(node).size();
  const auto convert = planner.kernels().elementwise.convert;
  size_t number = 0;  // among the inputs
  for (int i = 0; i < node; ++i) number += planner.graph().as<InputNode>(i) != nullptr;
  add_task(planner, planner.node(node).name, {y}, [=](const Work& w, int64_t i) {
    const Batch& batch = *w.run.batch;
    const Source& source = batch.inputs[number];
    const char* x = static_cast<const char*>(source.data);
    convert(w.at(y, i), x + batch.source(w.run.begin + i) * n * bytes_of(source.type), source.type, n);
  });
}

void plan_output(Planner& planner, int node, int number) {
  const int x = planner.value(node);
  const int64_t n = planner.shape(node).size();
  const bool batched = planner.node(node).batched;
  const auto copy_rows = planner.kernels().elementwise.copy_rows;
  add_task(planner, "output", {x}, [=](const Work& w, int64_t i) {
    float* out = w.run.batch->outputs[static_cast<size_t>(number)];
    if (out) copy_rows(out + (batched ? (w.run.begin + i) * n : 0), n, w.at(x, i), n, 1, n);
  }).writes_result = true;
}

void plan_activation(Planner& planner, int node) {
  const Activation f = planner.attributes<ActivationNode>(node).activation;
  const int input = planner.node(node).inputs[0];
  const ActivationKernels& k = planner.kernels().activation;
  const int x = planner.value(input), y = planner.value(node);
  const int64_t n = planner.shape(node).size();
  const bool from_output = derivative_from_output(f);
  plan_unary(
      planner, node, [=, &k](const Work& w, int64_t i) { k.forward(w.at(y, i), w.at(x, i), n, f); },
      {from_output ? y : x},
      [=, &k](int dx, int dy) -> OneSample {
        return [=, &k](const Work& w, int64_t i) {
          if (from_output) k.backward(w.at(dx, i), nullptr, w.at(y, i), w.at(dy, i), n, f);
          else k.backward(w.at(dx, i), w.at(x, i), nullptr, w.at(dy, i), n, f);
        };
      });
}

void plan_softmax(Planner& planner, int node) {
  const bool log = planner.attributes<SoftmaxNode>(node).log;
  const SoftmaxKernels& k = planner.kernels().softmax;
  const auto forward = log ? k.log_forward : k.forward;
  const auto backward = log ? k.log_backward : k.backward;
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(node);
  const int64_t columns = planner.shape(node).c(), rows = planner.shape(node).size() / columns;
  plan_unary(
      planner, node, [=](const Work& w, int64_t i) { forward(w.at(y, i), w.at(x, i), rows, columns); }, {y},
      [=](int dx, int dy) -> OneSample {
        return [=](const Work& w, int64_t i) { backward(w.at(dx, i), w.at(y, i), w.at(dy, i), rows, columns); };
      });
}

void plan_maxout(Planner& planner, int node) {
  const int64_t pieces = planner.attributes<MaxoutNode>(node).pieces;
  const ElementwiseKernels& k = planner.kernels().elementwise;
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(node);
  const int64_t units = planner.shape(node).c(), rows = planner.shape(node).size() / units;
  plan_unary(
      planner, node,
      [=, &k](const Work& w, int64_t i) { k.maxout_forward(w.at(y, i), w.at(x, i), rows, units, pieces); }, {x},
      [=, &k](int dx, int dy) -> OneSample {
        return [=, &k](const Work& w, int64_t i) {
          k.maxout_backward(w.at(dx, i), w.at(x, i), w.at(dy, i), rows, units, pieces);
        };
      });
}

void plan_dropout(Planner& planner, int node) {
  const auto [rate, always] = planner.attributes<DropoutNode>(node);
  if (!(planner.training() || always) || rate == 0) return planner.pass_through(node);
  const auto dropout = planner.kernels().elementwise.dropout;
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(node);
  const int64_t n = planner.shape(node).size();
  const uint64_t stream = random_stream(node);
  const auto masked = [=, rate = rate](const Work& w, int64_t i, int to, int from) {
    dropout(w.at(to, i), w.at(from, i), n, rate, w.run.seed ^ stream, (w.run.begin + i) * n);
  };
  plan_unary(
      planner, node, [=](const Work& w, int64_t i) { masked(w, i, y, x); }, {},
      [=](int dx, int dy) -> OneSample { return [=](const Work& w, int64_t i) { masked(w, i, dx, dy); }; });
}

void plan_uniform(Planner& planner, int node) {
  const auto uniform = planner.kernels().elementwise.uniform;
  const int y = planner.value(node);
  const int64_t n = planner.shape(node).size();
  const bool batched = planner.node(node).batched;
  const uint64_t stream = random_stream(node);
  add_task(planner, planner.node(node).name, {y}, [=](const Work& w, int64_t i) {
    uniform(w.at(y, i), n, w.run.seed ^ stream, batched ? (w.run.begin + i) * n : 0);
  });
}

void plan_pad2d(Planner& planner, int node) {
  const auto& n = planner.attributes<Pad2DNode>(node);
  const Shape& in = planner.shape(planner.node(node).inputs[0]);
  const Pad2D p = {in.h(),         in.w(),          in.c(), n.padding.top, n.padding.bottom,
                   n.padding.left, n.padding.right, n.mode, n.value};
  const Pad2DKernels& k = planner.kernels().pad2d;
  const int x = planner.value(planner.node(node).inputs[0]), y = planner.value(node);
  plan_unary(
      planner, node, [=, &k](const Work& w, int64_t i) { k.forward(w.at(y, i), w.at(x, i), p.c, p); }, {},
      [=, &k](int dx, int dy) -> OneSample {
        return [=, &k](const Work& w, int64_t i) { k.backward(w.at(dx, i), w.at(dy, i), p); };
      });
}

void plan_add(Planner& planner, int node) {
  const std::vector<int> inputs = planner.node(node).inputs;
  const ElementwiseKernels& k = planner.kernels().elementwise;
  const ActivationKernels& activation = planner.kernels().activation;
  const int fused = planner.fusable_activation(node), last = fused >= 0 ? fused : node;
  const Activation f = fused >= 0 ? planner.attributes<ActivationNode>(fused).activation : Activation{};
  const bool linear = f.kind == ActivationKind::kLinear;
  if (fused >= 0) planner.mark_planned(fused);
  const std::string name = planner.node(node).name;
  const int64_t n = planner.shape(node).size();
  const int y = planner.value(last);
  std::vector<int> x;
  for (int input : inputs) x.push_back(planner.value(input));
  std::vector<int> buffers = x;
  buffers.push_back(y);
  add_task(planner, fused >= 0 ? name + " + activation" : name, buffers,
           [=, &k, &activation](const Work& w, int64_t i) {
             k.add(w.at(y, i), w.at(x[0], i), w.at(x[1], i), n);
             for (size_t j = 2; j < x.size(); ++j) k.add(w.at(y, i), w.at(y, i), w.at(x[j], i), n);
             if (!linear) activation.forward(w.at(y, i), w.at(y, i), n, f);
           });
  planner.on_backward(last, [=, &planner, &k, &activation] {
    const int dy = planner.gradient(last);
    if (!linear)
      add_task(planner, name + " backward by activation", {y, dy}, [=, &activation](const Work& w, int64_t i) {
        activation.backward(w.at(dy, i), nullptr, w.at(y, i), w.at(dy, i), n, f);
      });
    std::vector<int> wanting;
    for (int input : inputs)
      if (planner.wants_gradient(input)) wanting.push_back(input);
    for (size_t j = 0; j < wanting.size(); ++j) {
      if (j + 1 == wanting.size() || planner.has_gradient(wanting[j])) planner.pass_gradient(wanting[j], dy);
      else
        planner.add_gradient(wanting[j], [&](int dx) {
          add_task(planner, name + " backward", {dx, dy},
                   [=, &k](const Work& w, int64_t i) { k.copy_rows(w.at(dx, i), n, w.at(dy, i), n, 1, n); });
        });
    }
  });
}

void plan_concat(Planner& planner, int node) {
  const std::vector<int> inputs = planner.node(node).inputs;
  const auto copy_rows = planner.kernels().elementwise.copy_rows;
  const int64_t named = planner.attributes<ConcatNode>(node).axis, rank = planner.shape(node).rank();
  const size_t axis = static_cast<size_t>(named < 0 ? named + rank : named);
  // As rows: all axes from this one on, those before it.
  const auto width_of = [&](int i) {
    int64_t width = 1;
    for (size_t a = axis; a < planner.shape(i).dims.size(); ++a) width *= planner.shape(i).dims[a];
    return width;
  };
  const int64_t width = width_of(node), rows = planner.shape(node).size() / width;
  const bool by_channels = joins_channels(planner.attributes<ConcatNode>(node), planner.shape(node));
  const Planner::ChannelSlice y = by_channels ? planner.channels(node) : planner.own_channels(node);
  const int64_t pixel = by_channels ? y.pixel : width;
  struct Part {
    int x;
    int64_t channel, width;
  };
  std::vector<Part> parts;  // those that are not written there already
  std::vector<int> buffers = {y.buffer};
  int64_t channel = y.channel;
  for (int input : inputs) {
    const int64_t part = width_of(input);
    if (!planner.is_written_in_place(input)) {
      parts.push_back({planner.value(input), channel, part});
      buffers.push_back(parts.back().x);
    }
    channel += part;
  }
  if (!parts.empty())
    add_task(planner, planner.node(node).name, buffers, [=](const Work& w, int64_t i) {
      for (const Part& part : parts)
        copy_rows(w.at(y.buffer, i) + part.channel, pixel, w.at(part.x, i), part.width, rows, part.width);
    });
  planner.on_backward(node, [=, &planner] {
    const int dy = planner.gradient(node);
    int64_t from = 0;
    for (const int input : inputs) {
      const int64_t part = planner.shape(input).size() / rows;
      planner.add_gradient(input, [&](int dx) {
        add_task(planner, planner.node(node).name + " backward", {dx, dy}, [=](const Work& w, int64_t i) {
          copy_rows(w.at(dx, i), part, w.at(dy, i) + from, width, rows, part);
        });
      });
      from += part;
    }
  });
}

}  // namespace pycnn
