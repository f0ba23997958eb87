// What pycnn.bench.calibrate measures and asks: one pass of a convolution by any of its algorithms, chosen or not.
#include <algorithm>
#include <ctime>
#include <limits>
#include <optional>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/gil.h"
#include "bindings/names.h"
#include "kernels/conv2d/cost.h"
#include "runtime/dispatch.h"

namespace pycnn::bindings {
namespace {

constexpr int64_t kImages = 8;            // of a call, as in training
constexpr double kPackings = 1.0 / 32.0;  // of an image: weights change with every batch
constexpr int64_t kLargest = 1 << 24;     // numbers of a map or of the weights

// Seconds of the shortest of at least three rounds. Counted is the processor's time: waiting for it is not.
template <class Body>
double shortest(double seconds, const Body& body) {
  constexpr double kRound = 2e-4;  // many times the clock's resolution
  const auto since = [](std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  body();
  int64_t runs = 1;
  double best = std::numeric_limits<double>::infinity();
  const std::clock_t start = std::clock();
  for (int round = 0; round < 3 || since(start) < seconds; ++round) {
    const std::clock_t begin = std::clock();
    for (int64_t i = 0; i < runs; ++i) body();
    const double taken = since(begin);
    if (taken >= kRound) best = std::min(best, taken / static_cast<double>(runs));
    else runs *= 2, round = 0;
  }
  return best;
}

class Conv2DTrial {
 public:
  using Costs = std::array<double, kConv2DCostTerms>;  // in the order of Conv2DCost

  Conv2DTrial(int64_t size, int64_t c, int64_t k, int64_t kernel, bool same, std::string direction,
              const std::string& precision)
      : direction_(std::move(direction)) {
    require(c >= 1 && k >= 1 && kernel >= 1 && size >= kernel,
            "size, c, k and kernel must be positive, and the kernel fit into the map");
    require(size <= kLargest && c <= kLargest && k <= kLargest && size * size * std::max(c, k) <= kLargest &&
                kernel * kernel * c * k <= kLargest,
            "maps and weights must have " + std::to_string(kLargest) + " numbers at most");
    require(forward() || backward_input() || direction_ == "backward_weight",
            "direction must be 'forward', 'backward_input' or 'backward_weight', not '" + direction_ + "'");
    const bool bfloat16 = precision_of(precision) == Precision::kBfloat16;
    rounds_ = bfloat16 && direction_ != "backward_weight";
    const int64_t out = same ? size : size - kernel + 1, before = same ? (kernel - 1) / 2 : 0;
    shape_ = {size, size, c, out, out, k, kernel, kernel, 1, 1, 1, 1, before, before, 1, 0.0f};
    const KernelTable& table = active_kernels();
    kernels_ = bfloat16 ? table.bf16.conv2d : table.conv2d;
  }

  std::vector<int> tiles() const {
    std::vector<int> exist = {0};
    for (int m = 2; m <= 6; ++m)
      if (has_winograd(as_forward(), m, rounds_)) exist.push_back(m);
    return exist;
  }

  int chosen(const std::optional<Costs>& costs) const {
    if (costs) {
      const auto [direct_products, direct_pixels, products, inputs, outputs, weights, far_weights] = *costs;
      return cheapest_tile(as_forward(), rounds_, kImages,
                           {direct_products, direct_pixels, products, inputs, outputs, weights, far_weights});
    }
    // Among the forms in bfloat16: the kernels also take float32's.
    if (rounds_) return cheapest_tile(as_forward(), rounds_, kImages, kForwardCostBfloat16);
    const Conv2DOptions o = options(kByCost);
    return forward()          ? kernels_.choose_forward(shape_, o).tile
           : backward_input() ? kernels_.choose_backward_input(shape_, o).tile
                              : kernels_.choose_backward_weight(shape_, o).tile;
  }

  Costs work(int tile) const {
    check(tile);
    const Conv2DCost w = conv2d_work(as_forward(), tile, kImages);
    return {w.direct_products, w.direct_pixels, w.products, w.inputs, w.outputs, w.weights, w.far_weights};
  }

  double measure(int tile, double seconds) const {
    check(tile);
    require(seconds > 0 && seconds <= 60, "seconds must lie in (0, 60]");
    const Conv2D& s = shape_;
    const int64_t x_floats = s.h * s.w * s.c, y_floats = s.oh * s.ow * s.k;
    const AlignedFloats w = numbers(s.kh * s.kw * s.c * s.k), x = numbers(kImages * x_floats),
                        y = numbers(kImages * y_floats);
    // Of a chosen form, with what its call(packed, scratch) does.
    const auto timed = [&](const Conv2DForm& form, const auto& call) {
      const AlignedFloats packed = numbers(form.packed_floats), scratch = numbers(form.scratch_floats);
      const GilReleased released;
      const double run = shortest(seconds, [&] { call(packed.data(), scratch.data()); }) / kImages;
      if (!form.pack) return run;
      return run +
             kPackings * shortest(seconds / 4, [&] { form.pack(packed.data(), w.data(), s, 0, form.pack_pieces); });
    };
    if (forward()) {
      const Conv2DForward form = kernels_.choose_forward(s, options(tile));
      return timed(form, [&](const float* packed, float* scratch) {
        form.run({y.data(), y_floats, x.data(), x_floats, kImages}, packed, nullptr, scratch, form, 0, form.pieces);
      });
    }
    if (backward_input()) {
      const Conv2DBackwardInput form = kernels_.choose_backward_input(s, options(tile));
      return timed(form, [&](const float* packed, float* scratch) {
        form.run({x.data(), x_floats, y.data(), y_floats, kImages}, packed, scratch, form, 0, form.pieces);
      });
    }
    const Conv2DBackwardWeight form = kernels_.choose_backward_weight(s, options(tile));
    return timed(form, [&](const float*, float* scratch) {
      form.run(w.data(), nullptr, {x.data(), x_floats, y.data(), y_floats, kImages}, scratch, form, false);
    });
  }

 private:
  bool forward() const { return direction_ == "forward"; }
  bool backward_input() const { return direction_ == "backward_input"; }
  // The forward pass that costs what this one does.
  Conv2D as_forward() const { return backward_input() ? transposed(shape_) : shape_; }
  static Conv2DOptions options(int tile) {
    Conv2DOptions o;
    o.images = kImages;
    o.tile = tile;
    return o;
  }
  void check(int tile) const {
    require(tile == 0 || has_winograd(as_forward(), tile, rounds_),
            "tile: this convolution has no form with tiles of " + std::to_string(tile));
  }
  static AlignedFloats numbers(int64_t count) {
    AlignedFloats values(count);
    for (int64_t i = 0; i < count; ++i) values.data()[i] = 0.01f * static_cast<float>(i % 7 - 3);
    return values;
  }

  Conv2D shape_;
  std::string direction_;
  bool rounds_;  // whether Winograd's products do
  Conv2DKernels kernels_;
};

}  // namespace

void bind_calibration(py::module_& m) {
  using py::arg;
  py::class_<Conv2DTrial>(m, "Conv2DTrial")
      .def(py::init<int64_t, int64_t, int64_t, int64_t, bool, std::string, const std::string&>(), arg("size"), arg("c"),
           arg("k"), arg("kernel"), arg("same"), arg("direction"), arg("precision") = "float32")
      .def("tiles", &Conv2DTrial::tiles)
      .def("chosen", &Conv2DTrial::chosen, arg("costs") = py::none())
      .def("work", &Conv2DTrial::work, arg("tile"))
      .def("measure", &Conv2DTrial::measure, arg("tile"), arg("seconds"));
}

}  // namespace pycnn::bindings
