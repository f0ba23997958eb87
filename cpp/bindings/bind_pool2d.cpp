// Pooling and padding of images.
#include "bindings/bindings.h"
#include "bindings/names.h"
#include "bindings/sharing.h"
#include "graph/infer.h"

namespace pycnn::bindings {
namespace {

Pool2D pool2d_of(const std::vector<int64_t>& x, IntPair size, IntPair strides, IntFour padding, bool average,
                 bool count_padding) {
  const Pool2DNode node{average,
                        {size[0], size[1]},
                        {strides[0], strides[1]},
                        {padding[0], padding[1], padding[2], padding[3]},
                        count_padding};
  const Shape y = infer_shape("pool2d", node, {{x[1], x[2], x[3]}});
  return {x[1],    x[2],       x[3],       y.h(),      y.w(),      size[0],
          size[1], strides[0], strides[1], padding[0], padding[2], count_padding};
}

template <class Forward>
Floats pool_forward(const Floats& x, const Pool2D& p, Forward forward) {
  Floats y = new_array({x.shape(0), p.oh, p.ow, p.c});
  const float* from = x.data();
  float* to = y.mutable_data();
  for_each(x.shape(0), 0,
           [&](int64_t i, float*) { forward(to + i * p.oh * p.ow * p.c, from + i * p.h * p.w * p.c, p, 0, p.oh); });
  return y;
}

Floats max_pool2d_forward(const Floats& x, IntPair size, IntPair strides, IntFour padding) {
  require_rank(x, 4, "x");
  return pool_forward(x, pool2d_of(shape_of(x), size, strides, padding, false, false),
                      active_kernels().pool2d.max_forward);
}

Floats max_pool2d_backward(const Floats& x, const Floats& dy, IntPair size, IntPair strides, IntFour padding) {
  require_rank(x, 4, "x");
  const Pool2D p = pool2d_of(shape_of(x), size, strides, padding, false, false);
  require_shape(dy, {x.shape(0), p.oh, p.ow, p.c}, "dy");
  Floats dx = new_array(shape_of(x));
  const float *from = x.data(), *gradient = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pool2d.max_backward;
  for_each(x.shape(0), 0, [&](int64_t i, float*) {
    const int64_t at = i * p.h * p.w * p.c;
    backward(to + at, from + at, gradient + i * p.oh * p.ow * p.c, p);
  });
  return dx;
}

Floats average_pool2d_forward(const Floats& x, IntPair size, IntPair strides, IntFour padding, bool count_padding) {
  require_rank(x, 4, "x");
  return pool_forward(x, pool2d_of(shape_of(x), size, strides, padding, true, count_padding),
                      active_kernels().pool2d.average_forward);
}

Floats average_pool2d_backward(const Floats& dy, const std::array<int64_t, 4>& input_shape, IntPair size,
                               IntPair strides, IntFour padding, bool count_padding) {
  const std::vector<int64_t> in(input_shape.begin(), input_shape.end());
  require(in[0] >= 0, "input_shape must not be negative");
  const Pool2D p = pool2d_of(in, size, strides, padding, true, count_padding);
  require_shape(dy, {in[0], p.oh, p.ow, p.c}, "dy");
  Floats dx = new_array(in);
  const float* gradient = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pool2d.average_backward;
  for_each(in[0], 0,
           [&](int64_t i, float*) { backward(to + i * p.h * p.w * p.c, gradient + i * p.oh * p.ow * p.c, p); });
  return dx;
}

Pad2D pad2d_of(const std::vector<int64_t>& x, IntFour padding, const std::string& mode, float value) {
  const Pad2DNode node{{padding[0], padding[1], padding[2], padding[3]}, pad_mode(mode), value};
  infer_shape("pad2d", node, {{x[1], x[2], x[3]}});
  return {x[1], x[2], x[3], padding[0], padding[1], padding[2], padding[3], node.mode, value};
}

Floats pad2d_forward(const Floats& x, IntFour padding, const std::string& mode, float value) {
  require_rank(x, 4, "x");
  const Pad2D p = pad2d_of(shape_of(x), padding, mode, value);
  const int64_t h = p.top + p.h + p.bottom, w = p.left + p.w + p.right;
  Floats y = new_array({x.shape(0), h, w, p.c});
  const float* from = x.data();
  float* to = y.mutable_data();
  const auto forward = active_kernels().pad2d.forward;
  for_each(x.shape(0), 0,
           [&](int64_t i, float*) { forward(to + i * h * w * p.c, from + i * p.h * p.w * p.c, p.c, p); });
  return y;
}

Floats pad2d_backward(const Floats& dy, IntFour padding, const std::string& mode) {
  require_rank(dy, 4, "dy");
  const int64_t h = dy.shape(1) - padding[0] - padding[1], w = dy.shape(2) - padding[2] - padding[3];
  require(h >= 1 && w >= 1, "dy of shape " + text_of(shape_of(dy)) + " is no larger than its padding");
  const Pad2D p = pad2d_of({dy.shape(0), h, w, dy.shape(3)}, padding, mode, 0);
  Floats dx = new_array({dy.shape(0), h, w, dy.shape(3)});
  const float* from = dy.data();
  float* to = dx.mutable_data();
  const auto backward = active_kernels().pad2d.backward;
  for_each(dy.shape(0), 0,
           [&](int64_t i, float*) { backward(to + i * h * w * p.c, from + i * dy.shape(1) * dy.shape(2) * p.c, p); });
  return dx;
}

}  // namespace

void bind_pool2d(py::module_& m) {
  using py::arg;
  m.def("max_pool2d_forward", &max_pool2d_forward, arg("x"), arg("pool_size"), arg("strides"), arg("padding"));
  m.def("max_pool2d_backward", &max_pool2d_backward, arg("x"), arg("dy"), arg("pool_size"), arg("strides"),
        arg("padding"));
  m.def("average_pool2d_forward", &average_pool2d_forward, arg("x"), arg("pool_size"), arg("strides"), arg("padding"),
        arg("count_padding"));
  m.def("average_pool2d_backward", &average_pool2d_backward, arg("dy"), arg("input_shape"), arg("pool_size"),
        arg("strides"), arg("padding"), arg("count_padding"));
  m.def("pad2d_forward", &pad2d_forward, arg("x"), arg("padding"), arg("mode"), arg("value"));
  m.def("pad2d_backward", &pad2d_backward, arg("dy"), arg("padding"), arg("mode"));
}

}  // namespace pycnn::bindings
