// Runs every test on every ISA of this machine: pycnn_tests [part of a test's name], or all but these: pycnn_tests
// -part. With a further argument i/n, from 1/n to n/n, only every n-th of them, so that processes can share them.
#include <cstdlib>
#include <iostream>
#include <string>

#include "runtime/dispatch.h"
#include "tests/check.h"

int main(int argc, char** argv) {
  using namespace pycnn;
  std::string part = argc > 1 ? argv[1] : "";
  const bool without = part.rfind("-", 0) == 0;
  if (without) part.erase(0, 1);
  const std::string share = argc > 2 ? argv[2] : "1/1";
  const int number = std::atoi(share.c_str()), shares = std::atoi(share.c_str() + share.find('/') + 1);
  if (share.find('/') == std::string::npos || number < 1 || number > shares) {
    std::cerr << "'" << share << "' is no share such as 1/2\n";
    return 2;
  }
  int passed = 0, failed = 0, seen = 0;
  for (const std::string& isa : available_isas()) {
    const KernelTable& kernels = kernel_table(isa);
    for (const testing::Test& test : testing::tests()) {
      if ((test.name.find(part) == std::string::npos) != without) continue;
      if (seen++ % shares != number - 1) continue;
      const int64_t before = testing::failures();
      test.function(kernels);
      const bool ok = testing::failures() == before;
      ++(ok ? passed : failed);
      if (!ok) std::cerr << "FAILED " << test.name << " on " << isa << "\n";
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}
