// Weights in memory and in files.
#include "graph/variable.h"

#include <stdexcept>

#include "tests/errors.h"
#include "tests/temporary_file.h"
#include "tests/values.h"

namespace pycnn::testing {
namespace {

std::string bytes_of(const Floats& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

}  // namespace

TEST(variable_stays_in_its_file) {
  const TemporaryFile written(bytes_of({1, 2, 3, 4, 5}));
  Variable variable("w", {3});
  variable.leave_in(File::open(written.path()), 4);
  written.remove();  // open, it lives on
  Floats scratch(3);
  CHECK(variable.read(scratch.data()) == scratch.data() && scratch == (Floats{2, 3, 4}) && variable.in_file());
  float* const data = variable.data();
  CHECK(Floats(data, data + 3) == (Floats{2, 3, 4}) && !variable.in_file());
  data[0] = 7;
  CHECK(variable.read(scratch.data()) == data && variable.data() == data && scratch[0] == 2);
}

TEST(variable_of_no_file_is_zero) {
  const Variable variable("w", {2});
  Floats scratch(2, 1.0f);
  CHECK(!variable.in_file() && variable.read(scratch.data()) == variable.data() && variable.data()[1] == 0);
}

TEST(variable_refuses_a_file_that_is_too_short) {
  const TemporaryFile written(bytes_of({1, 2, 3}));
  Variable variable("w", {2});
  const auto file = File::open(written.path());
  for (const int64_t offset : {int64_t{-4}, int64_t{5}, int64_t{12}, std::numeric_limits<int64_t>::max()})
    CHECK(has(error_of<std::invalid_argument>([&] { variable.leave_in(file, offset); }), "not all in"));
  variable.leave_in(file, 4);
  CHECK(has(error_of<std::invalid_argument>([&] { variable.leave_in(file, 0); }), "has values already"));
}

TEST(variable_misses_a_file_that_changes) {
  const TemporaryFile written(bytes_of({1, 2, 3}));
  Variable variable("w", {3});
  variable.leave_in(File::open(written.path()), 0);
  written.write("short");
  Floats scratch(3);
  for (int i = 0; i < 2; ++i) {
    CHECK(has(error_of<FileError>([&] { variable.data(); }), "has changed since it was opened"));
    CHECK(has(error_of<FileError>([&] { variable.read(scratch.data()); }), "has changed since it was opened"));
  }
  CHECK(variable.in_file());
  const float* const data = variable.data_to_overwrite();
  CHECK(!variable.in_file() && data == variable.data() && data[2] == 0);
}

TEST(file_names_what_cannot_be_opened) {
  CHECK(has(error_of<FileError>([] { File::open("no/such/file"); }), "'no/such/file' cannot be read"));
  CHECK(has(error_of<FileError>([] { File(-1, "none"); }), "'none' cannot be kept open"));
}

}  // namespace pycnn::testing
