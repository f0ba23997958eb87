// Which form each pass of a convolution takes, for both kinds of operands.
#pragma once

#include "kernels/conv2d/cost.h"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/forms.h"
#include "kernels/conv2d/weight_gradient.h"
#include "kernels/conv2d/winograd.h"

namespace pycnn::PYCNN_ISA {
namespace {

// Winograd's transform of the outputs of square kernels pools 2x2 windows and bounds from below; with anything else all
// passes are direct sums.
PYCNN_INLINE bool allows_winograd(const Conv2D& s, const Conv2DOptions& o) {
  return !is_depthwise(s) && (o.pool.ph == 0 || (s.kh == s.kw && is_square(o.pool) && is_clamp(o)));
}

// A description of `s`, with tiles by which forward on the shape `as` is cheapest.
template <class Form>
Form start(const Conv2D& s, const Conv2DOptions& o, const Conv2D& as, bool rounds, const Conv2DCost& each) {
  Form f{};
  f.shape = s;
  f.pool = o.pool;
  f.rounds = rounds && !is_depthwise(s);
  f.weight_reuse = 1;
  if (allows_winograd(s, o)) f.tile = o.tile == kByCost ? cheapest_tile(as, rounds, o.images, each) : o.tile;
  return f;
}

// Vectors of 16 lanes are done with their products before weights of a single image have come from memory; shorter ones
// take long enough.
constexpr double kColdWeights = kLanes == 16 ? 0.055 : 0.0;

template <class Operand>
constexpr Conv2DCost forward_cost() {
  Conv2DCost cost = Operand::kRounds ? kForwardCostBfloat16 : kForwardCost;
  cost.cold_weights = kColdWeights;
  return cost;
}

template <class Operand>
Conv2DForward choose_forward(const Conv2D& s, const Conv2DOptions& o) {
  auto f = start<Conv2DForward>(s, o, s, Operand::kRounds, forward_cost<Operand>());
  if (o.tile == kByCost && !Operand::kRounds && is_plane(s) && allows_winograd(s, o)) f.tile = kPlaneTile;
  f.activation = o.activation;
  f.clamps = is_clamp(o);
  const bool bounded = f.clamps && o.activation.kind == ActivationKind::kRelu;
  f.lower = bounded ? 0.0f : -__builtin_huge_valf();
  f.upper = bounded ? o.activation.max_value : __builtin_huge_valf();
  if (o.pool.ph > 0) f.argmax_bytes = s.oh / o.pool.ph * (s.ow / o.pool.pw) * s.k;
  if (is_depthwise(s)) depthwise_form(f);
  else if (f.tile > 0) Winograd<Operand>::describe(f);
  else if (Operand::kRounds || !few_filters_form(f)) direct_form<Operand>(f);
  return f;
}

template <class Operand>
Conv2DBackwardInput choose_backward_input(const Conv2D& s, const Conv2DOptions& o) {
  auto f = start<Conv2DBackwardInput>(s, o, transposed(s), Operand::kRounds, forward_cost<Operand>());
  f.pieces = 1;
  if (is_depthwise(s)) depthwise_form(f);
  else if (f.tile > 0) Winograd<Operand>::describe(f);
  else direct_form<Operand>(f);
  if (sparse_rows_form(f) || sparse_input_form(f)) {  // the reuse stays that of the dense form
    f.tile = 0;
    f.pieces = 1;
  }
  return f;
}

template <class Operand>
Conv2DBackwardWeight choose_backward_weight(const Conv2D& s, const Conv2DOptions& o) {
  const Conv2DCost& each = Operand::kRounds ? kWeightCostBfloat16 : kWeightCost;
  auto f = start<Conv2DBackwardWeight>(s, o, s, false, each);
  if (is_depthwise(s)) depthwise_form(f);
  else if (f.tile > 0) winograd_weight_form(f);
  else direct_form<Operand>(f);
  if (first_layer_form(f) || sparse_weight_form(f)) {  // the sums stay those of the dense form
    f.tile = 0;
    f.pieces = 0;
  }
  return f;
}

}  // namespace
}  // namespace pycnn::PYCNN_ISA
