#include "runtime/dispatch.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace pycnn {

#define PYCNN_DECLARE_ISA(isa) \
  namespace isa {              \
  KernelTable kernel_table();  \
  }
PYCNN_DECLARE_ISA(baseline)
#if defined(__x86_64__)
PYCNN_DECLARE_ISA(avx2)
#endif
#if defined(PYCNN_AVX512)
PYCNN_DECLARE_ISA(avx512)
namespace avx512_bf16 {
Bf16Kernels bf16_kernels();
}
#endif

namespace {

#if defined(PYCNN_AVX512)
bool supports_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

// avx512 with other products of bfloat16: what is float32 stays the same code, and the same bits.
KernelTable avx512_bf16_table() {
  KernelTable table = avx512::kernel_table();
  table.isa = "avx512_bf16";
  table.bf16 = avx512_bf16::bf16_kernels();
  return table;
}

// AMD's cores multiply bfloat16 at twice the rate of floats; Intel's, where AMX is not used, at half of it: there
// rounded floats are faster.
bool multiplies_bfloat16_fast() { return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd"); }
#else
bool multiplies_bfloat16_fast() { return false; }
#endif

struct Isa {
  const char* name;
  bool (*supported)();
  KernelTable (*make)();
};

// Worst first. A table is made only after its ISA was found supported.
const Isa kIsas[] = {
#if defined(__x86_64__)
    {"baseline", [] { return __builtin_cpu_supports("sse4.2") != 0; }, baseline::kernel_table},
    {"avx2",
     [] {
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2");
     },
     avx2::kernel_table},
#if defined(PYCNN_AVX512)
    {"avx512", supports_avx512, avx512::kernel_table},
    {"avx512_bf16", [] { return supports_avx512() && __builtin_cpu_supports("avx512bf16"); }, avx512_bf16_table},
#endif
#else
    {"baseline", [] { return true; }, baseline::kernel_table},
#endif
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The best that this CPU can run, but for instructions that it has and is slow at.
std::string default_isa() {
  std::vector<std::string> isas = available_isas();
  if (isas.back() == "avx512_bf16" && !multiplies_bfloat16_fast()) isas.pop_back();
  return isas.back();
}

const KernelTable*& active() {
  static const KernelTable* table = [] {
    const char* forced = std::getenv("PYCNN_ISA");
    return &kernel_table(forced && *forced ? std::string(forced) : default_isa());
  }();
  return table;
}

}  // namespace

std::vector<std::string> built_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : kIsas) names.emplace_back(isa.name);
  return names;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : kIsas) {
    if (isa.supported()) names.emplace_back(isa.name);
  }
  if (names.empty()) throw std::runtime_error("pycnn needs a CPU with SSE 4.2; this one lacks it");
  return names;
}

const KernelTable& kernel_table(const std::string& name) {
  constexpr size_t kCount = sizeof(kIsas) / sizeof(kIsas[0]);
  static std::atomic<const KernelTable*> tables[kCount];
  for (size_t i = 0; i < kCount; ++i) {
    if (name != kIsas[i].name) continue;
    if (!kIsas[i].supported()) {
      throw std::runtime_error("this CPU cannot run the ISA '" + name +
                               "' (PYCNN_ISA); it can run: " + join(available_isas()));
    }
    if (!tables[i]) tables[i] = new KernelTable(kIsas[i].make());  // lives as long as the process
    return *tables[i];
  }
  throw std::invalid_argument("unknown ISA '" + name + "' (PYCNN_ISA); this build has: " + join(built_isas()));
}

const KernelTable& active_kernels() { return *active(); }
void set_active_isa(const std::string& isa) { active() = &kernel_table(isa); }

}  // namespace pycnn
