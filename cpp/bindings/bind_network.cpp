#include <algorithm>
#include <cmath>

#include "bindings/bindings.h"
#include "bindings/names.h"
#include "engine/network.h"
#include "runtime/dispatch.h"

namespace pycnn::bindings {
namespace {

// A batch and the arrays that keep its memory alive.
struct Held {
  Batch batch;
  int64_t available = -1;  // samples of the arrays, which `index` picks from
  std::vector<py::object> arrays;

  void keep(const py::object& array) { arrays.push_back(array); }
};

std::vector<int64_t> with_batch(int64_t samples, std::vector<int64_t> dims) {
  dims.insert(dims.begin(), samples);
  return dims;
}

// "x", or "x[1]" where there are several.
std::string numbered(const char* name, size_t number, size_t count) {
  return count == 1 ? name : std::string(name) + "[" + std::to_string(number) + "]";
}

Source hold_input(Held& held, const Shape& shape, const py::array& x, const std::string& name) {
  py::array kept = x;
  SourceType type = SourceType::kFloat32;
  if (py::isinstance<py::array_t<double>>(x)) type = SourceType::kFloat64;
  else if (py::isinstance<py::array_t<uint8_t>>(x)) type = SourceType::kUint8;
  else if (!py::isinstance<py::array_t<float>>(x)) kept = as<Floats>(x, name.c_str());
  if (!(kept.flags() & py::array::c_style)) kept = py::array::ensure(kept, py::array::c_style);
  if (!kept) throw std::bad_alloc();
  const bool fits = kept.ndim() == static_cast<py::ssize_t>(shape.rank()) + 1 &&
                    std::equal(shape.dims.begin(), shape.dims.end(), kept.shape() + 1);
  require(fits, name + " must have shape " + (shape.rank() ? "(samples, " + shape.text().substr(1) : "(samples,)") +
                    ", but has " + text_of(shape_of(kept)));
  require(held.available < 0 || held.available == kept.shape(0), name + " has " + std::to_string(kept.shape(0)) +
                                                                     " samples, but the others have " +
                                                                     std::to_string(held.available));
  held.available = kept.shape(0);
  held.keep(kept);
  return {kept.data(), type};
}

void hold_inputs(Held& held, const Network& network, const std::vector<py::object>& x, bool objective) {
  const size_t count = network.inputs().size();
  require(x.size() <= count, "x has " + std::to_string(x.size()) + " arrays; expected " + std::to_string(count));
  for (size_t i = 0; i < count; ++i) {
    const bool given = i < x.size() && !x[i].is_none();
    require(given || !network.needs_input(static_cast<int>(i), objective),
            "x: input " + std::to_string(i) + " (" + network.graph().node(network.inputs()[i]).name + ") is missing");
    held.batch.inputs.push_back(given ? hold_input(held, network.input_shape(static_cast<int>(i)),
                                                   as<py::array>(x[i], "x"), numbered("x", i, count))
                                      : Source{});
  }
  held.batch.samples = held.available;
}

void hold_index(Held& held, const py::object& index) {
  if (index.is_none()) return;
  const char kind = as<py::array>(index, "index").dtype().kind();
  require(kind == 'i' || kind == 'u', "index must hold integers");
  const auto array = as<WideLabels>(index, "index");
  require_rank(array, 1, "index");
  const int64_t* i = array.data();
  for (py::ssize_t k = 0; k < array.size(); ++k)
    require(i[k] >= 0 && i[k] < held.available,
            "index " + std::to_string(i[k]) + " is outside the " + std::to_string(held.available) + " samples of x");
  held.batch.samples = array.size();
  held.batch.index = i;
  held.keep(array);
}

// Wider integers are checked before they are narrowed.
Labels narrowed(const py::array& y) {
  if (!py::isinstance<py::array_t<int32_t>>(y)) {
    const auto wide = as<WideLabels>(y, "y");
    for (py::ssize_t i = 0; i < wide.size(); ++i)
      require(wide.data()[i] == static_cast<int32_t>(wide.data()[i]),
              "y: label " + std::to_string(wide.data()[i]) + " is no class number");
  }
  return as<Labels>(y, "y");
}

void check_labels(const Batch& batch, const int32_t* labels, int64_t rows, int64_t classes) {
  for (int64_t s = 0; s < batch.samples; ++s)
    for (int64_t r = 0; r < rows; ++r) {
      const int32_t label = labels[batch.source(s) * rows + r];
      require(label >= 0 && label < classes, "y: label " + std::to_string(label) + " of sample " + std::to_string(s) +
                                                 " is outside the " + std::to_string(classes) + " classes (0 to " +
                                                 std::to_string(classes - 1) + ")");
    }
}

Target hold_target(Held& held, const Shape& out, bool sparse, const py::array& y) {
  const int64_t rows = out.size() / out.c();
  if (sparse) {
    require(y.dtype().kind() == 'i' || y.dtype().kind() == 'u' || y.dtype().kind() == 'b',
            "y must hold integer class numbers for sparse_categorical_crossentropy");
    const Labels labels = narrowed(y);
    require(labels.ndim() >= 1 && labels.shape(0) == held.available && labels.size() == held.available * rows,
            "y must hold " + std::to_string(rows) + " label(s) for each of the " + std::to_string(held.available) +
                " samples, but has shape " + text_of(shape_of(y)));
    held.keep(labels);
    check_labels(held.batch, labels.data(), rows, out.c());
    return {labels.data(), nullptr};
  }
  const auto targets = as<Floats>(y, "y");
  const bool flat = targets.ndim() == 1 && out.size() == 1 && targets.shape(0) == held.available;
  if (!flat) require_shape(targets, with_batch(held.available, out.dims), "y");
  held.keep(targets);
  return {nullptr, targets.data()};
}

// Of each target, the node that it is compared with and whether it holds class numbers; -1 where no term reads it.
struct TargetKind {
  int node = -1;
  bool sparse = false;
};
std::vector<TargetKind> target_kinds(const Objective& objective) {
  std::vector<TargetKind> kinds;
  const auto note = [&](int target, int node, bool sparse) {
    if (target < 0) return;
    if (kinds.size() <= static_cast<size_t>(target)) kinds.resize(static_cast<size_t>(target) + 1);
    TargetKind& kind = kinds[static_cast<size_t>(target)];
    if (kind.node < 0) kind = {node, sparse};
  };
  for (const LossTerm& t : objective.losses)
    if (t.kind != LossKind::kValue) note(t.target, t.node, t.kind == LossKind::kSparseCategoricalCrossentropy);
  for (const MetricTerm& t : objective.metrics)
    if (t.kind != MetricKind::kValue) note(t.target, t.node, t.kind == MetricKind::kSparseCategoricalAccuracy);
  return kinds;
}

void hold_targets(Held& held, const Network& network, const std::vector<py::object>& y) {
  const std::vector<TargetKind> kinds = target_kinds(network.objective());
  require(y.size() >= kinds.size(),
          "y has " + std::to_string(y.size()) + " arrays; expected " + std::to_string(kinds.size()));
  for (size_t t = 0; t < kinds.size(); ++t)
    held.batch.targets.push_back(kinds[t].node < 0 ? Target{}
                                                   : hold_target(held, network.graph().shape(kinds[t].node),
                                                                 kinds[t].sparse, as<py::array>(y[t], "y")));
}

void hold_weights(Held& held, const std::vector<py::object>& weights) {
  for (const py::object& weight : weights) {
    held.batch.weights.push_back(nullptr);
    if (weight.is_none()) continue;
    const auto array = as<Floats>(weight, "weight");
    require_shape(array, {held.available}, "weight");
    held.batch.weights.back() = array.data();
    held.keep(array);
  }
}

using Arrays = std::vector<py::object>;

void hold_outputs(Held& held, const Network& network, const Arrays& out) {
  const size_t count = network.outputs().size();
  require(out.size() == count, "out has " + std::to_string(out.size()) + " arrays; expected " + std::to_string(count));
  for (size_t i = 0; i < count; ++i) {
    held.batch.outputs.push_back(nullptr);
    if (out[i].is_none()) continue;
    const std::string name = numbered("out", i, count);
    require(py::isinstance<py::array_t<float>>(out[i]), name + " must be a float32 array");
    auto array = py::reinterpret_borrow<py::array_t<float>>(out[i]);
    const Node& node = network.graph().node(network.outputs()[i]);
    require_shape(array, node.batched ? with_batch(held.batch.samples, node.shape.dims) : node.shape.dims,
                  name.c_str());
    require(array.writeable() && (array.flags() & py::array::c_style), name + " must be writable and C-contiguous");
    held.batch.outputs.back() = array.mutable_data();
    held.keep(array);
  }
}

Held labelled(const Network& network, const Arrays& x, const Arrays& y, const py::object& index, const Arrays& weight,
              const std::optional<Arrays>& out) {
  require(network.compiled(), "the network has no loss yet: call compile first");
  Held held;
  hold_inputs(held, network, x, true);
  hold_index(held, index);
  hold_targets(held, network, y);
  hold_weights(held, weight);
  if (out) hold_outputs(held, network, *out);
  return held;
}

py::tuple as_tuple(const StepResult& result) { return py::make_tuple(result.loss, result.losses, result.metrics); }

template <class Step>
py::tuple step(const Held& held, const Step& run) {
  StepResult result;
  {
    const GilReleased released;
    result = run(held.batch);
  }
  return as_tuple(result);
}

py::tuple train_step(Network& network, const Arrays& x, const Arrays& y, const py::object& index, const Arrays& weight,
                     float learning_rate, const std::optional<Arrays>& out) {
  return step(labelled(network, x, y, index, weight, out),
              [&](const Batch& batch) { return network.train_step(batch, learning_rate); });
}

py::list train_steps(Network& network, const Arrays& x, const Arrays& y, const py::object& index, const Arrays& weight,
                     float learning_rate, int64_t each) {
  const Held held = labelled(network, x, y, index, weight, std::nullopt);
  require(held.batch.index, "index must say which samples the steps take");
  require(each > 0, "each must be at least 1, not " + std::to_string(each));
  std::vector<StepResult> results;
  {
    const GilReleased released;
    for (int64_t begin = 0; begin < held.batch.samples; begin += each) {
      Batch batch = held.batch;
      batch.index += begin;
      batch.samples = std::min(each, held.batch.samples - begin);
      results.push_back(network.train_step(batch, learning_rate));
    }
  }
  py::list list;
  for (const StepResult& result : results) list.append(as_tuple(result));
  return list;
}

py::tuple compute_gradients(Network& network, const Arrays& x, const Arrays& y, const py::object& index,
                            const Arrays& weight, const std::optional<Arrays>& out) {
  return step(labelled(network, x, y, index, weight, out),
              [&](const Batch& batch) { return network.compute_gradients(batch); });
}

py::tuple test_step(Network& network, const Arrays& x, const Arrays& y, const py::object& index, const Arrays& weight,
                    const std::optional<Arrays>& out) {
  return step(labelled(network, x, y, index, weight, out),
              [&](const Batch& batch) { return network.test_step(batch); });
}

void apply_gradients(Network& network, float learning_rate) {
  const GilReleased released;
  network.apply_gradients(learning_rate);
}

py::dict as_dict(const MemoryUse& memory) {
  py::dict d;
  d["weights"] = memory.weights;
  d["packed_weights"] = memory.packed_weights;
  d["activations"] = memory.activations;
  d["threads"] = memory.threads;
  d["gradients"] = memory.gradients;
  d["optimizer"] = memory.optimizer;
  return d;
}

py::dict as_dict(const Profile& profile) {
  constexpr const char* kPhases[] = {"forward", "backward", "update", "packing"};
  py::list rows;
  for (const ProfileRow& row : profile.rows)
    rows.append(py::make_tuple(row.layer, kPhases[static_cast<int>(row.phase)], row.algorithm, row.seconds, row.flops,
                               row.bytes));
  py::dict d;
  d["threads"] = profile.threads;
  d["chosen_threads"] = profile.chosen_threads;
  py::dict thread_times;
  for (const ThreadTime& time : profile.thread_times) thread_times[py::int_(time.threads)] = time.seconds;
  d["thread_times"] = thread_times;
  d["seconds"] = profile.seconds;
  d["samples"] = profile.samples;
  d["rows"] = rows;
  d["fused"] = profile.fused;
  py::list stages;
  for (const StageCost& stage : profile.stages) {
    py::list work;
    for (const StageCost::Alike& each : stage.work) work.append(py::make_tuple(each.pieces, each.seconds));
    stages.append(py::make_tuple(stage.name, work));
  }
  d["stages"] = stages;
  d["memory"] = as_dict(profile.memory);
  return d;
}

// `runs` profiles, one after the other so that no thread falls asleep between them.
template <class Step>
py::list profiles(int64_t runs, const Step& step) {
  require(runs >= 1, "runs must be at least 1, but is " + std::to_string(runs));
  std::vector<Profile> found(static_cast<size_t>(runs));
  {
    const GilReleased released;
    for (Profile& profile : found) step(&profile);
  }
  py::list list;
  for (const Profile& profile : found) list.append(as_dict(profile));
  return list;
}

py::list profile_train_step(Network& network, const Arrays& x, const Arrays& y, const py::object& index,
                            const Arrays& weight, float learning_rate, int64_t runs) {
  const Held held = labelled(network, x, y, index, weight, std::nullopt);
  return profiles(runs, [&](Profile* profile) { network.train_step(held.batch, learning_rate, profile); });
}

Held with_outputs(const Network& network, const Arrays& x, const Arrays& out) {
  Held held;
  hold_inputs(held, network, x, false);
  hold_outputs(held, network, out);
  return held;
}

void predict(Network& network, const Arrays& x, const Arrays& out, bool training) {
  const Held held = with_outputs(network, x, out);
  const GilReleased released;
  network.predict(held.batch, training);
}

py::list profile_predict(Network& network, const Arrays& x, const Arrays& out, int64_t runs) {
  const Held held = with_outputs(network, x, out);
  return profiles(runs, [&](Profile* profile) { network.predict(held.batch, false, profile); });
}

int checked_parameter(Network& network, int index) {
  const int count = network.parameters().count();
  if (index < 0 || index >= count)
    throw py::index_error("parameter " + std::to_string(index) + " of a network that has " + std::to_string(count));
  return index;
}

Floats gradient_view(py::object self, int index) {
  auto& network = self.cast<Network&>();
  checked_parameter(network, index);
  return view(network.parameters().gradient(index), network.parameters().variable(index).dims(), self);
}

Floats all_gradients(py::object self) {
  const AlignedFloats& all = self.cast<Network&>().parameters().gradients();
  return view(all.data(), {all.size()}, self);
}

OptimizerSpec spec_of(const std::string& kind, const std::map<std::string, double>& options) {
  OptimizerSpec spec;
  spec.kind = optimizer_kind(kind);
  for (const auto& [name, value] : options) spec.set(name, value);
  return spec;
}

Floats optimizer_state(const std::shared_ptr<Optimizer>& optimizer, const std::shared_ptr<Variable>& variable,
                       const std::string& name) {
  const std::vector<std::string> names = optimizer->slot_names();
  const auto found = std::find(names.begin(), names.end(), name);
  require(found != names.end(), "the optimizer has no state '" + name + "'");
  float* array = optimizer->state(variable)[static_cast<size_t>(found - names.begin())];
  auto* held = new std::shared_ptr<Optimizer>(optimizer);
  py::capsule owner(held, [](void* p) { delete static_cast<std::shared_ptr<Optimizer>*>(p); });
  return view(array, variable->dims(), owner);
}

void apply_to_variables(Optimizer& optimizer, const std::vector<std::shared_ptr<Variable>>& variables,
                        const std::vector<py::object>& gradients, float learning_rate) {
  require(variables.size() == gradients.size(),
          std::to_string(variables.size()) + " variables, but " + std::to_string(gradients.size()) + " gradients");
  std::vector<Floats> held;
  std::vector<const float*> arrays;
  for (size_t i = 0; i < variables.size(); ++i) {
    for (size_t k = 0; k < i; ++k) require(variables[i] != variables[k], "a variable comes twice");
    const std::string name = numbered("gradients", i, variables.size());
    held.push_back(as<Floats>(gradients[i], name.c_str()));
    require_shape(held.back(), variables[i]->dims(), name.c_str());
    arrays.push_back(held.back().data());
  }
  const GilReleased released;
  optimizer.apply(active_kernels(), variables, arrays, learning_rate);
}

void bind_optimizer(py::module_& m) {
  py::class_<Optimizer, std::shared_ptr<Optimizer>>(m, "Optimizer", "An optimizer's settings and its state.")
      .def(py::init([](const std::string& kind, const std::map<std::string, double>& options) {
             return std::make_shared<Optimizer>(spec_of(kind, options));
           }),
           py::arg("kind"), py::arg("options") = std::map<std::string, double>{})
      .def(
          "configure",
          [](Optimizer& o, const std::string& kind, const std::map<std::string, double>& options) {
            o.configure(spec_of(kind, options));
          },
          py::arg("kind"), py::arg("options"))
      .def_property(
          "iterations", [](const Optimizer& o) { return o.iterations; },
          [](Optimizer& o, int64_t value) {
            require(value >= 0, "iterations must not be negative");
            o.iterations = value;
          })
      .def_property_readonly("slot_names", py::overload_cast<>(&Optimizer::slot_names, py::const_))
      .def_property_readonly("slot_groups", &Optimizer::slot_groups)
      .def("state", &optimizer_state, py::arg("variable"), py::arg("name"))
      .def("set_decays", &Optimizer::set_decays, py::arg("variable"), py::arg("decays"))
      .def("apply", &apply_to_variables, py::arg("variables"), py::arg("gradients"), py::arg("learning_rate"));
}

using LossTuple = std::tuple<int, std::string, bool, float, int>;  // node, kind, from_logits, weight, target
using MetricTuple = std::tuple<int, std::string, float, int>;      // node, kind, threshold, target

void compile(Network& network, const std::vector<LossTuple>& losses, const std::vector<MetricTuple>& metrics,
             std::shared_ptr<Optimizer> optimizer) {
  Objective objective;
  for (const auto& [node, kind, from_logits, weight, target] : losses)
    objective.losses.push_back({node, loss_kind(kind), from_logits, weight, target});
  for (const auto& [node, kind, threshold, target] : metrics)
    objective.metrics.push_back({node, metric_kind(kind), threshold, target});
  network.compile(objective, std::move(optimizer));
}

Request request_of(bool training) {
  Request request;
  request.training = request.objective = request.gradients = training;
  request.outputs = !training;
  return request;
}

}  // namespace

void bind_network(py::module_& m) {
  bind_optimizer(m);
  const auto none = py::arg("out") = py::none();
  py::class_<Network>(m, "Network", "A graph with its parameters, and what runs it.")
      .def(py::init<Graph, std::vector<int>>(), py::arg("graph"), py::arg("outputs"))
      .def_property_readonly("inputs", &Network::inputs)
      .def_property_readonly("outputs", &Network::outputs)
      .def(
          "input_shape", [](const Network& n, int i) { return py::tuple(py::cast(n.input_shape(i).dims)); },
          py::arg("number") = 0)
      .def(
          "output_shape", [](const Network& n, int i) { return py::tuple(py::cast(n.output_shape(i).dims)); },
          py::arg("number") = 0)
      .def_property_readonly("graph", &Network::graph, py::return_value_policy::reference_internal)
      .def_property_readonly("optimizer", [](Network& n) { return n.optimizer(); })
      .def("gradient", &gradient_view, py::arg("index"))
      .def_property_readonly("gradients", &all_gradients)
      .def(
          "is_trainable", [](Network& n, int i) { return n.parameters().trainable(checked_parameter(n, i)); },
          py::arg("index"))
      .def(
          "set_trainable",
          [](Network& n, int i, bool trainable) { n.set_trainable(checked_parameter(n, i), trainable); },
          py::arg("index"), py::arg("trainable"))
      .def("compile", &compile, py::kw_only(), py::arg("losses"), py::arg("metrics") = std::vector<MetricTuple>{},
           py::arg("optimizer") = py::none())
      .def(
          "set_seed", [](Network& n, uint64_t seed) { n.set_seed(seed); }, py::arg("seed"))
      .def(
          "plan_for",
          [](Network& n, int threads) {
            require(threads >= 0, "threads must not be negative");
            n.plan_for(threads);
          },
          py::arg("threads"))
      .def("train_step", &train_step, py::arg("x"), py::arg("y"), py::arg("index").none(true), py::arg("weight"),
           py::arg("learning_rate"), none)
      .def("train_steps", &train_steps, py::arg("x"), py::arg("y"), py::arg("index"), py::arg("weight"),
           py::arg("learning_rate"), py::arg("each"))
      .def("test_step", &test_step, py::arg("x"), py::arg("y"), py::arg("index").none(true), py::arg("weight"), none)
      .def("compute_gradients", &compute_gradients, py::arg("x"), py::arg("y"), py::arg("index").none(true),
           py::arg("weight"), none)
      .def("apply_gradients", &apply_gradients, py::arg("learning_rate"))
      .def("predict", &predict, py::arg("x"), py::arg("out"), py::arg("training") = false)
      .def("profile_train_step", &profile_train_step, py::arg("x"), py::arg("y"), py::arg("index").none(true),
           py::arg("weight"), py::arg("learning_rate"), py::arg("runs") = 1)
      .def("profile_predict", &profile_predict, py::arg("x"), py::arg("out"), py::arg("runs") = 1)
      .def(
          "summary_of_plan",
          [](Network& n, bool training, int64_t batch) { return n.plan_text(request_of(training), batch); },
          py::arg("training"), py::arg("batch"));
}

}  // namespace pycnn::bindings
