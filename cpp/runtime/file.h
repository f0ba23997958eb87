// A file that stays open, for what is read of it later on.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace pycnn {

class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Its bytes are read, not mapped into memory: a mapped file that another process makes shorter ends the process that
// looks at it. Threads may read at the same time.
class File {
 public:
  // Of an open file's descriptor, which stays the caller's; `name` is for messages. FileError where it cannot be kept.
  File(int descriptor, std::string name);
  static std::shared_ptr<const File> open(const std::string& path);  // FileError where it cannot be
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int64_t size() const { return state_.size; }
  const std::string& name() const { return name_; }
  // FileError where that fails, or the file is no longer the one that was opened: it has another size, or was written.
  void read(void* to, int64_t bytes, int64_t offset) const;

 private:
  struct State {
    int64_t size, seconds, nanoseconds;  // when it was written last
    bool operator==(const State& o) const {
      return size == o.size && seconds == o.seconds && nanoseconds == o.nanoseconds;
    }
  };
  State state() const;
  [[noreturn]] void fail(const std::string& what) const;

  std::string name_;
  int descriptor_;
  State state_{};
};

}  // namespace pycnn
