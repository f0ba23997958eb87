#include "runtime/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pycnn {
namespace {

constexpr int64_t kMostAtOnce = int64_t{1} << 30;  // some systems refuse to read 2 GB

std::string last_error() { return std::generic_category().message(errno); }

}  // namespace

File::File(int descriptor, std::string name)
    : name_(std::move(name)), descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) fail("cannot be kept open: " + last_error());
  try {
    state_ = state();
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

std::shared_ptr<const File> File::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw FileError("'" + path + "' cannot be read: " + last_error());
  const std::unique_ptr<const int, void (*)(const int*)> closed(&descriptor, [](const int* d) { close(*d); });
  return std::make_shared<const File>(descriptor, path);
}

File::~File() { close(descriptor_); }

File::State File::state() const {
  struct stat s {};
  if (fstat(descriptor_, &s) != 0) fail("cannot be read: " + last_error());
#if defined(__APPLE__)
  const timespec& written = s.st_mtimespec;
#else
  const timespec& written = s.st_mtim;
#endif
  return {static_cast<int64_t>(s.st_size), static_cast<int64_t>(written.tv_sec), static_cast<int64_t>(written.tv_nsec)};
}

void File::read(void* to, int64_t bytes, int64_t offset) const {
  char* next = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t count =
        pread(descriptor_, next, static_cast<size_t>(std::min(bytes, kMostAtOnce)), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot be read: " + last_error());
    if (count == 0) break;  // it has become shorter
    next += count;
    offset += count;
    bytes -= count;
  }
  if (bytes > 0 || !(state() == state_)) fail("has changed since it was opened: what is still in it cannot be read");
}

void File::fail(const std::string& what) const { throw FileError("'" + name_ + "' " + what); }

}  // namespace pycnn
