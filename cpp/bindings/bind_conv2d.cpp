// ops.conv2d and its backward functions.
#include "bindings/bindings.h"
#include "bindings/names.h"
#include "bindings/sharing.h"
#include "graph/infer.h"
#include "runtime/exact.h"

namespace pycnn::bindings {
namespace {

constexpr int64_t kImagesAtOnce = 4;  // enough tiles for a small map's Winograd products

// They amortize weight loads.
Conv2DOptions options() {
  Conv2DOptions o;
  o.images = kImagesAtOnce;
  if (exact()) o.tile = 0;
  return o;
}

const Conv2DKernels& kernels_of(const std::string& precision) {
  const KernelTable& table = active_kernels();
  return precision_of(precision) == Precision::kBfloat16 ? table.bf16.conv2d : table.conv2d;
}

Conv2D conv2d_of(const std::vector<int64_t>& x, const std::vector<int64_t>& w, IntPair strides, IntFour padding,
                 float pad_value, IntPair dilation, int64_t groups) {
  require(groups >= 1 && x[3] % groups == 0 && w[2] == x[3] / groups,
          "w: a kernel of shape " + text_of(w) + " in " + std::to_string(groups) + " groups does not fit " +
              std::to_string(x[3]) + " input channels");
  const Conv2DNode node{{strides[0], strides[1]},
                        {dilation[0], dilation[1]},
                        {padding[0], padding[1], padding[2], padding[3]},
                        pad_value,
                        groups};
  const Shape y = infer_shape("conv2d", node, {{x[1], x[2], x[3]}}, {{w}});
  return {x[1],       x[2],       x[3],        y.h(),       y.w(),      y.c(),      w[0],   w[1],
          strides[0], strides[1], dilation[0], dilation[1], padding[0], padding[2], groups, pad_value};
}

// body(images, first, scratch) for runs of neighbouring images.
template <class Body>
void for_images(int64_t n, int64_t scratch_floats, const Body& body) {
  for_each((n + kImagesAtOnce - 1) / kImagesAtOnce, scratch_floats, [&](int64_t i, float* scratch) {
    body(i * kImagesAtOnce, std::min(kImagesAtOnce, n - i * kImagesAtOnce), scratch);
  });
}

Floats conv2d_forward(const Floats& x, const Floats& w, const py::object& b, IntPair strides, IntFour padding,
                      float pad_value, IntPair dilation, int64_t groups, const std::string& precision) {
  require_rank(x, 4, "x");
  require_rank(w, 4, "w");
  const Conv2D s = conv2d_of(shape_of(x), shape_of(w), strides, padding, pad_value, dilation, groups);
  const Conv2DForward conv = kernels_of(precision).choose_forward(s, options());
  Floats bias;
  if (!b.is_none()) {
    bias = as<Floats>(b, "b");
    require_shape(bias, {s.k}, "b");
  }
  const int64_t n = x.shape(0);
  Floats y = new_array({n, s.oh, s.ow, s.k});
  AlignedFloats packed(conv.packed_floats);
  conv.pack(packed.data(), w.data(), s, 0, conv.pack_pieces);
  const float *from = x.data(), *bias_data = b.is_none() ? nullptr : bias.data();
  float* to = y.mutable_data();
  const int64_t x_floats = s.h * s.w * s.c, y_floats = s.oh * s.ow * s.k;
  for_images(n, conv.scratch_floats, [&](int64_t i, int64_t count, float* scratch) {
    conv.run({to + i * y_floats, y_floats, from + i * x_floats, x_floats, count}, packed.data(), bias_data, scratch,
             conv, 0, conv.pieces);
  });
  return y;
}

Floats conv2d_backward_input(const Floats& dy, const Floats& w, const std::array<int64_t, 4>& input_shape,
                             IntPair strides, IntFour padding, IntPair dilation, int64_t groups,
                             const std::string& precision) {
  require_rank(w, 4, "w");
  const std::vector<int64_t> in(input_shape.begin(), input_shape.end());
  require(in[0] >= 0, "input_shape must not be negative");
  const Conv2D s = conv2d_of(in, shape_of(w), strides, padding, 0, dilation, groups);
  const Conv2DBackwardInput conv = kernels_of(precision).choose_backward_input(s, options());
  require_shape(dy, {in[0], s.oh, s.ow, s.k}, "dy");
  Floats dx = new_array(in);
  AlignedFloats packed(conv.packed_floats);
  conv.pack(packed.data(), w.data(), s, 0, conv.pack_pieces);
  const float* from = dy.data();
  float* to = dx.mutable_data();
  const int64_t x_floats = s.h * s.w * s.c, y_floats = s.oh * s.ow * s.k;
  for_images(in[0], conv.scratch_floats, [&](int64_t i, int64_t count, float* scratch) {
    conv.run({to + i * x_floats, x_floats, from + i * y_floats, y_floats, count}, packed.data(), scratch, conv, 0,
             conv.pieces);
  });
  return dx;
}

Floats conv2d_backward_weight(const Floats& x, const Floats& dy, IntPair kernel_size, IntPair strides, IntFour padding,
                              float pad_value, IntPair dilation, int64_t groups) {
  require_rank(x, 4, "x");
  require_rank(dy, 4, "dy");
  require(groups >= 1 && x.shape(3) % groups == 0,
          "groups must divide the " + std::to_string(x.shape(3)) + " channels of x");
  const std::vector<int64_t> w{kernel_size[0], kernel_size[1], x.shape(3) / groups, dy.shape(3)};
  const Conv2D s = conv2d_of(shape_of(x), w, strides, padding, pad_value, dilation, groups);
  const Conv2DBackwardWeight conv = active_kernels().conv2d.choose_backward_weight(s, options());
  require_shape(dy, {x.shape(0), s.oh, s.ow, s.k}, "dy");
  Floats dw = new_array(w);
  const float *from = x.data(), *gradient = dy.data();
  sum_in_slots(dw.mutable_data(), dw.size(), x.shape(0), conv.scratch_floats,
               [&](int64_t i, float* slot, float* scratch, bool accumulate) {
                 conv.run(slot, nullptr, {from + i * s.h * s.w * s.c, 0, gradient + i * s.oh * s.ow * s.k, 0, 1},
                          scratch, conv, accumulate);
               });
  return dw;
}

}  // namespace

void bind_conv2d(py::module_& m) {
  using py::arg;
  m.def("conv2d_forward", &conv2d_forward, arg("x"), arg("w"), arg("b").none(true), arg("strides"), arg("padding"),
        arg("pad_value"), arg("dilation"), arg("groups"), arg("precision") = "float32");
  m.def("conv2d_backward_input", &conv2d_backward_input, arg("dy"), arg("w"), arg("input_shape"), arg("strides"),
        arg("padding"), arg("dilation"), arg("groups"), arg("precision") = "float32");
  m.def("conv2d_backward_weight", &conv2d_backward_weight, arg("x"), arg("dy"), arg("kernel_size"), arg("strides"),
        arg("padding"), arg("pad_value"), arg("dilation"), arg("groups"));
}

}  // namespace pycnn::bindings
