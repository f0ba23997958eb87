// A file that lives as long as the object does.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace pycnn::testing {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("pycnn-" + std::to_string(std::random_device()()) + "-" + std::to_string(count++) + ".safetensors"))
                .string();
    write(content);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  ~TemporaryFile() { remove(); }
  const std::string& path() const { return path_; }
  void write(const std::string& content) const { std::ofstream(path_, std::ios::binary) << content; }
  void remove() const { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

}  // namespace pycnn::testing
