// Which builds of the kernels exist, which of them this CPU can run, and the one in use.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.h"

namespace pycnn {

std::vector<std::string> built_isas();      // worst first
std::vector<std::string> available_isas();  // those of them that this CPU and operating system support

// Throws std::invalid_argument for a name that is not built, std::runtime_error for one that the CPU lacks.
const KernelTable& kernel_table(const std::string& isa);

// The table that new networks and single operations use: at first the one PYCNN_ISA names, else the best available.
const KernelTable& active_kernels();
void set_active_isa(const std::string& isa);

}  // namespace pycnn
