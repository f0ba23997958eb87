// Outputs that are some channels of a wider map: the same bits as side by side, and nothing else of the map is touched.
#include "tests/conv2d_reference.h"

namespace pycnn::testing {
namespace {

constexpr int64_t kBefore = 3, kBehind = 5;  // channels of the others
constexpr float kOthers = -7.5f;

// What write(y, pixel) leaves: side by side, and in a wider map.
template <class Write>
void check_wider(int64_t pixels, int64_t k, const Write& write, const std::string& text) {
  const int64_t width = kBefore + k + kBehind;
  Guarded y(pixels * k), map(pixels * width, kOthers);
  write(y.data(), int64_t{0});
  write(map.data() + kBefore, width);
  CHECK(y.intact() && map.intact());
  for (int64_t i = 0; i < pixels * width; ++i) {
    const int64_t channel = i % width - kBefore;
    const bool own = channel >= 0 && channel < k;
    CHECK_EQUAL(map[i], own ? y[i / width * k + channel] : kOthers, text, ", index ", i);
  }
}

struct Case {
  Conv2D s;
  int tile = 0;
};

std::vector<Case> cases() {
  std::vector<Case> cases;
  for (const int64_t k : {1, 7, 17, 33}) {
    cases.push_back({make_conv2d(6, 7, 5, k, {1, 1})});
    cases.push_back({make_conv2d(9, 8, 1, k, {3, 3})});
    cases.push_back({make_conv2d(9, 37, 1, k, {5, 5})});  // few filters, many windows
    cases.push_back({make_conv2d(7, 6, 3, 2 * k, {3, 3}, {1, 1, 1, 1}, {2, 1})});
  }
  cases.push_back({make_conv2d(6, 5, 6, 18, {3, 3}, {1, 1, 1, 1}, {}, {}, 3)});
  for (const int64_t k : {17, 35}) cases.push_back({make_conv2d(9, 37, 1, k, {3, 3}, {1, 1, 1, 1}), 2});
  for (const int m : {2, 4, 5, 6})
    for (const int64_t k : {17, 35}) cases.push_back({make_conv2d(9, 11, 16, k, {3, 3}, {1, 1, 1, 1}), m});
  return cases;
}

void check_convolution(const Conv2DKernels& conv, const Case& c, bool pooled) {
  Conv2D s = c.s;
  if (pooled) s.oh -= s.oh % 2, s.ow -= s.ow % 2;
  const Floats x = random_floats(x_floats(s), 1, -1, 1), w = random_floats(w_floats(s), 2, -1, 1);
  const Floats b = random_floats(s.k, 3, -1, 1);
  for (const Activation& f : epilogues()) {
    if (pooled && f.max_value == 1.0f) continue;
    const Conv2DForward form = conv.choose_forward(s, by_tile(c.tile, f, pooled ? FusedPool{2, 2} : FusedPool{}));
    Guarded packed = packed_kernel(form, w);
    const auto write = [&](float* y, int64_t pixel) {
      Scratch scratch(form.scratch_floats);
      Images images{y, 0, x.data(), 0, 1};
      images.y_pixel = pixel;
      const int64_t pieces = form.pieces, half = pieces / 2;
      for (const auto& [begin, end] : {std::pair{int64_t{0}, half}, std::pair{half, pieces}})
        form.run(images, packed.data(), b.data(), scratch.data(), form, begin, end);
      CHECK(scratch.intact());
    };
    check_wider(pooled ? s.oh / 2 * (s.ow / 2) : s.oh * s.ow, s.k, write, text_of(s));
  }
}

}  // namespace

TEST(wider_map_of_conv2d) {
  for (const Case& c : cases()) {
    check_convolution(kernels.conv2d, c, false);
    if (c.tile < 5) check_convolution(kernels.bf16.conv2d, c, false);
  }
}

TEST(wider_map_of_conv2d_and_pool) {
  for (const Case& c : cases()) {
    check_convolution(kernels.conv2d, c, true);
    if (c.tile < 5) check_convolution(kernels.bf16.conv2d, c, true);
  }
}

TEST(wider_map_of_pool2d) {
  for (const int64_t c : {1, 5, 17, 33}) {
    const Pool2D p{7, 9, c, 4, 5, 3, 3, 2, 2, 1, 1, true};
    const Floats x = random_floats(p.h * p.w * c, 1);
    for (const auto forward : {kernels.pool2d.max_forward, kernels.pool2d.average_forward}) {
      const auto write = [&](float* y, int64_t pixel) {
        Pool2D q = p;
        q.y_pixel = pixel;
        forward(y, x.data(), q, 0, q.oh);
      };
      check_wider(p.oh * p.ow, c, write, "channels: " + std::to_string(c));
    }
  }
}

}  // namespace pycnn::testing
