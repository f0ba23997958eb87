// The public interface, on networks that tests make.
#include "api/model.h"

#include <stdexcept>

#include "api/graph_json.h"
#include "tests/errors.h"
#include "tests/networks.h"
#include "tests/temporary_file.h"

namespace pycnn::testing {
namespace {

Model deck_model(const KernelTable& kernels, std::vector<std::string> class_names = {}) {
  return Model(std::make_shared<Model::Impl>(
      ModelFile{make_network(kernels, deck_layers()), {"scores"}, std::move(class_names)}));
}

const std::vector<std::string> kNames = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

std::string bytes_of(const std::string& header) {
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i);
  return length + header;
}

SafeTensors file_of(const std::string& metadata) {
  return SafeTensors::from_bytes(bytes_of("{\"__metadata__\":" + metadata + "}"), "x.safetensors");
}

// What Python writes for a network.
std::string file_of(Network& network) {
  const auto name_of = [](int variable) { return "weights/" + std::to_string(variable); };
  Json metadata, header;
  metadata.set("format", "pycnn");
  metadata.set("graph", json_of(network.graph(), network.outputs(), {"scores"}, name_of).text());
  header.set("__metadata__", std::move(metadata));
  std::string data;
  for (int i = 0; i < network.parameters().count(); ++i) {
    const Variable& variable = network.parameters().variable(i);
    Json array, begin = static_cast<int64_t>(data.size());
    data.append(reinterpret_cast<const char*>(variable.data()), static_cast<size_t>(variable.size()) * sizeof(float));
    array.set("dtype", "F32");
    array.set("shape", Json::Array(variable.dims().begin(), variable.dims().end()));
    array.set("data_offsets", Json::Array{begin, static_cast<int64_t>(data.size())});
    header.set(name_of(i), std::move(array));
  }
  return bytes_of(header.text()) + data;
}

}  // namespace

TEST(model_describes_itself) {
  const Model model = deck_model(kernels, kNames);
  CHECK(model.inputs().size() == 1 && model.inputs()[0].shape == (std::vector<int64_t>{12, 13, 1}));
  CHECK(model.inputs()[0].dtype == "float32" && model.inputs()[0].name == "input" && model.inputs()[0].size() == 156);
  CHECK(model.outputs().size() == 1 && model.outputs()[0].shape == std::vector<int64_t>{10});
  CHECK(model.class_names() == kNames && deck_model(kernels).class_names().empty());
  CHECK(std::string(version()).find('.') != std::string::npos);
}

TEST(model_comes_from_a_file) {
  const auto network = make_network(kernels, deck_layers());
  const std::string content = file_of(*network);
  const TemporaryFile written(content);
  const Model loaded = Model::load(written.path()), lazy = Model::load(written.path(), true);
  const Model of_bytes = Model::from_bytes(content.data(), content.size());
  const auto shortened = Model::load(written.path(), true);
  const Floats x = random_floats(3 * 156, 3, -1, 1), expected = predict(*network, x);
  for (const Model* model : {&loaded, &lazy, &of_bytes}) {
    Floats y(30);
    model->predict(x.data(), 3, y.data());
    CHECK(same_bits(y, expected));
  }
  written.write("short");
  Floats y(30);
  CHECK(has(error_of<std::runtime_error>([&] { shortened.predict(x.data(), 3, y.data()); }), "has changed"));
  lazy.predict(x.data(), 3, y.data());
  CHECK(same_bits(y, expected));
}

TEST(model_predicts) {
  const Model model = deck_model(kernels);
  const auto network = make_network(kernels, deck_layers());
  for (const int64_t samples : {1, 5}) {
    const Floats x = random_floats(samples * 156, 3, -1, 1), expected = predict(*network, x);
    Guarded one(samples * 10), general(samples * 10);
    model.predict(x.data(), samples, one.data());
    model.predict(std::vector<const float*>{x.data()}, samples, {general.data()});
    CHECK(one.intact() && same_bits(one.values(), expected));
    CHECK(general.intact() && same_bits(general.values(), expected));
  }
}

TEST(model_predicts_from_bytes) {
  const Model model = deck_model(kernels);
  Bytes bytes(3 * 156);
  Floats x;
  for (size_t i = 0; i < bytes.size(); ++i) x.push_back(bytes[i] = static_cast<uint8_t>(i * 7));
  Floats expected(30), one(30), general(30);
  model.predict(x.data(), 3, expected.data());
  model.predict(bytes.data(), 3, one.data());
  model.predict(std::vector<const uint8_t*>{bytes.data()}, 3, {general.data()});
  CHECK(same_bits(one, expected) && same_bits(general, expected));
}

TEST(model_outlived_by_copies_and_calls) {
  const Floats x = random_floats(2 * 156, 3, -1, 1);
  Floats expected(20), y(20);
  std::unique_ptr<Model> model = std::make_unique<Model>(deck_model(kernels));
  model->predict(x.data(), 2, expected.data());
  const PreparedCall<float> call = model->prepare(2);
  const Model copy = *model, moved = std::move(*model);
  model.reset();
  copy.predict(x.data(), 2, y.data());
  CHECK(same_bits(y, expected));
  CHECK_EQUAL(call.samples(), 2, "samples");
  CHECK_EQUAL(call.input()[0], 0, "zero at first");
  std::copy(x.begin(), x.end(), call.input());
  call();
  CHECK(same_bits(Floats(call.output(), call.output() + 20), expected));
  Guarded other(20);
  call(x.data(), other.data());
  CHECK(other.intact() && same_bits(other.values(), expected));
}

TEST(model_prepares_calls_of_bytes) {
  const Model model = deck_model(kernels);
  const PreparedCall<uint8_t> call = model.prepare<uint8_t>(1);
  Floats x, expected(10);
  for (int64_t i = 0; i < 156; ++i) x.push_back(call.input()[i] = static_cast<uint8_t>(i));
  call();
  model.predict(x.data(), 1, expected.data());
  CHECK(same_bits(Floats(call.output(), call.output() + 10), expected));
}

TEST(model_classifies) {
  const Model model = deck_model(kernels, kNames);
  const Floats x = random_floats(156, 3, -1, 1);
  Floats y(10);
  model.predict(x.data(), 1, y.data());
  const std::vector<Prediction> all = model.classify(x.data(), 100);
  CHECK(all.size() == 10);
  for (size_t i = 0; i < all.size(); ++i) {
    CHECK_EQUAL(all[i].probability, y[static_cast<size_t>(all[i].label)], i);
    CHECK(all[i].name == kNames[static_cast<size_t>(all[i].label)]);
    CHECK(i == 0 || all[i - 1].probability >= all[i].probability);
  }
  CHECK(model.classify(x.data()).size() == 1 && model.classify(x.data())[0].label == all[0].label);
  CHECK(deck_model(kernels).classify(x.data())[0].name.empty());
  const Bytes bytes(156, 3);
  CHECK(model.classify(bytes.data(), 3).size() == 3);
}

TEST(model_classifies_nan_and_ties_by_number) {
  const Model model = deck_model(kernels);
  for (const float value : {0.0f, kNan}) {
    const std::vector<Prediction> all = model.classify(Floats(156, value).data(), 10);
    CHECK(all.size() == 10);
    for (size_t i = 1; i < all.size(); ++i)
      CHECK(!(all[i - 1].probability < all[i].probability) &&
            (all[i - 1].probability > all[i].probability || all[i - 1].label < all[i].label));
  }
}

TEST(model_refuses_wrong_calls) {
  const Model model = deck_model(kernels);
  Floats x(156), y(10);
  float* const none = nullptr;
  CHECK(has(error_of([&] { model.predict(none, 1, y.data()); }), "null for input 0, 'input'"));
  CHECK(has(error_of([&] { model.predict(x.data(), 1, nullptr); }), "null for output 0"));
  CHECK(has(error_of([&] { model.predict(std::vector<const float*>{}, 1, {y.data()}); }), "0 input arrays"));
  CHECK(has(error_of([&] { model.predict(std::vector<const float*>{x.data()}, 1, {}); }), "has 1 output"));
  for (const int64_t samples : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    CHECK(has(error_of([&] { model.predict(x.data(), samples, y.data()); }), std::to_string(samples)));
    CHECK(error_of([&] { model.prepare(samples); }) != "none");
    CHECK(has(error_of([&] { model.classify(x.data(), samples); }), "top"));
  }
  CHECK(error_of([&] { model.classify(none); }) != "none");
  const PreparedCall<float> call = model.prepare(1);
  CHECK(has(error_of([&] { call.input(1); }), "1 input") && has(error_of([&] { call.output(1); }), "1 output"));
  CHECK(error_of([&] { call(nullptr, y.data()); }) != "none" && error_of([&] { call(x.data(), nullptr); }) != "none");
  CHECK(error_of([&] { set_num_threads(0); }) != "none");
}

TEST(model_files_are_checked) {
  const auto error = [](const char* metadata) {
    return error_of<std::runtime_error>([&] { model_from(file_of(metadata)); });
  };
  CHECK(has(error("{}"), "not a model that pycnn saved"));
  CHECK(has(error(R"({"format":"pycnn-weights"})"), "not a model that pycnn saved"));
  CHECK(has(error(R"({"format":"pycnn"})"), "has no graph"));
  CHECK(has(error(R"({"format":"pycnn","graph":"{"})"), "does not describe a model"));
  CHECK(error_of<std::runtime_error>([] { Model::load("no/such.safetensors"); }) ==
        "there is no file 'no/such.safetensors'");
  CHECK(has(error_of<std::runtime_error>([] { Model::from_bytes("abc", 3); }), "no safetensors file"));
  CHECK(has(error_of([] { Model::from_bytes(nullptr, 3); }), "null"));
}

}  // namespace pycnn::testing
