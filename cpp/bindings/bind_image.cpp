// Augmentation of batches of images, the random numbers that it draws, and image kernels.
#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings/bindings.h"
#include "bindings/names.h"
#include "bindings/sharing.h"
#include "runtime/philox.h"

namespace pycnn::bindings {
namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr int64_t kParameters = 8;

FillMode fill_mode(const std::string& name) {
  const std::pair<const char*, FillMode> names[] = {
      {"nearest", FillMode::kNearest}, {"constant", FillMode::kConstant}, {"reflect", FillMode::kReflect},
      {"mirror", FillMode::kMirror},   {"wrap", FillMode::kWrap},         {"wrap_ends", FillMode::kWrapEnds}};
  for (const auto& [known, mode] : names)
    if (name == known) return mode;
  fail("fill_mode is '" + name + "'; expected nearest, constant, reflect, mirror, wrap or wrap_ends");
}

Doubles random_uniforms(uint64_t seed, uint32_t epoch, const WideLabels& samples, int64_t count) {
  require_rank(samples, 1, "samples");
  require(count >= 1, "count must be at least 1, but is " + std::to_string(count));
  Doubles y({static_cast<py::ssize_t>(samples.shape(0)), static_cast<py::ssize_t>(count)});
  double* to = y.mutable_data();
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int64_t i = 0; i < samples.shape(0); ++i) {
    const auto sample = static_cast<uint64_t>(samples.data()[i]);
    for (int64_t k = 0; k < count; k += 4) {
      const auto words = philox(
          {static_cast<uint32_t>(sample), static_cast<uint32_t>(sample >> 32), epoch, static_cast<uint32_t>(k / 4)},
          key);
      for (int64_t j = k; j < std::min(count, k + 4); ++j) *to++ = words[static_cast<size_t>(j - k)] * 0x1p-32;
    }
  }
  return y;
}

// Maps of (x, y), x to the right: first (x, y) -> (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
struct Map {
  double m[6] = {1, 0, 0, 0, 1, 0};
  Map after(const Map& o) const {
    return {{m[0] * o.m[0] + m[1] * o.m[3], m[0] * o.m[1] + m[1] * o.m[4], m[0] * o.m[2] + m[1] * o.m[5] + m[2],
             m[3] * o.m[0] + m[4] * o.m[3], m[3] * o.m[1] + m[4] * o.m[4], m[3] * o.m[2] + m[4] * o.m[5] + m[5]}};
  }
};

// theta, tx, ty, shear, zx, zy, horizontal flip, vertical flip: as Keras' apply_affine_transform composes them.
Map map_of(const double* p, double width, double height, double center_x, double center_y) {
  constexpr double kDegree = 3.14159265358979323846 / 180.0;
  const double theta = p[0] * kDegree, shear = p[3] * kDegree;
  const Map rotate{{std::cos(theta), -std::sin(theta), 0, std::sin(theta), std::cos(theta), 0}};
  const Map shift{{1, 0, p[1], 0, 1, p[2]}};
  const Map slant{{1, -std::sin(shear), 0, 0, std::cos(shear), 0}};
  const Map zoom{{p[4], 0, 0, 0, p[5], 0}};
  const Map to_center{{1, 0, -center_x, 0, 1, -center_y}}, from_center{{1, 0, center_x, 0, 1, center_y}};
  const Map flip{
      {p[6] != 0 ? -1.0 : 1.0, 0, p[6] != 0 ? width - 1 : 0, 0, p[7] != 0 ? -1.0 : 1.0, p[7] != 0 ? height - 1 : 0}};
  return from_center.after(rotate).after(shift).after(slant).after(zoom).after(to_center).after(flip);
}

Doubles image_matrices(const Doubles& parameters, int64_t height, int64_t width, bool swap_center) {
  require_rank(parameters, 2, "parameters");
  require(parameters.shape(1) == kParameters,
          "parameters must have 8 columns, but has shape " + text_of(shape_of(parameters)));
  Doubles matrices({parameters.shape(0), static_cast<py::ssize_t>(6)});
  const double h = static_cast<double>(height), w = static_cast<double>(width);
  const double half_x = (swap_center ? h : w) / 2 - 0.5, half_y = (swap_center ? w : h) / 2 - 0.5;
  const double* from = parameters.data();
  double* to = matrices.mutable_data();
  for (int64_t i = 0; i < parameters.shape(0); ++i, from += kParameters, to += 6) {
    const Map map = map_of(from, w, h, half_x, half_y);
    // Rows first.
    const double rows_first[6] = {map.m[4], map.m[3], map.m[5], map.m[1], map.m[0], map.m[2]};
    std::copy(rows_first, rows_first + 6, to);
  }
  return matrices;
}

const float* channels_or_null(const Floats* values, int64_t c, const char* name) {
  if (values == nullptr) return nullptr;
  require_shape(*values, {c}, name);
  return values->data();
}

Floats augment_images(const py::array& x, const std::optional<WideLabels>& rows, const Doubles& matrices,
                      const std::optional<Floats>& channel_shifts, const std::optional<Floats>& brightness,
                      const std::optional<std::array<int64_t, 2>>& size, int32_t order, const std::string& fill,
                      float cval, float scale, bool center, bool normalize, const std::optional<Floats>& feature_scale,
                      const std::optional<Floats>& feature_shift) {
  require_rank(x, 4, "x");
  const bool bytes = x.dtype().is(py::dtype::of<uint8_t>());
  require(bytes || x.dtype().is(py::dtype::of<float>()), "x must be uint8 or float32");
  require((x.flags() & py::array::c_style) != 0, "x must be contiguous");
  const int64_t n = rows ? rows->size() : x.shape(0), sources = x.shape(0);
  ImagePlan plan{};
  plan.h = x.shape(1), plan.w = x.shape(2), plan.c = x.shape(3);
  plan.oh = size ? (*size)[0] : plan.h, plan.ow = size ? (*size)[1] : plan.w;
  for (const int64_t length : {plan.h, plan.w, plan.c, plan.oh, plan.ow})
    require(length >= 1 && length <= (1 << 18),
            "x of shape " + text_of(shape_of(x)) + ": sides are 1 to 262144 pixels");
  require(plan.h * plan.w < (1ll << 31) / plan.c && plan.oh * plan.ow < (1ll << 31) / plan.c,
          "x of shape " + text_of(shape_of(x)) + ": an image has at most 2**31 values");
  require(order == 0 || order == 1, "order must be 0 or 1, but is " + std::to_string(order));
  plan.type = bytes ? SourceType::kUint8 : SourceType::kFloat32;
  plan.order = order, plan.fill = fill_mode(fill), plan.cval = cval, plan.scale = scale;
  plan.center = center, plan.normalize = normalize;
  plan.channel_scale = channels_or_null(feature_scale ? &*feature_scale : nullptr, plan.c, "feature_scale");
  plan.channel_shift = channels_or_null(feature_shift ? &*feature_shift : nullptr, plan.c, "feature_shift");
  require((plan.channel_scale == nullptr) == (plan.channel_shift == nullptr),
          "feature_scale and feature_shift belong together");
  require_shape(matrices, {n, 6}, "matrices");
  for (int64_t i = 0; i < 6 * n; ++i) require(std::isfinite(matrices.data()[i]), "matrices must be finite");
  if (channel_shifts) require_shape(*channel_shifts, {n}, "channel_shifts");
  if (brightness) require_shape(*brightness, {n}, "brightness");
  for (int64_t i = 0; rows && i < n; ++i) {
    const int64_t row = rows->data()[i];
    require(row >= 0 && row < sources,
            "rows has " + std::to_string(row) + ", but x has " + std::to_string(sources) + " images");
  }

  Floats y = new_array({n, plan.oh, plan.ow, plan.c});
  float* to = y.mutable_data();
  const auto* from = static_cast<const uint8_t*>(x.data());
  const int64_t bytes_of_one = plan.h * plan.w * plan.c * (bytes ? 1 : 4), floats_of_one = plan.oh * plan.ow * plan.c;
  const int64_t* row = rows ? rows->data() : nullptr;
  const float* shift = channel_shifts ? channel_shifts->data() : nullptr;
  const float* factor = brightness ? brightness->data() : nullptr;
  const double* matrix = matrices.data();
  const ImageKernels& kernels = active_kernels().image;
  for_each(n, kernels.scratch(plan), [&](int64_t i, float* scratch) {
    ImageDraw draw{};
    std::copy(matrix + 6 * i, matrix + 6 * i + 6, draw.matrix);
    draw.channel_shift = shift ? shift[i] : 0.0f;
    draw.brightness = factor ? factor[i] : 1.0f;
    kernels.augment(to + i * floats_of_one, scratch, from + (row ? row[i] : i) * bytes_of_one, plan, draw);
  });
  return y;
}

// x under a matrix, or under a column and a row whose product it is. rows and columns: where those of the padded
// picture lie in x, -1 where `fill` does.
py::array filter_images(const py::array& x, const Floats& weights, const std::optional<Floats>& row,
                        const WideLabels& rows, const WideLabels& columns, const IntPair& strides, float fill,
                        bool bytes) {
  require_rank(x, 4, "x");
  const bool from_bytes = x.dtype().is(py::dtype::of<uint8_t>());
  require(from_bytes || x.dtype().is(py::dtype::of<float>()), "x must be uint8 or float32");
  require((x.flags() & py::array::c_style) != 0, "x must be contiguous");
  require_rank(weights, 2, "weights");
  if (row) require_rank(*row, 2, "row");
  const int64_t n = x.shape(0), h = x.shape(1);
  FilterPlan plan{};
  plan.w = x.shape(2), plan.c = x.shape(3);
  plan.kh = weights.shape(0), plan.kw = row ? row->shape(1) : weights.shape(1);
  plan.sh = strides[0], plan.sw = strides[1];
  plan.type = from_bytes ? SourceType::kUint8 : SourceType::kFloat32;
  plan.bytes = bytes, plan.separable = row.has_value(), plan.fill = fill;
  require(!row || (weights.shape(1) == 1 && row->shape(0) == 1), "of two factors one is a column and one a row");
  require(std::max(plan.kh, plan.kw) <= kMaxFilter, "a matrix has at most " + std::to_string(kMaxFilter) + " rows");
  require(std::min(plan.sh, plan.sw) >= 1, "strides must be at least 1");
  require(std::min({n, h, plan.w, plan.c, plan.kh, plan.kw}) >= 1, "x and weights may not be empty");
  require_rank(rows, 1, "rows");
  require_rank(columns, 1, "columns");
  require(rows.size() >= plan.kh && columns.size() >= plan.kw, "the matrix is larger than the padded picture");
  plan.oh = (rows.size() - plan.kh) / plan.sh + 1, plan.ow = (columns.size() - plan.kw) / plan.sw + 1;
  const auto all_below = [](const WideLabels& at, int64_t end) {
    return std::all_of(at.data(), at.data() + at.size(), [=](int64_t i) { return i >= -1 && i < end; });
  };
  require(all_below(rows, h) && all_below(columns, plan.w), "rows and columns must be those of x, or -1");
  std::vector<float> both(weights.data(), weights.data() + weights.size());
  if (row) both.insert(both.end(), row->data(), row->data() + row->size());
  plan.weights = both.data(), plan.rows = rows.data(), plan.columns = columns.data();

  const std::vector<py::ssize_t> shape = {n, plan.oh, plan.ow, plan.c};
  py::array y = bytes ? py::array(py::array_t<uint8_t>(shape)) : py::array(py::array_t<float>(shape));
  auto* to = static_cast<uint8_t*>(y.mutable_data());
  const auto* from = static_cast<const uint8_t*>(x.data());
  const int64_t bytes_from = x.nbytes() / n, bytes_to = y.nbytes() / n;
  const FilterKernels& kernels = active_kernels().filter;
  const int64_t pieces = kernels.pieces(plan);
  for_each(n * pieces, kernels.scratch(plan), [&](int64_t i, float* scratch) {
    kernels.apply(to + i / pieces * bytes_to, scratch, from + i / pieces * bytes_from, plan, i % pieces);
  });
  return y;
}

}  // namespace

void bind_image(py::module_& m) {
  using py::arg;
  m.def("random_uniforms", &random_uniforms, arg("seed"), arg("epoch"), arg("samples"), arg("count"));
  m.def("image_matrices", &image_matrices, arg("parameters"), arg("height"), arg("width"), arg("swap_center") = false);
  m.def("augment_images", &augment_images, arg("x"), arg("rows"), arg("matrices"), arg("channel_shifts") = py::none(),
        arg("brightness") = py::none(), arg("size") = py::none(), arg("order") = 1, arg("fill_mode") = "nearest",
        arg("cval") = 0.0f, arg("scale") = 1.0f, arg("center") = false, arg("normalize") = false,
        arg("feature_scale") = py::none(), arg("feature_shift") = py::none());
  m.def("filter_images", &filter_images, arg("x"), arg("weights"), arg("row"), arg("rows"), arg("columns"),
        arg("strides"), arg("fill"), arg("bytes"));
}

}  // namespace pycnn::bindings
