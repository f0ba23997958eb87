// Random numbers that are a hash of (seed, position): uniform ones, and inverted dropout, whose mask is not stored, as
// backward hashes again.
#include "kernels/elementwise/parts.h"
#include "simd/lanes.h"
#include "simd/math.h"

namespace pycnn::PYCNN_ISA {
namespace {

// The rounds of the 32-bit finalisers of C. Wellons' hash prospector (triple32), which vectorise; the key enters
// before and between them, so that two keys do not give shifted copies of one sequence.
template <typename Uint>
PYCNN_INLINE Uint hash(Uint x, uint32_t key, uint32_t second_key) {
  x = x ^ key;
  x = (x ^ (x >> 17)) * 0xed5ad4bbu;
  x = x ^ second_key;
  x = (x ^ (x >> 11)) * 0xac4c1b51u;
  x = (x ^ (x >> 15)) * 0x31848babu;
  return x ^ (x >> 14);
}

// Calls use(i, bits, lanes) for the positions first + i of 0 <= i < n, a vector of them at a time.
template <class Use>
PYCNN_INLINE void for_hashes(int64_t n, uint64_t seed, int64_t first, const Use& use) {
  const uint32_t seed_low = static_cast<uint32_t>(seed), seed_high = static_cast<uint32_t>(seed >> 32);
  const UintVec index = reinterpret_cast<UintVec>(lane_index());
  // Positions with the same upper half share a key.
  for (int64_t done = 0; done < n;) {
    const int64_t position = first + done;
    const uint32_t low = static_cast<uint32_t>(position), high = static_cast<uint32_t>(position >> 32);
    const int64_t count = min(n - done, 0x100000000ll - low);
    const uint32_t key = hash<uint32_t>(seed_low, seed_high, high);
    const uint32_t second_key = hash<uint32_t>(seed_high, high, key);
    for_vectors(count, [&](int64_t i, auto lanes) {
      use(done + i, hash(index + (low + static_cast<uint32_t>(i)), key, second_key), lanes);
    });
    done += count;
  }
}

}  // namespace

void dropout(float* y, const float* x, int64_t n, float rate, uint64_t seed, int64_t first) {
  // Kept where the hash, taken as signed, is not below this.
  const int64_t dropped = static_cast<int64_t>(static_cast<double>(rate) * 0x1p32);
  const IntVec threshold = broadcast_int(static_cast<int32_t>(dropped - 0x80000000ll));
  const float scale = 1.0f / (1.0f - rate);
  for_hashes(n, seed, first, [&](int64_t i, UintVec bits, auto lanes) {
    const IntVec keep = reinterpret_cast<IntVec>(bits) >= threshold;
    store(y + i, select(keep, load(x + i, lanes) * scale, Vec{}), lanes);
  });
}

// The upper 24 bits of the hash, which a float holds exactly.
void uniform(float* y, int64_t n, uint64_t seed, int64_t first) {
  for_hashes(n, seed, first, [&](int64_t i, UintVec bits, auto lanes) {
    store(y + i, __builtin_convertvector(reinterpret_cast<IntVec>(bits >> 8), Vec) * 0x1p-24f, lanes);
  });
}

}  // namespace pycnn::PYCNN_ISA
