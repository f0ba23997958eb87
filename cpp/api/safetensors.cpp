#include "api/safetensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "api/json.h"

namespace pycnn {

// Takes a file apart: its header says where everything is.
class SafeTensorsReader {
 public:
  SafeTensorsReader(SafeTensors file, int64_t bytes) : bytes_(bytes), result_(std::move(file)) {}

  SafeTensors result() {
    if (bytes_ > SafeTensors::kMaxBytes)
      fail("has " + std::to_string(bytes_) + " bytes; at most " + std::to_string(SafeTensors::kMaxBytes) + " are read");
    const int64_t header_bytes = header_length();
    std::string header(static_cast<size_t>(header_bytes), '\0');
    result_.read(header.data(), header_bytes, kLengthBytes);
    const int64_t data_bytes = bytes_ - kLengthBytes - header_bytes;
    if (header.empty() || header[0] != '{') fail("is no safetensors file: its header does not begin with '{'");
    try {
      read_header(Json::parse(header), kLengthBytes + header_bytes, data_bytes);
    } catch (const std::invalid_argument& error) {
      fail(std::string("has a damaged header: ") + error.what());
    }
    return std::move(result_);
  }

 private:
  static constexpr int64_t kLengthBytes = 8, kValueBytes = sizeof(float);

  struct Part {
    int64_t begin, end;  // bytes of the data
    const std::string* name;
  };

  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error("'" + result_.name_ + "' " + what); }

  int64_t header_length() {
    unsigned char raw[kLengthBytes];
    if (bytes_ < kLengthBytes) fail("is no safetensors file: it has only " + std::to_string(bytes_) + " bytes");
    result_.read(raw, kLengthBytes, 0);
    uint64_t length = 0;
    for (int i = kLengthBytes - 1; i >= 0; --i) length = length << 8 | raw[i];
    if (length > static_cast<uint64_t>(bytes_ - kLengthBytes))
      fail("is no safetensors file, or is cut off: its header would have " + std::to_string(length) + " bytes of " +
           std::to_string(bytes_));
    if (length > static_cast<uint64_t>(SafeTensors::kMaxHeader))
      fail("has a header of " + std::to_string(length) + " bytes; at most " + std::to_string(SafeTensors::kMaxHeader) +
           " are read");
    return static_cast<int64_t>(length);
  }

  // Every array must lie where the one before ends, and the last one end with the file: then they are all inside it,
  // share nothing and hide nothing.
  void read_header(const Json& header, int64_t data_begin, int64_t data_bytes) {
    for (const Json::Member& member : header.object()) {
      if (member.key == "__metadata__") {
        for (const Json::Member& entry : member.value.object()) result_.metadata_[entry.key] = entry.value.string();
      } else {
        read_tensor(member.key, member.value, data_begin);
      }
    }
    std::sort(parts_.begin(), parts_.end(),
              [](const Part& a, const Part& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    int64_t end = 0;
    for (const Part& part : parts_) {
      if (part.begin != end)
        fail("has an array '" + part.name->substr(0, 80) + "' that begins at byte " + std::to_string(part.begin) +
             " of the data, but the one before ends at " + std::to_string(end));
      end = part.end;
    }
    if (end != data_bytes)
      fail("is cut off or damaged: its arrays have " + std::to_string(end) + " bytes, but it holds " +
           std::to_string(data_bytes));
  }

  void read_tensor(const std::string& name, const Json& description, int64_t data_begin) {
    const auto fail_at = [&](const std::string& what) { fail("has an array '" + name.substr(0, 80) + "' " + what); };
    const std::string& dtype = description.at("dtype").string();
    if (dtype != "F32") fail_at("of dtype " + dtype.substr(0, 20) + "; expected F32");
    SafeTensors::Tensor tensor{{}, 1, 0};
    for (const Json& dim : description.at("shape").array()) {
      const int64_t n = dim.integer();
      if (n < 0) fail_at("with a negative size, " + std::to_string(n));
      if (n > 0 && tensor.size > SafeTensors::kMaxBytes / n) fail_at("that is too large");
      tensor.size *= n;
      tensor.shape.push_back(n);
    }
    const Json::Array& offsets = description.at("data_offsets").array();
    if (offsets.size() != 2) fail_at("without its two offsets");
    const int64_t begin = offsets[0].integer(), end = offsets[1].integer();
    if (begin < 0 || begin > end || end > bytes_ || end - begin != tensor.size * kValueBytes)
      fail_at("of " + std::to_string(tensor.size * kValueBytes) + " bytes between bytes " + std::to_string(begin) +
              " and " + std::to_string(end) + " of the data");
    tensor.offset = data_begin + begin;
    const auto place = result_.tensors_.emplace(name, std::move(tensor)).first;
    parts_.push_back({begin, end, &place->first});
  }

  int64_t bytes_;
  SafeTensors result_;
  std::vector<Part> parts_;
};

SafeTensors SafeTensors::open(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw std::runtime_error("there is no file '" + path + "'");
  if (status.type() == fs::file_type::none)
    throw std::runtime_error("'" + path + "' cannot be read: " + error.message());
  if (!fs::is_regular_file(status)) throw std::runtime_error("'" + path + "' is no file");
  SafeTensors file;
  file.name_ = path;
  file.file_ = File::open(path);
  const int64_t bytes = file.file_->size();
  return SafeTensorsReader(std::move(file), bytes).result();
}

SafeTensors SafeTensors::from_bytes(std::string_view bytes, const std::string& name) {
  SafeTensors file;
  file.name_ = name;
  file.bytes_ = bytes.data();
  return SafeTensorsReader(std::move(file), static_cast<int64_t>(bytes.size())).result();
}

void SafeTensors::read(float* to, const Tensor& tensor) const {
  read(to, tensor.size * static_cast<int64_t>(sizeof(float)), tensor.offset);
}

// Of a range inside the file.
void SafeTensors::read(void* to, int64_t bytes, int64_t offset) const {
  if (file_) file_->read(to, bytes, offset);
  else if (bytes > 0) std::memcpy(to, bytes_ + offset, static_cast<size_t>(bytes));
}

const SafeTensors::Tensor* SafeTensors::find_tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const std::string* SafeTensors::find_metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

}  // namespace pycnn
