// How many threads pycnn uses.
#pragma once

#include <string>

namespace pycnn {

// min(cores this process may run on, cgroup CPU quota rounded up), unless OMP_NUM_THREADS says otherwise.
int default_num_threads();
std::string default_threads_reason();  // diagnostics: what the number comes from
int num_threads();
void set_num_threads(int threads);  // throws std::invalid_argument below 1

}  // namespace pycnn
