// The C interface: every exception of the C++ one becomes a status and a text.
#include <cstdio>
#include <new>
#include <stdexcept>

#include "api/c_handles.h"

namespace {

// Of fixed size: that there is no memory must be told without any.
thread_local char last_error[1024] = "";

pycnn_status failed(pycnn_status status, const char* text) {
  std::snprintf(last_error, sizeof last_error, "%s", text);
  return status;
}

template <class Action>
pycnn_status guarded(const Action& action) noexcept {
  try {
    action();
    return PYCNN_OK;
  } catch (const std::invalid_argument& error) {
    return failed(PYCNN_INVALID_ARGUMENT, error.what());
  } catch (const std::bad_alloc&) {
    return failed(PYCNN_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(PYCNN_ERROR, error.what());
  } catch (...) {
    return failed(PYCNN_ERROR, "unknown error");
  }
}

template <class T>
T& checked(T* pointer, const char* name) {
  if (!pointer) throw std::invalid_argument(std::string(name) + " is null");
  return *pointer;
}

// A place for a result: null until there is one.
template <class T>
T*& place(T** result, const char* name) {
  return checked(result, name) = nullptr;
}

// Calls action with a null pointer of the type.
template <class Action>
auto with_type(pycnn_dtype dtype, const Action& action) {
  if (dtype == PYCNN_FLOAT32) return action(static_cast<const float*>(nullptr));
  if (dtype == PYCNN_UINT8) return action(static_cast<const uint8_t*>(nullptr));
  throw std::invalid_argument("dtype is " + std::to_string(dtype) + "; expected PYCNN_FLOAT32 or PYCNN_UINT8");
}

pycnn_status info_of(const pycnn_model* model, int64_t index, pycnn_tensor_info* info, bool input) {
  return guarded([&] {
    const auto& tensors = input ? checked(model, "model").model.inputs() : checked(model, "model").model.outputs();
    if (index < 0 || static_cast<size_t>(index) >= tensors.size())
      throw std::invalid_argument("index is " + std::to_string(index) + ", but the model has " +
                                  std::to_string(tensors.size()) + (input ? " inputs" : " outputs"));
    const pycnn::TensorInfo& tensor = tensors[static_cast<size_t>(index)];
    checked(info, "info") = {tensor.name.c_str(), tensor.dtype.c_str(), tensor.shape.data(),
                             static_cast<int64_t>(tensor.shape.size()), tensor.size()};
  });
}

pycnn_status load(const char* path, pycnn_model** model, bool lazy) {
  return guarded([&] {
    pycnn_model*& result = place(model, "model");
    result = new pycnn_model{pycnn::Model::load(&checked(path, "path"), lazy)};
  });
}

}  // namespace

extern "C" {

const char* pycnn_version(void) { return pycnn::version(); }
const char* pycnn_last_error(void) { return last_error; }

pycnn_status pycnn_set_num_threads(int threads) {
  return guarded([&] { pycnn::set_num_threads(threads); });
}
int pycnn_num_threads(void) { return pycnn::num_threads(); }

pycnn_status pycnn_load(const char* path, pycnn_model** model) { return load(path, model, false); }
pycnn_status pycnn_load_lazily(const char* path, pycnn_model** model) { return load(path, model, true); }
pycnn_status pycnn_load_bytes(const void* file, size_t bytes, pycnn_model** model) {
  return guarded([&] {
    pycnn_model*& result = place(model, "model");
    result = new pycnn_model{pycnn::Model::from_bytes(file, bytes)};
  });
}
void pycnn_free(pycnn_model* model) { delete model; }

int64_t pycnn_input_count(const pycnn_model* model) {
  return model ? static_cast<int64_t>(model->model.inputs().size()) : 0;
}
int64_t pycnn_output_count(const pycnn_model* model) {
  return model ? static_cast<int64_t>(model->model.outputs().size()) : 0;
}
pycnn_status pycnn_input_info(const pycnn_model* model, int64_t index, pycnn_tensor_info* info) {
  return info_of(model, index, info, true);
}
pycnn_status pycnn_output_info(const pycnn_model* model, int64_t index, pycnn_tensor_info* info) {
  return info_of(model, index, info, false);
}

int64_t pycnn_class_count(const pycnn_model* model) {
  return model ? static_cast<int64_t>(model->model.class_names().size()) : 0;
}
const char* pycnn_class_name(const pycnn_model* model, int64_t label) {
  if (label < 0 || label >= pycnn_class_count(model)) return nullptr;
  return model->model.class_names()[static_cast<size_t>(label)].c_str();
}

pycnn_status pycnn_predict(const pycnn_model* model, pycnn_dtype dtype, const void* const* inputs, int64_t samples,
                           float* const* outputs) {
  return guarded([&] {
    const pycnn::Model& used = checked(model, "model").model;
    checked(inputs, "inputs");
    checked(outputs, "outputs");
    const std::vector<float*> results(outputs, outputs + used.outputs().size());
    with_type(dtype, [&](auto* type) {
      std::vector<decltype(type)> sources;
      for (size_t i = 0; i < used.inputs().size(); ++i) sources.push_back(static_cast<decltype(type)>(inputs[i]));
      used.predict(sources, samples, results);
    });
  });
}

pycnn_status pycnn_classify(const pycnn_model* model, pycnn_dtype dtype, const void* x, int64_t top,
                            pycnn_prediction* predictions, int64_t* count) {
  return guarded([&] {
    const pycnn::Model& used = checked(model, "model").model;
    checked(predictions, "predictions");
    checked(count, "count") = 0;
    const std::vector<pycnn::Prediction> best =
        with_type(dtype, [&](auto* type) { return used.classify(static_cast<decltype(type)>(x), top); });
    for (const pycnn::Prediction& one : best) {
      const char* name = pycnn_class_name(model, one.label);
      predictions[(*count)++] = {one.label, name ? name : "", one.probability};
    }
  });
}

pycnn_status pycnn_prepare(const pycnn_model* model, pycnn_dtype dtype, int64_t samples, pycnn_call** call) {
  return guarded([&] {
    pycnn_call*& result = place(call, "call");
    const pycnn::Model& used = checked(model, "model").model;
    result = with_type(dtype, [&](auto* type) {
      return new pycnn_call{used.prepare<std::remove_const_t<std::remove_pointer_t<decltype(type)>>>(samples)};
    });
  });
}
void* pycnn_call_input(const pycnn_call* call, int64_t index) {
  void* result = nullptr;
  guarded([&] {
    std::visit([&](const auto& prepared) { result = prepared.input(static_cast<size_t>(index)); },
               checked(call, "call").call);
  });
  return result;
}
float* pycnn_call_output(const pycnn_call* call, int64_t index) {
  float* result = nullptr;
  guarded([&] {
    std::visit([&](const auto& prepared) { result = prepared.output(static_cast<size_t>(index)); },
               checked(call, "call").call);
  });
  return result;
}
pycnn_status pycnn_call_run(const pycnn_call* call) {
  return guarded([&] { std::visit([](const auto& prepared) { prepared(); }, checked(call, "call").call); });
}
void pycnn_call_free(pycnn_call* call) { delete call; }

}  // extern "C"
