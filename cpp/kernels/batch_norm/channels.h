// What the way back through batch normalization needs of one vector of channels, in registers.
#pragma once

#include "kernels/batch_norm/batch_norm.h"
#include "simd/lanes.h"

namespace pycnn::PYCNN_ISA {
namespace {

PYCNN_INLINE bool is_bounded(const ScaleShift& f) { return f.lower > -__builtin_huge_valf(); }

// The gradient by `output`'s input before its bound.
template <bool kBounded, class Lanes>
struct Bound {
  Bound(const ScaleShift& f, int64_t j, Lanes lanes) : lower(broadcast(f.lower)) {
    if (kBounded) scale = load(f.scale + j, lanes), shift = load(f.shift + j, lanes);
  }
  Vec gradient(Vec x, Vec dy) const { return kBounded ? select(x * scale + shift <= lower, Vec{}, dy) : dy; }
  Vec lower, scale, shift;
};

template <bool kBounded, class Lanes>
struct Channels {
  Channels(const BatchNormGradient& g, int64_t j, Lanes lanes)
      : bound(g.output, j, lanes), center(load(g.mean + j, lanes)) {
    const Vec inv_std = load(g.inv_std + j, lanes);
    outer = g.gamma ? load(g.gamma + j, lanes) * inv_std : inv_std;
    offset = load(g.mean_dy + j, lanes);
    slope = load(g.mean_dy_x + j, lanes) * inv_std;
  }
  Vec dx(Vec x, Vec dy) const { return outer * (bound.gradient(x, dy) - offset - (x - center) * slope); }

  Bound<kBounded, Lanes> bound;
  Vec center, outer, offset, slope;
};

}  // namespace

void apply_pool(float* y, float* picked, uint8_t* argmax, const float* x, const ScaleShift& f, const PooledMap& map);
void backward_apply_pool(float* dx, const float* x, const float* dy, const uint8_t* argmax, const BatchNormGradient& g,
                         const PooledMap& map);

}  // namespace pycnn::PYCNN_ISA
