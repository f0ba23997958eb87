#include <cmath>

#include "bindings/bindings.h"
#include "bindings/names.h"
#include "engine/network.h"

namespace pycnn::bindings {
namespace {

// A batch and the arrays that keep its memory alive.
struct Held {
  Batch batch;
  std::vector<py::object> arrays;
};

void hold_x(Held& held, const Network& network, const py::array& x, const char* name) {
  py::array kept = x;
  SourceType type = SourceType::kFloat32;
  if (py::isinstance<py::array_t<double>>(x)) type = SourceType::kFloat64;
  else if (py::isinstance<py::array_t<uint8_t>>(x)) type = SourceType::kUint8;
  else if (!py::isinstance<py::array_t<float>>(x)) kept = as<Floats>(x, name);
  if (!(kept.flags() & py::array::c_style)) kept = py::array::ensure(kept, py::array::c_style);
  if (!kept) throw std::bad_alloc();
  std::vector<int64_t> expected = network.input_shape().dims;
  const bool fits = kept.ndim() == static_cast<py::ssize_t>(expected.size()) + 1 &&
                    std::equal(expected.begin(), expected.end(), kept.shape() + 1);
  require(fits, std::string(name) + " must have shape (samples, " + network.input_shape().text().substr(1) +
                    ", but has " + text_of(shape_of(kept)));
  held.batch.x = kept.data();
  held.batch.x_type = type;
  held.batch.samples = kept.shape(0);
  held.arrays.push_back(kept);
}

void hold_index(Held& held, const py::object& index) {
  if (index.is_none()) return;
  const char kind = as<py::array>(index, "index").dtype().kind();
  require(kind == 'i' || kind == 'u', "index must hold integers");
  const auto array = as<WideLabels>(index, "index");
  require_rank(array, 1, "index");
  const int64_t* i = array.data();
  for (py::ssize_t k = 0; k < array.size(); ++k)
    require(i[k] >= 0 && i[k] < held.batch.samples, "index " + std::to_string(i[k]) + " is outside the " +
                                                        std::to_string(held.batch.samples) + " samples of x");
  held.batch.samples = array.size();
  held.batch.index = i;
  held.arrays.push_back(array);
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

void check_labels(const Batch& batch, int64_t rows, int64_t classes) {
  for (int64_t s = 0; s < batch.samples; ++s)
    for (int64_t r = 0; r < rows; ++r) {
      const int32_t label = batch.labels[batch.source(s) * rows + r];
      require(label >= 0 && label < classes, "y: label " + std::to_string(label) + " of sample " + std::to_string(s) +
                                                 " is outside the " + std::to_string(classes) + " classes (0 to " +
                                                 std::to_string(classes - 1) + ")");
    }
}

void hold_y(Held& held, const Network& network, const py::array& y) {
  const int64_t available = held.arrays[0].cast<py::array>().shape(0);
  const Shape& out = network.output_shape();
  const int64_t rows = out.size() / out.c();
  if (network.objective().loss == LossKind::kSparseCategoricalCrossentropy) {
    require(y.dtype().kind() == 'i' || y.dtype().kind() == 'u' || y.dtype().kind() == 'b',
            "y must hold integer class numbers for sparse_categorical_crossentropy");
    const Labels labels = narrowed(y);
    require(labels.ndim() >= 1 && labels.shape(0) == available && labels.size() == available * rows,
            "y must hold " + std::to_string(rows) + " label(s) for each of the " + std::to_string(available) +
                " samples, but has shape " + text_of(shape_of(y)));
    held.batch.labels = labels.data();
    held.arrays.push_back(labels);
    return check_labels(held.batch, rows, out.c());
  }
  const auto targets = as<Floats>(y, "y");
  std::vector<int64_t> expected = out.dims;
  expected.insert(expected.begin(), available);
  const bool flat = targets.ndim() == 1 && out.size() == 1 && targets.shape(0) == available;
  if (!flat) require_shape(targets, expected, "y");
  held.batch.targets = targets.data();
  held.arrays.push_back(targets);
}

void hold_weight(Held& held, const py::object& weight) {
  if (weight.is_none()) return;
  const auto array = as<Floats>(weight, "weight");
  require_shape(array, {held.arrays[0].cast<py::array>().shape(0)}, "weight");
  held.batch.weight = array.data();
  held.arrays.push_back(array);
}

Held labelled(const Network& network, const py::array& x, const py::array& y, const py::object& index,
              const py::object& weight) {
  require(network.compiled(), "the network has no loss yet: call compile first");
  Held held;
  hold_x(held, network, x, "x");
  hold_index(held, index);
  hold_y(held, network, y);
  hold_weight(held, weight);
  return held;
}

py::tuple train_step(Network& network, const py::array& x, const py::array& y, const py::object& index,
                     const py::object& weight, float learning_rate) {
  const Held held = labelled(network, x, y, index, weight);
  StepResult result;
  {
    py::gil_scoped_release release;
    result = network.train_step(held.batch, learning_rate);
  }
  return py::make_tuple(result.loss, result.correct);
}

py::dict as_dict(const Profile& profile) {
  constexpr const char* kPhases[] = {"forward", "backward", "update", "packing"};
  py::list rows;
  for (const ProfileRow& row : profile.rows)
    rows.append(py::make_tuple(row.layer, kPhases[static_cast<int>(row.phase)], row.algorithm, row.seconds, row.flops,
                               row.bytes));
  py::dict d;
  d["threads"] = profile.threads;
  d["seconds"] = profile.seconds;
  d["samples"] = profile.samples;
  d["rows"] = rows;
  d["fused"] = profile.fused;
  return d;
}

// `runs` profiles, one behind the other so that no thread falls asleep between them.
template <class Step>
py::list profiles(int64_t runs, const Step& step) {
  require(runs >= 1, "runs must be at least 1, but is " + std::to_string(runs));
  std::vector<Profile> found(static_cast<size_t>(runs));
  {
    py::gil_scoped_release release;
    for (Profile& profile : found) step(&profile);
  }
  py::list list;
  for (const Profile& profile : found) list.append(as_dict(profile));
  return list;
}

py::list profile_train_step(Network& network, const py::array& x, const py::array& y, const py::object& index,
                            const py::object& weight, float learning_rate, int64_t runs) {
  const Held held = labelled(network, x, y, index, weight);
  return profiles(runs, [&](Profile* profile) { network.train_step(held.batch, learning_rate, profile); });
}

py::tuple test_step(Network& network, const py::array& x, const py::array& y, const py::object& index,
                    const py::object& weight) {
  const Held held = labelled(network, x, y, index, weight);
  StepResult result;
  {
    py::gil_scoped_release release;
    result = network.test_step(held.batch);
  }
  return py::make_tuple(result.loss, result.correct);
}

Held with_output(const Network& network, const py::array& x, py::array_t<float>& out) {
  Held held;
  hold_x(held, network, x, "x");
  std::vector<int64_t> expected = network.output_shape().dims;
  expected.insert(expected.begin(), held.batch.samples);
  require_shape(out, expected, "out");
  require(out.writeable() && (out.flags() & py::array::c_style), "out must be writable and C-contiguous");
  held.batch.out = out.mutable_data();
  return held;
}

void predict(Network& network, const py::array& x, py::array_t<float> out) {
  const Held held = with_output(network, x, out);
  py::gil_scoped_release release;
  network.predict(held.batch);
}

py::list profile_predict(Network& network, const py::array& x, py::array_t<float> out, int64_t runs) {
  const Held held = with_output(network, x, out);
  return profiles(runs, [&](Profile* profile) { network.predict(held.batch, profile); });
}

int checked_parameter(Network& network, int index) {
  const int count = network.parameters().count();
  if (index < 0 || index >= count)
    throw py::index_error("parameter " + std::to_string(index) + " of a network that has " + std::to_string(count));
  return index;
}

Floats parameter_view(py::object self, int index) {
  auto& network = self.cast<Network&>();
  checked_parameter(network, index);
  return view(network.parameters().weights(index), network.parameters().description(index).dims, self);
}

Floats gradient_view(py::object self, int index) {
  auto& network = self.cast<Network&>();
  checked_parameter(network, index);
  Floats a = view(network.parameters().gradient(index), network.parameters().description(index).dims, self);
  py::detail::array_proxy(a.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return a;
}

Floats optimizer_slot_view(py::object self, const std::string& name, int index) {
  auto& network = self.cast<Network&>();
  checked_parameter(network, index);
  // The state lives on while somebody looks at it, even when the network has got another optimizer.
  auto* held = new std::shared_ptr<Optimizer>(network.optimizer());
  py::capsule owner(held, [](void* p) { delete static_cast<std::shared_ptr<Optimizer>*>(p); });
  return view((*held)->slot(name) + network.parameters().offset(index), network.parameters().description(index).dims,
              owner);
}

void compile(Network& network, const std::string& loss, bool from_logits, const std::string& metric,
             const std::string& optimizer, const std::map<std::string, double>& options) {
  Objective objective;
  objective.loss = loss_kind(loss);
  objective.from_logits = from_logits;
  objective.metric = metric_kind(metric);
  OptimizerSpec spec;
  spec.kind = optimizer_kind(optimizer);
  for (const auto& [name, value] : options) {
    const float number = static_cast<float>(value);
    const bool rate = name != "epsilon" && name != "weight_decay";
    const bool positive = name == "epsilon" ? value > 0 : value >= 0;
    require(rate ? value >= 0 && value <= 1 : positive && std::isfinite(value),
            name + " must " +
                (rate                ? "lie in [0, 1]"
                 : name == "epsilon" ? "be positive"
                                     : "be at least 0") +
                ", but is " + std::to_string(value));
    require(value < 1 || (name != "beta_1" && name != "beta_2"), name + " must be below 1");
    if (name == "momentum") spec.momentum = number;
    else if (name == "rho") spec.rho = value;
    else if (name == "epsilon") spec.epsilon = number;
    else if (name == "beta_1") spec.beta_1 = value;
    else if (name == "beta_2") spec.beta_2 = value;
    else if (name == "weight_decay") spec.weight_decay = number;
    else if (name == "nesterov") spec.nesterov = value != 0;
    else if (name == "centered") spec.centered = value != 0;
    else if (name == "amsgrad") spec.amsgrad = value != 0;
    else fail("unknown optimizer option '" + name + "'");
  }
  network.compile(objective, spec);
}

}  // namespace

void bind_network(py::module_& m) {
  py::class_<Network>(m, "Network", "A graph with its parameters, all zero at first, and what runs it.")
      .def(py::init<Graph, int>(), py::arg("graph"), py::arg("output"))
      .def_property_readonly("input_shape", [](const Network& n) { return py::tuple(py::cast(n.input_shape().dims)); })
      .def_property_readonly("output_shape",
                             [](const Network& n) { return py::tuple(py::cast(n.output_shape().dims)); })
      .def_property_readonly("parameter_count", [](Network& n) { return n.parameters().count(); })
      .def(
          "parameter_node", [](Network& n, int i) { return n.parameters().description(checked_parameter(n, i)).node; },
          py::arg("index"))
      .def(
          "parameter_name", [](Network& n, int i) { return n.parameters().description(checked_parameter(n, i)).name; },
          py::arg("index"))
      .def("parameter", &parameter_view, py::arg("index"))
      .def("gradient", &gradient_view, py::arg("index"))
      .def("touch", [](Network& n) { n.parameters().touch(); })
      .def(
          "is_trainable", [](Network& n, int i) { return n.parameters().trainable(checked_parameter(n, i)); },
          py::arg("index"))
      .def(
          "set_trainable",
          [](Network& n, int i, bool trainable) { n.parameters().set_trainable(checked_parameter(n, i), trainable); },
          py::arg("index"), py::arg("trainable"))
      .def("compile", &compile, py::kw_only(), py::arg("loss"), py::arg("from_logits") = false,
           py::arg("metric") = "none", py::arg("optimizer") = "none",
           py::arg("options") = std::map<std::string, double>{})
      .def(
          "set_seed", [](Network& n, uint64_t seed) { n.set_seed(seed); }, py::arg("seed"))
      .def("train_step", &train_step, py::arg("x"), py::arg("y"), py::arg("index").none(true),
           py::arg("weight").none(true), py::arg("learning_rate"))
      .def("test_step", &test_step, py::arg("x"), py::arg("y"), py::arg("index").none(true),
           py::arg("weight").none(true))
      .def("predict", &predict, py::arg("x"), py::arg("out").noconvert())
      .def("profile_train_step", &profile_train_step, py::arg("x"), py::arg("y"), py::arg("index").none(true),
           py::arg("weight").none(true), py::arg("learning_rate"), py::arg("runs") = 1)
      .def("profile_predict", &profile_predict, py::arg("x"), py::arg("out").noconvert(), py::arg("runs") = 1)
      .def_property(
          "iterations", [](Network& n) { return n.optimizer()->iterations; },
          [](Network& n, int64_t value) {
            require(value >= 0, "iterations must not be negative");
            n.optimizer()->iterations = value;
          })
      .def_property_readonly("optimizer_slots", [](Network& n) { return n.optimizer()->slot_names(); })
      .def("optimizer_slot", &optimizer_slot_view, py::arg("name"), py::arg("index"))
      .def(
          "summary_of_plan",
          [](Network& n, bool training, int64_t batch) {
            return n.plan_text(training ? Mode::kTrain : Mode::kPredict, batch);
          },
          py::arg("training"), py::arg("batch"));
}

}  // namespace pycnn::bindings
