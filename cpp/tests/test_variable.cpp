// Weights in memory and in files.
#include "graph/variable.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/values.h"

namespace pycnn::testing {
namespace {

// A file of the values, which is removed at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Floats& values) : path_("pycnn_variable_" + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(4 * values.size()));
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <class Error, class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(variable_stays_in_its_file) {
  const TemporaryFile written(Floats{1, 2, 3, 4, 5});
  Variable variable("w", {3});
  variable.leave_in(File::open(written.path()), 4);
  std::remove(written.path().c_str());  // open, it lives on
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
  const TemporaryFile written(Floats{1, 2, 3});
  Variable variable("w", {2});
  const auto file = File::open(written.path());
  for (const int64_t offset : {int64_t{-4}, int64_t{5}, int64_t{12}, std::numeric_limits<int64_t>::max()})
    CHECK(has(error_of<std::invalid_argument>([&] { variable.leave_in(file, offset); }), "not all in"));
  variable.leave_in(file, 4);
  CHECK(has(error_of<std::invalid_argument>([&] { variable.leave_in(file, 0); }), "has values already"));
}

TEST(variable_misses_a_file_that_changes) {
  const TemporaryFile written(Floats{1, 2, 3});
  Variable variable("w", {3});
  variable.leave_in(File::open(written.path()), 0);
  std::ofstream(written.path(), std::ios::binary) << "short";
  Floats scratch(3);
  for (int i = 0; i < 2; ++i) {
    CHECK(has(error_of<FileError>([&] { variable.data(); }), "has changed since it was opened"));
    CHECK(has(error_of<FileError>([&] { variable.read(scratch.data()); }), "has changed since it was opened"));
  }
  CHECK(variable.in_file());
}

TEST(file_names_what_cannot_be_opened) {
  CHECK(has(error_of<FileError>([] { File::open("no/such/file"); }), "'no/such/file' cannot be read"));
  CHECK(has(error_of<FileError>([] { File(-1, "none"); }), "'none' cannot be kept open"));
}

}  // namespace pycnn::testing
