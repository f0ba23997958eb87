#include "api/safetensors.h"

#include <stdexcept>

#include "tests/check.h"
#include "tests/temporary_file.h"

namespace pycnn::testing {
namespace {

// As the package `safetensors` writes it for Python.
const char kHeader[] =
    "{\"__metadata__\":{\"name\":\"\xc3\xa9 \\\"x\\\"\",\"format\":\"pycnn\"},"
    "\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[0,0]},"
    "\"one\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
    "\"weights/dense/bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[4,16]},"
    "\"weights/dense/kernel\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]}}";
const Floats kValues = {7, 0.5f, -1, 2, 0, 1, 2, 3, 4, 5};

std::string length_bytes(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<unsigned char>(length >> 8 * i));
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data) {
  return length_bytes(header.size()) + header + data;
}

std::string data_of(const Floats& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::string error_of(const std::string& bytes) {
  try {
    SafeTensors::from_bytes(bytes, "x.safetensors");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The error of a file with one array.
std::string error_of_array(const std::string& description, size_t data_bytes) {
  return error_of(file_of("{\"w\":" + description + "}", std::string(data_bytes, '\0')));
}

std::string error_of_file(const std::string& path) {
  try {
    SafeTensors::open(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "none";
}

Floats values_of(const SafeTensors& file, const std::string& name) {
  const SafeTensors::Tensor& tensor = *file.find_tensor(name);
  Floats values(static_cast<size_t>(tensor.size));
  file.read(values.data(), tensor);
  return values;
}

}  // namespace

TEST(safetensors_reads_what_python_writes) {
  const TemporaryFile written(file_of(kHeader, data_of(kValues)));
  const std::string bytes = file_of(kHeader, data_of(kValues));
  for (const SafeTensors& file : {SafeTensors::open(written.path()), SafeTensors::from_bytes(bytes, written.path())}) {
    CHECK(file.name() == written.path());
    CHECK(file.metadata().size() == 2 && *file.find_metadata("name") == "\xc3\xa9 \"x\"");
    CHECK(*file.find_metadata("format") == "pycnn" && file.find_metadata("model") == nullptr);
    CHECK(file.tensors().size() == 4 && file.find_tensor("two") == nullptr);
    const SafeTensors::Tensor& kernel = *file.find_tensor("weights/dense/kernel");
    CHECK(kernel.shape == (std::vector<int64_t>{2, 3}) && kernel.size == 6);
    CHECK(values_of(file, "weights/dense/kernel") == (Floats{0, 1, 2, 3, 4, 5}));
    CHECK(file.find_tensor("one")->shape.empty() && values_of(file, "one") == Floats{7});
    CHECK_EQUAL(values_of(file, "weights/dense/bias")[1], -1, "bias");
    CHECK_EQUAL(file.find_tensor("none")->size, 0, "no values");
  }
}

TEST(safetensors_moves) {
  const std::string bytes = file_of(kHeader, data_of(kValues));
  SafeTensors first = SafeTensors::from_bytes(bytes, "x");
  const SafeTensors second = std::move(first);
  CHECK(values_of(second, "one") == Floats{7});
}

TEST(safetensors_takes_any_order_and_padding) {
  const std::string header =
      R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   )";
  const std::string bytes = file_of(header, data_of({1, 2}));
  const SafeTensors file = SafeTensors::from_bytes(bytes, "x");
  CHECK(values_of(file, "a") == Floats{1} && values_of(file, "b") == Floats{2});
  CHECK(SafeTensors::from_bytes(file_of("{}", ""), "x").tensors().empty());
}

TEST(safetensors_refuses_every_cut) {
  const std::string bytes = file_of(kHeader, data_of(kValues));
  for (size_t length = 0; length < bytes.size(); ++length)
    CHECK(has(error_of(bytes.substr(0, length)), "x.safetensors"));
  CHECK(has(error_of(bytes + "\1"), "damaged"));
  for (const size_t length : {size_t{0}, size_t{7}, size_t{100}, bytes.size() - 1}) {
    const TemporaryFile written(bytes.substr(0, length));
    CHECK(has(error_of_file(written.path()), written.path()));
  }
}

TEST(safetensors_refuses_a_lying_length) {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{7}})
    CHECK(error_of(length_bytes(length) + kHeader) != "none");
  CHECK(has(error_of(length_bytes(SafeTensors::kMaxHeader + 1) + std::string(SafeTensors::kMaxHeader + 1, ' ')),
            "header of"));
}

TEST(safetensors_refuses_a_header_that_is_none) {
  for (const char* header : {"", " ", "[]", "1", "null", " {}", "{", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":1}",
                             "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":{\"a\":null}}", "{}x", "{\"a\":[]}"})
    CHECK(error_of(file_of(header, "")) != "none");
  CHECK(has(error_of(file_of(std::string(100000, '{'), "")), "header"));
}

TEST(safetensors_refuses_other_dtypes) {
  for (const std::string dtype : {"BOOL", "U8", "I8", "F16", "BF16", "I32", "F64", "I64", "", "f32", "nonsense"}) {
    const std::string error = error_of_array("{\"dtype\":\"" + dtype + "\",\"shape\":[1],\"data_offsets\":[0,4]}", 4);
    CHECK(has(error, "dtype " + dtype) && has(error, "expected F32") && has(error, "'w'"));
  }
}

TEST(safetensors_refuses_offsets_that_lie) {
  const auto error = [](const std::string& shape, const std::string& offsets, size_t bytes) {
    return error_of_array("{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}", bytes);
  };
  CHECK(error("[2]", "[0,8]", 8) == "none");
  for (const char* offsets : {"[0,4]", "[0,12]", "[4,12]", "[-8,0]", "[8,0]", "[1,9]", "[0,8,16]", "[0]", "[]", "8",
                              "[0,1e1]", "[0.0,8.0]", "[9223372036854775800,9223372036854775807]",
                              "[-9223372036854775808,9223372036854775807]", "[0,18446744073709551615]", "[null,8]"})
    CHECK(error("[2]", offsets, 8) != "none");
  CHECK(error("[2]", "[0,8]", 4) != "none" && error("[2]", "[0,8]", 12) != "none" &&
        error("[2]", "[0,8]", 0) != "none");
  for (const char* shape :
       {"[-2]", "[-1,-2]", "[2.0]", "[4294967296]", "[4294967296,4294967296]", "[65536,65536,65536,65536,2]",
        "[9223372036854775807,2]", "[4611686018427387904,4]", "[9223372036854775808]", "2", "null", "[[2]]", "{}"})
    CHECK(error(shape, "[0,8]", 8) != "none");
  CHECK(error("[0,9223372036854775807]", "[0,0]", 0) == "none");
}

TEST(safetensors_refuses_arrays_that_overlap_or_leave_holes) {
  const auto error = [](const char* a, const char* b, size_t bytes) {
    const std::string start = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":";
    return error_of(file_of("{\"a\":" + start + a + "},\"b\":" + start + b + "}}", std::string(bytes, '\0')));
  };
  CHECK(error("[0,8]", "[8,16]", 16) == "none" && error("[8,16]", "[0,8]", 16) == "none");
  CHECK(error("[0,8]", "[0,8]", 8) != "none" && error("[0,8]", "[4,12]", 12) != "none");
  CHECK(error("[0,8]", "[12,20]", 20) != "none" && error("[4,12]", "[12,20]", 20) != "none");
  CHECK(has(error_of(file_of(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                             R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
                             "")),
            "twice"));
}

TEST(safetensors_survives_damage) {
  const std::string bytes = file_of(kHeader, data_of(kValues));
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = bytes;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes)
      damaged[random() % damaged.size()] = "0123456789[]{},:\"-eF\0\xff"[random() % 22];
    try {
      const SafeTensors file = SafeTensors::from_bytes(damaged, "x");
      for (const auto& [name, tensor] : file.tensors()) {
        double sum = 0;
        for (const float value : values_of(file, name)) sum += value;
        CHECK_EQUAL(sum, sum, name);  // every value can be read
      }
    } catch (const std::runtime_error&) {
    }
  }
}

TEST(safetensors_names_what_is_no_file) {
  CHECK(has(error_of_file("no/such/file.safetensors"), "there is no file 'no/such/file.safetensors'"));
  CHECK(has(error_of_file("."), "'.' is no file") && has(error_of_file("/dev/null"), "is no file"));
  CHECK(error_of_file("") != "none" && error_of_file(std::string("\0", 1)) != "none");
}

}  // namespace pycnn::testing
