// The kernels of convolution in float32, and what is float32 always.
#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/first_layer.h"
#include "kernels/conv2d/products.h"
#include "kernels/conv2d/sparse.h"
#include "kernels/conv2d/sparse_rows.h"

namespace pycnn::PYCNN_ISA {
namespace {

void unpool(float* dy, const float* dy_pooled, const uint8_t* argmax, const Conv2D& s, FusedPool pool) {
  const int64_t oh = s.oh / pool.ph, ow = s.ow / pool.pw;
  if (oh * pool.ph < s.oh || ow * pool.pw < s.ow) fill(dy, 0.0f, s.oh * s.ow * s.k);
  for (int64_t i = 0; i < oh; ++i)
    for (int64_t j = 0; j < ow; ++j, dy_pooled += s.k, argmax += s.k)
      for (int64_t k = 0; k < s.k; k += kLanes) {
        const int64_t lanes = least(kLanes, s.k - k);
        const Vec g = load_n(dy_pooled + k, lanes);
        const IntVec winner = load_bytes(argmax + k, lanes);
        for (int64_t a = 0; a < pool.ph * pool.pw; ++a) {
          const IntVec here = winner == broadcast_int(static_cast<int32_t>(a));
          const int64_t row = i * pool.ph + a / pool.pw, column = j * pool.pw + a % pool.pw;
          store_n(dy + (row * s.ow + column) * s.k + k, select(here, g, Vec{}), lanes);
        }
      }
}

bool has_pooled_weight(const Conv2D& s, FusedPool pool) {
  return first_layer_supported(s, pool) || sparse_weight_supported(s, pool);
}

int64_t pooled_scratch_floats(const Conv2D& s, FusedPool pool) {
  int64_t floats = 0;
  if (first_layer_supported(s, pool)) floats = first_layer_scratch_floats(s);
  else if (sparse_weight_supported(s, pool)) floats = sparse_weight_scratch_floats(s, pool);
  if (sparse_rows_supported(s, pool)) return most(floats, sparse_rows_scratch_floats(s));
  return sparse_input_supported(s, pool) ? most(floats, sparse_input_scratch_floats(s)) : floats;
}

bool has_pooled_input(const Conv2D& s, FusedPool pool) {
  return sparse_rows_supported(s, pool) || sparse_input_supported(s, pool);
}

// Both forms of backward_input_pooled are for the one pool.
bool in_rows(const Conv2D& s) { return sparse_rows_supported(s, {2, 2}); }

int64_t packed_pooled_floats(const Conv2D& s) {
  return (in_rows(s) ? sparse_rows_packed_floats : sparse_packed_floats)(s);
}

int64_t pack_pooled_pieces(const Conv2D& s) { return in_rows(s) ? 1 : sparse_pack_pieces(s); }

void pack_pooled(float* packed, const float* w, const Conv2D& s, int64_t begin, int64_t end) {
  if (in_rows(s)) return sparse_rows_pack(packed, w, s);
  sparse_pack(packed, w, s, begin, end);
}

void backward_input_pooled(float* dx, const float* dy_pooled, const uint8_t* argmax, const float* packed,
                           float* scratch, const Conv2D& s, FusedPool) {
  if (in_rows(s)) return sparse_rows_backward_input(dx, dy_pooled, argmax, packed, scratch, s);
  sparse_backward_input(dx, dy_pooled, argmax, packed, scratch, s);
}

bool pooled_weight_transposed(const Conv2D& s, FusedPool pool) { return !first_layer_supported(s, pool); }

void backward_weight_pooled(float* dw, float* db, const float* x, const float* dy_pooled, const uint8_t* argmax,
                            float* scratch, const Conv2D& s, FusedPool pool, bool accumulate) {
  if (first_layer_supported(s, pool))
    return first_layer_backward_weight(dw, db, x, dy_pooled, argmax, scratch, s, accumulate);
  sparse_backward_weight(dw, db, x, dy_pooled, argmax, scratch, s, pool, accumulate);
}

}  // namespace

Conv2DKernels conv2d_kernels() {
  return {choose<Float32>,
          scratch_floats<Float32>,
          packed_floats<Float32>,
          packed_transposed_floats<Float32>,
          weight_uses,
          transposed_weight_uses,
          pack_pieces,
          pack_transposed_pieces,
          pack<Float32>,
          pack_transposed<Float32>,
          pieces,
          forward<Float32>,
          forward_pool<Float32>,
          backward_input<Float32>,
          backward_weight<Float32>,
          unpool,
          has_pooled_weight,
          has_pooled_input,
          pooled_scratch_floats,
          pooled_weight_transposed,
          backward_weight_pooled,
          packed_pooled_floats,
          pack_pooled_pieces,
          pack_pooled,
          backward_input_pooled};
}

}  // namespace pycnn::PYCNN_ISA
