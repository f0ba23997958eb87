// The C interface, on a network that tests make.
#include "api/c_handles.h"
#include "api/model.h"
#include "tests/networks.h"

namespace pycnn::testing {
namespace {

struct Handle {
  explicit Handle(const KernelTable& kernels, std::vector<std::string> names = {})
      : model(new pycnn_model{Model(std::make_shared<Model::Impl>(
            ModelFile{make_network(kernels, deck_layers()), {"scores"}, std::move(names)}))}) {}
  Handle(const Handle&) = delete;
  ~Handle() { pycnn_free(model); }
  pycnn_model* const model;
};

const std::vector<std::string> kNames = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

bool told(const std::string& part) { return std::string(pycnn_last_error()).find(part) != std::string::npos; }

}  // namespace

TEST(c_interface_describes_a_model) {
  const Handle handle(kernels, kNames);
  pycnn_tensor_info info;
  CHECK(pycnn_input_count(handle.model) == 1 && pycnn_output_count(handle.model) == 1);
  CHECK(pycnn_input_info(handle.model, 0, &info) == PYCNN_OK);
  CHECK(std::string(info.name) == "input" && std::string(info.dtype) == "float32" && info.rank == 3 &&
        info.size == 156);
  CHECK(info.shape[0] == 12 && info.shape[1] == 13 && info.shape[2] == 1);
  CHECK(pycnn_output_info(handle.model, 0, &info) == PYCNN_OK && info.rank == 1 && info.shape[0] == 10);
  CHECK(pycnn_class_count(handle.model) == 10 && std::string(pycnn_class_name(handle.model, 2)) == "c");
  CHECK(std::string(pycnn_version()) == version() && pycnn_num_threads() == num_threads());
}

TEST(c_interface_computes) {
  const Handle handle(kernels, kNames);
  const Floats x = random_floats(2 * 156, 3, -1, 1);
  Floats expected(20), y(20);
  handle.model->model.predict(x.data(), 2, expected.data());
  const void* inputs[] = {x.data()};
  float* outputs[] = {y.data()};
  CHECK(pycnn_predict(handle.model, PYCNN_FLOAT32, inputs, 2, outputs) == PYCNN_OK && same_bits(y, expected));
  pycnn_call* call;
  CHECK(pycnn_prepare(handle.model, PYCNN_FLOAT32, 2, &call) == PYCNN_OK);
  std::memcpy(pycnn_call_input(call, 0), x.data(), x.size() * sizeof(float));
  CHECK(pycnn_call_run(call) == PYCNN_OK);
  CHECK(same_bits(Floats(pycnn_call_output(call, 0), pycnn_call_output(call, 0) + 20), expected));
  pycnn_call_free(call);
  pycnn_prediction best[3];
  int64_t count;
  CHECK(pycnn_classify(handle.model, PYCNN_FLOAT32, x.data(), 3, best, &count) == PYCNN_OK && count == 3);
  CHECK(best[0].probability == expected[static_cast<size_t>(best[0].label)]);
  CHECK(best[0].name == kNames[static_cast<size_t>(best[0].label)] && best[0].probability >= best[2].probability);
}

TEST(c_interface_takes_bytes) {
  const Handle handle(kernels);
  const Bytes bytes(156, 200);
  const Floats x(156, 200);
  Floats expected(10), y(10);
  handle.model->model.predict(x.data(), 1, expected.data());
  const void* inputs[] = {bytes.data()};
  float* outputs[] = {y.data()};
  CHECK(pycnn_predict(handle.model, PYCNN_UINT8, inputs, 1, outputs) == PYCNN_OK && same_bits(y, expected));
  pycnn_call* call;
  CHECK(pycnn_prepare(handle.model, PYCNN_UINT8, 1, &call) == PYCNN_OK);
  std::memcpy(pycnn_call_input(call, 0), bytes.data(), bytes.size());
  CHECK(pycnn_call_run(call) == PYCNN_OK && std::memcmp(pycnn_call_output(call, 0), y.data(), 40) == 0);
  pycnn_call_free(call);
  pycnn_prediction best;
  int64_t count;
  CHECK(pycnn_classify(handle.model, PYCNN_UINT8, bytes.data(), 1, &best, &count) == PYCNN_OK);
  CHECK(std::string(best.name).empty());
}

TEST(c_interface_survives_misuse) {
  const Handle handle(kernels);
  pycnn_model* const model = handle.model;
  Floats x(156), y(10);
  const void* inputs[] = {x.data()};
  const void* no_input[] = {nullptr};
  float* outputs[] = {y.data()};
  float* no_output[] = {nullptr};
  const auto wrong = [](pycnn_status status) { return status == PYCNN_INVALID_ARGUMENT && *pycnn_last_error(); };

  pycnn_model* loaded = model;
  CHECK(pycnn_load("no/such.safetensors", &loaded) == PYCNN_ERROR && !loaded && told("there is no file"));
  CHECK(pycnn_load_lazily("no/such.safetensors", &loaded) == PYCNN_ERROR && !loaded && told("there is no file"));
  CHECK(pycnn_load_bytes("abc", 3, &loaded) == PYCNN_ERROR && !loaded && told("no safetensors file"));
  CHECK(wrong(pycnn_load(nullptr, &loaded)) && wrong(pycnn_load("x", nullptr)) && told("model is null"));
  CHECK(wrong(pycnn_load_bytes(nullptr, 0, &loaded)) && wrong(pycnn_load_bytes("x", 1, nullptr)));
  pycnn_free(nullptr);

  pycnn_tensor_info info;
  CHECK(pycnn_input_count(nullptr) == 0 && pycnn_output_count(nullptr) == 0 && pycnn_class_count(nullptr) == 0);
  for (const int64_t index : {int64_t{-1}, int64_t{1}, std::numeric_limits<int64_t>::max()}) {
    CHECK(wrong(pycnn_input_info(model, index, &info)) && wrong(pycnn_output_info(model, index, &info)));
    CHECK(told("has 1 outputs") && !pycnn_class_name(model, index) && !pycnn_class_name(nullptr, index));
  }
  CHECK(wrong(pycnn_input_info(model, 0, nullptr)) && wrong(pycnn_output_info(nullptr, 0, &info)));

  CHECK(wrong(pycnn_predict(nullptr, PYCNN_FLOAT32, inputs, 1, outputs)) && told("model is null"));
  CHECK(wrong(pycnn_predict(model, PYCNN_FLOAT32, nullptr, 1, outputs)));
  CHECK(wrong(pycnn_predict(model, PYCNN_FLOAT32, inputs, 1, nullptr)));
  CHECK(wrong(pycnn_predict(model, PYCNN_FLOAT32, no_input, 1, outputs)) && told("null for input 0"));
  CHECK(wrong(pycnn_predict(model, PYCNN_FLOAT32, inputs, 1, no_output)) && told("null for output 0"));
  CHECK(wrong(pycnn_predict(model, PYCNN_FLOAT32, inputs, 0, outputs)) && told("0 samples"));
  CHECK(wrong(pycnn_predict(model, 2, inputs, 1, outputs)) && told("dtype is 2"));

  pycnn_prediction best[1];
  int64_t count;
  CHECK(wrong(pycnn_classify(model, PYCNN_FLOAT32, nullptr, 1, best, &count)));
  CHECK(wrong(pycnn_classify(model, PYCNN_FLOAT32, x.data(), 0, best, &count)) && count == 0);
  CHECK(wrong(pycnn_classify(model, PYCNN_FLOAT32, x.data(), 1, nullptr, &count)));
  CHECK(wrong(pycnn_classify(model, PYCNN_FLOAT32, x.data(), 1, best, nullptr)));

  pycnn_call* call = nullptr;
  CHECK(wrong(pycnn_prepare(nullptr, PYCNN_FLOAT32, 1, &call)) && wrong(pycnn_prepare(model, PYCNN_FLOAT32, 0, &call)));
  CHECK(wrong(pycnn_prepare(model, PYCNN_FLOAT32, 1, nullptr)) && !call);
  CHECK(pycnn_prepare(model, PYCNN_FLOAT32, int64_t{1} << 60, &call) == PYCNN_OUT_OF_MEMORY && !call);
  CHECK(pycnn_prepare(model, PYCNN_FLOAT32, 1, &call) == PYCNN_OK);
  CHECK(!pycnn_call_input(call, 1) && !pycnn_call_input(call, -1) && !pycnn_call_output(call, 1));
  CHECK(!pycnn_call_input(nullptr, 0) && !pycnn_call_output(nullptr, 0) && wrong(pycnn_call_run(nullptr)));
  pycnn_call_free(call);
  pycnn_call_free(nullptr);
  CHECK(wrong(pycnn_set_num_threads(0)) && wrong(pycnn_set_num_threads(-1)));
}

}  // namespace pycnn::testing
