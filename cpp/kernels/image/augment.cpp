// The steps of one image's augmentation, in the order of Keras' ImageDataGenerator: affine map and flips (one matrix),
// channel shift, brightness, rescaling, the image's own mean and deviation, those of the channels of all images. Those
// that need nothing of the whole image follow each strip of rows while it is in the L1 cache.
#include "kernels/image/values.h"
#include "kernels/image/warp.h"
#include "simd/bytes.h"

namespace pycnn::PYCNN_ISA {
namespace {

constexpr int64_t kStrip = 4096;  // floats
constexpr float kTiny = 1e-6f;    // Keras' term beside a standard deviation
constexpr Range kBytes{0.0f, 255.0f};

PYCNN_INLINE int64_t floats_of(const ImagePlan& p) { return p.h * p.w * p.c; }

int64_t scratch(const ImagePlan& plan) { return floats_of(plan) + kLanes; }

// Black and white.
PYCNN_INLINE Range white_of(const ImagePlan& p, const float* y, int64_t n) {
  if (p.type == SourceType::kUint8 && (p.fill != FillMode::kConstant || (p.cval >= 0.0f && p.cval <= 255.0f)))
    return kBytes;
  const Range range = range_of(y, n);
  if (range.low < 0.0f || range.high > 255.0f) return range;
  return range.high <= 1.0f ? Range{0.0f, 1.0f} : kBytes;
}

PYCNN_INLINE void scale_values(float* y, int64_t pixels, const ImagePlan& p) {
  if (p.scale != 1.0f) center_and_scale(y, pixels * p.c, 0.0f, p.scale);
}

PYCNN_INLINE void scale_by_channel(float* y, int64_t pixels, const ImagePlan& p) {
  if (p.channel_scale != nullptr) scale_channels(y, pixels, p.c, p.channel_scale, p.channel_shift);
}

PYCNN_INLINE void center(float* y, int64_t n, const ImagePlan& p) {
  // Twice: the mean of values far from 0 is not exact in float32.
  const auto first = static_cast<float>(mean_power<1>(y, n, 0.0f));
  const auto mean = static_cast<float>(static_cast<double>(first) + mean_power<1>(y, n, first));
  const auto deviation = static_cast<float>(__builtin_sqrt(mean_power<2>(y, n, mean)));
  center_and_scale(y, n, p.center ? mean : 0.0f, p.normalize ? 1.0f / (deviation + kTiny) : 1.0f);
}

void augment(float* y, float* own, const void* x, const ImagePlan& p, const ImageDraw& draw) {
  // Floats are copied as well: what is read across rows should be in a cache that the rows have filled in order.
  const int64_t size = floats_of(p);
  if (p.type == SourceType::kUint8) {
    const auto* bytes = static_cast<const uint8_t*>(x);
    for (int64_t i = 0; i < size; i += kLanes) {
      store(own + i, __builtin_convertvector(load_bytes(bytes + i, min(kLanes, size - i)), Vec));
    }
  } else {
    copy(own, static_cast<const float*>(x), size);
  }
  const Source source{own, p.h, p.w, p.c};

  const int64_t row = p.ow * p.c, n = p.oh * row;
  if (draw.channel_shift == 0.0f && draw.brightness == 1.0f && !p.center && !p.normalize) {
    const int64_t rows = max(1, kStrip / row);
    for (int64_t i = 0; i < p.oh; i += rows, y += rows * row) {
      const int64_t count = min(rows, p.oh - i);
      warp(y, source, p, draw.matrix, i, i + count);
      scale_values(y, count * p.ow, p);
      scale_by_channel(y, count * p.ow, p);
    }
    return;
  }
  warp(y, source, p, draw.matrix, 0, p.oh);
  if (draw.channel_shift != 0.0f) add_within(y, n, draw.channel_shift, range_of(y, n));
  if (draw.brightness != 1.0f) brighten(y, n, draw.brightness, white_of(p, y, n));
  scale_values(y, p.oh * p.ow, p);
  if (p.center || p.normalize) center(y, n, p);
  scale_by_channel(y, p.oh * p.ow, p);
}

}  // namespace

ImageKernels image_kernels() {
  ImageKernels kernels{};
  kernels.scratch = scratch;
  kernels.augment = augment;
  return kernels;
}

}  // namespace pycnn::PYCNN_ISA
