#include "api/model.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "api/network_calls.h"
#include "runtime/fork.h"

namespace pycnn {
namespace {

Model model_of(const SafeTensors& file, bool lazy = false) {
  install_fork_handler();
  return Model(std::make_shared<Model::Impl>(model_from(file, lazy)));
}

template <class T>
constexpr SourceType kSourceType = std::is_same_v<T, float> ? SourceType::kFloat32 : SourceType::kUint8;

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

template <class Pointer>
void check_arrays(const std::vector<Pointer>& arrays, const std::vector<TensorInfo>& tensors, const std::string& what) {
  if (arrays.size() != tensors.size())
    throw std::invalid_argument("predict got " + counted(arrays.size(), what + " array") + "; the model has " +
                                counted(tensors.size(), what));
  for (size_t i = 0; i < arrays.size(); ++i)
    if (!arrays[i])
      throw std::invalid_argument("predict got null for " + what + " " + std::to_string(i) + ", '" + tensors[i].name +
                                  "'");
}

template <class T>
void predict_all(const Model::Impl& model, const std::vector<const T*>& inputs, int64_t samples,
                 const std::vector<float*>& outputs) {
  check_arrays(inputs, model.inputs, "input");
  check_arrays(outputs, model.outputs, "output");
  if (samples < 1)
    throw std::invalid_argument("predict got " + std::to_string(samples) + " samples; expected at least 1");
  const std::vector<const void*> sources(inputs.begin(), inputs.end());
  run(*model.network, kSourceType<T>, sources.data(), samples, outputs.data());
}

template <class T>
std::vector<Prediction> classify_one(const Model::Impl& model, const T* x, int64_t top) {
  if (model.outputs.size() != 1 || model.outputs[0].size() < 2)
    throw std::invalid_argument("classify needs a model with one output, of at least two classes");
  if (top < 1) throw std::invalid_argument("classify got top = " + std::to_string(top) + "; expected at least 1");
  std::vector<float> y(static_cast<size_t>(model.outputs[0].size()));
  predict_all<T>(model, {x}, 1, {y.data()});
  const auto value = [&](size_t label) {
    return y[label] == y[label] ? y[label] : -std::numeric_limits<float>::infinity();  // NaN is the least
  };
  std::vector<size_t> labels(y.size());
  std::iota(labels.begin(), labels.end(), size_t{0});
  const size_t count = std::min(labels.size(), static_cast<size_t>(top));
  std::partial_sort(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(count), labels.end(),
                    [&](size_t a, size_t b) { return value(a) != value(b) ? value(a) > value(b) : a < b; });
  std::vector<Prediction> best;
  for (size_t i = 0; i < count; ++i) {
    const size_t label = labels[i];
    best.push_back({static_cast<int64_t>(label), model.class_names.empty() ? "" : model.class_names[label], y[label]});
  }
  return best;
}

}  // namespace

Model::Impl::Impl(ModelFile file)
    : network(std::move(file.network)), inputs(inputs_of(*network)), outputs(outputs_of(*network, file.output_names)),
      class_names(std::move(file.class_names)) {}

Model Model::load(const std::string& path, bool lazy) { return model_of(SafeTensors::open(path), lazy); }

Model Model::from_bytes(const void* file, size_t bytes) {
  if (!file) throw std::invalid_argument("from_bytes got null for the file");
  return model_of(SafeTensors::from_bytes({static_cast<const char*>(file), bytes}, "bytes in memory"));
}

const std::vector<TensorInfo>& Model::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Model::outputs() const { return impl_->outputs; }
const std::vector<std::string>& Model::class_names() const { return impl_->class_names; }

void Model::predict(const float* x, int64_t samples, float* y) const { predict_all<float>(*impl_, {x}, samples, {y}); }
void Model::predict(const uint8_t* x, int64_t samples, float* y) const {
  predict_all<uint8_t>(*impl_, {x}, samples, {y});
}
void Model::predict(const std::vector<const float*>& inputs, int64_t samples,
                    const std::vector<float*>& outputs) const {
  predict_all(*impl_, inputs, samples, outputs);
}
void Model::predict(const std::vector<const uint8_t*>& inputs, int64_t samples,
                    const std::vector<float*>& outputs) const {
  predict_all(*impl_, inputs, samples, outputs);
}

std::vector<Prediction> Model::classify(const float* x, int64_t top) const { return classify_one(*impl_, x, top); }
std::vector<Prediction> Model::classify(const uint8_t* x, int64_t top) const { return classify_one(*impl_, x, top); }

// --- prepared calls --------------------------------------------------------------------------------------------------
template <class T>
struct PreparedCall<T>::Impl {
  Impl(std::shared_ptr<const Model::Impl> model, int64_t samples)
      : model(std::move(model)), inference(*this->model->network, samples, kSourceType<T>) {}

  const std::shared_ptr<const Model::Impl> model;  // the network must outlive the call
  const Inference inference;
};

template <class T>
PreparedCall<T> Model::prepare(int64_t samples) const {
  return PreparedCall<T>(std::make_shared<const typename PreparedCall<T>::Impl>(impl_, samples));
}

template <class T>
int64_t PreparedCall<T>::samples() const {
  return impl_->inference.samples();
}

template <class T>
T* PreparedCall<T>::input(size_t index) const {
  if (index >= impl_->model->inputs.size())
    throw std::invalid_argument("there is no input " + std::to_string(index) + "; the model has " +
                                counted(impl_->model->inputs.size(), "input"));
  return static_cast<T*>(impl_->inference.input());
}

template <class T>
float* PreparedCall<T>::output(size_t index) const {
  if (index >= impl_->model->outputs.size())
    throw std::invalid_argument("there is no output " + std::to_string(index) + "; the model has " +
                                counted(impl_->model->outputs.size(), "output"));
  return impl_->inference.output();
}

template <class T>
void PreparedCall<T>::operator()() const {
  impl_->inference();
}

template <class T>
void PreparedCall<T>::operator()(const T* x, float* y) const {
  if (!x || !y) throw std::invalid_argument("a prepared call got null for an array");
  impl_->inference(x, y);
}

template class PreparedCall<float>;
template class PreparedCall<uint8_t>;
template PreparedCall<float> Model::prepare<float>(int64_t) const;
template PreparedCall<uint8_t> Model::prepare<uint8_t>(int64_t) const;

}  // namespace pycnn
