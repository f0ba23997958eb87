// Files of named float32 arrays and text, in the safetensors format: the length of the header as 8 bytes, the header
// as JSON, the arrays one after the other (huggingface.co/docs/safetensors).
//
// Everything is checked before it is used; whatever is wrong is a std::runtime_error that names the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/file.h"

namespace pycnn {

class SafeTensors {
 public:
  struct Tensor {
    std::vector<int64_t> shape;
    int64_t size;    // values
    int64_t offset;  // bytes in the file
  };
  static constexpr int64_t kMaxBytes = int64_t{1} << 32, kMaxHeader = int64_t{1} << 25;

  static SafeTensors open(const std::string& path);
  // The same of a file's bytes, which stay the caller's and must be there for read(); `name` is for messages.
  static SafeTensors from_bytes(std::string_view bytes, const std::string& name);

  const std::string& name() const { return name_; }
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Null where there is none of that name.
  const Tensor* find_tensor(const std::string& name) const;
  void read(float* to, const Tensor& tensor) const;
  const std::shared_ptr<const File>& file() const { return file_; }  // null where it is bytes
  const std::string* find_metadata(const std::string& key) const;

 private:
  friend class SafeTensorsReader;
  SafeTensors() = default;
  void read(void* to, int64_t bytes, int64_t offset) const;

  std::string name_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<const File> file_;  // or
  const char* bytes_ = nullptr;
};

}  // namespace pycnn
