// Functions of the caller in the midst of a network: once a batch, on the calling thread. What they throw ends the run.
#include "engine/planner.h"

namespace pycnn {
namespace {

struct HostValue {
  int buffer;  // -1 where it is not wanted
  const Shape* shape;
  bool batched;

  HostArray at(const Work& w) const {
    if (buffer < 0) return {nullptr, 0, 0, shape};
    return {w.at(buffer, 0), batched ? w.run.samples : 0, w.stride(buffer), shape};
  }
};

std::vector<HostArray> arrays(const std::vector<HostValue>& values, const Work& w) {
  std::vector<HostArray> found;
  for (const HostValue& v : values) found.push_back(v.at(w));
  return found;
}

template <class Call>
void add_call(Planner& planner, std::string name, const std::vector<HostValue>& touched, const Call& call) {
  Task task;
  task.name = std::move(name);
  task.kind = Task::kOnce;
  task.by_host = true;
  for (const HostValue& v : touched)
    if (v.buffer >= 0) task.buffers.push_back(v.buffer);
  task.run = [=](const Work& w) {
    try {
      call(w);
    } catch (...) {
      *w.run.exception = std::current_exception();
      w.run.failed->store(true);
    }
  };
  planner.add(std::move(task));
}

}  // namespace

void plan_host(Planner& planner, int node) {
  const std::shared_ptr<HostFunction> function = planner.attributes<HostNode>(node).function;
  const std::vector<int> inputs = planner.node(node).inputs;
  const bool training = planner.training();
  planner.needs_whole_batch();
  const auto host_value = [&planner](int of, int buffer) {
    return HostValue{buffer, &planner.shape(of), planner.node(of).batched};
  };
  std::vector<HostValue> x;
  for (int input : inputs) x.push_back(host_value(input, planner.value(input)));
  const HostValue y = host_value(node, planner.value(node));
  std::vector<HostValue> touched = x;
  touched.push_back(y);
  add_call(planner, planner.node(node).name, touched,
           [=](const Work& w) { function->forward(arrays(x, w), y.at(w), training); });
  planner.on_backward(node, [=, &planner] {
    const HostValue dy = {planner.gradient(node), y.shape, y.batched};
    std::vector<HostValue> dx;
    std::vector<std::pair<int, int>> given;  // inputs and the gradients by them
    for (int input : inputs) {
      const bool wanted = planner.wants_gradient(input);
      const int64_t size = planner.shape(input).size();
      int buffer = -1;
      if (wanted && planner.node(input).batched) given.emplace_back(input, buffer = planner.add_buffer(size));
      else if (wanted) buffer = planner.add_fixed(planner.gradient_of(input), size);
      dx.push_back({buffer, &planner.shape(input), planner.node(input).batched});
    }
    std::vector<HostValue> all = touched;
    all.push_back(dy);
    all.insert(all.end(), dx.begin(), dx.end());
    add_call(planner, planner.node(node).name + " backward", all,
             [=](const Work& w) { function->backward(arrays(x, w), y.at(w), dy.at(w), arrays(dx, w)); });
    for (const auto& [input, buffer] : given) planner.pass_gradient(input, buffer);
  });
}

}  // namespace pycnn
