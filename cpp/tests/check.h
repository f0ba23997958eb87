// A minimal test harness: TEST(name) registers a function that main.cpp runs once for every ISA with that ISA's
// `kernels`; the CHECK macros count failures and print where and what.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace pycnn::testing {

typedef void (*TestFunction)(const KernelTable& kernels);

struct Test {
  std::string name;
  TestFunction function;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* name, TestFunction function) { tests().push_back({name, function}); }
};

inline int64_t& failures() {
  static int64_t count = 0;
  return count;
}

template <typename... Parts>
void fail(const char* file, int line, const Parts&... parts) {
  constexpr int64_t kPrinted = 50;
  if (++failures() > kPrinted) return;
  std::cerr.precision(9);
  std::cerr << file << ":" << line << ": ";
  (std::cerr << ... << parts) << "\n";
}

inline bool is_near(double got, double want, double tolerance) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::abs(got - want) <= tolerance;
}

constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Around the widths of all vectors.
const std::vector<int64_t> kSizes = {0, 1, 2, 3, 5, 7, 15, 16, 17, 31, 33, 100};

typedef std::vector<float> Floats;
typedef std::vector<uint8_t> Bytes;

inline Floats random_floats(int64_t n, uint32_t seed, float low = -3.0f, float high = 3.0f) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  Floats values(n);
  for (float& value : values) value = distribution(generator);
  return values;
}

inline bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// An output array of n floats, not aligned, between two strips of guard values that nobody may touch.
class Guarded {
 public:
  explicit Guarded(int64_t n, float value = -7.0f) : n_(n), memory_(n + 2 * kStrip, kGuard) {
    for (int64_t i = 0; i < n; ++i) memory_[kStrip + i] = value;
  }
  explicit Guarded(const Floats& values) : Guarded(static_cast<int64_t>(values.size())) {
    for (int64_t i = 0; i < n_; ++i) memory_[kStrip + i] = values[i];
  }

  float* data() { return memory_.data() + kStrip; }
  float operator[](int64_t i) const { return memory_[kStrip + i]; }
  int64_t size() const { return n_; }
  Floats values() const { return Floats(memory_.begin() + kStrip, memory_.end() - kStrip); }
  bool intact() const {
    for (int64_t i = 0; i < kStrip; ++i) {
      if (memory_[i] != kGuard || memory_[kStrip + n_ + i] != kGuard) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kStrip = 19;
  static constexpr float kGuard = -12345.678f;
  int64_t n_;
  Floats memory_;
};

}  // namespace pycnn::testing

#define TEST(name)                                                                 \
  static void name(const ::pycnn::KernelTable& kernels);                           \
  static const ::pycnn::testing::Registration registration_of_##name(#name, name); \
  static void name([[maybe_unused]] const ::pycnn::KernelTable& kernels)

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) ::pycnn::testing::fail(__FILE__, __LINE__, "not true: ", #condition); \
  } while (false)

// The last arguments say which case it was.
#define CHECK_NEAR(got, want, tolerance, ...)                                                                   \
  do {                                                                                                          \
    const double got_ = (got), want_ = (want), tolerance_ = (tolerance);                                        \
    if (!::pycnn::testing::is_near(got_, want_, tolerance_)) {                                                  \
      ::pycnn::testing::fail(__FILE__, __LINE__, #got, " is ", got_, ", not ", want_, " +- ", tolerance_, " (", \
                             __VA_ARGS__, ")");                                                                 \
    }                                                                                                           \
  } while (false)

#define CHECK_EQUAL(got, want, ...) CHECK_NEAR(got, want, 0.0, __VA_ARGS__)
