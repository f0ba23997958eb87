// Augmentation of one image, HWC: an affine map of coordinates, then what changes values.
#pragma once

#include <stdint.h>

#include "kernels/elementwise/elementwise.h"

namespace pycnn {

// What lies outside of an image with the pixels a b c d along a side; the names are Keras', the periods SciPy's.
enum class FillMode : int32_t {
  kNearest,   // a a a | a b c d | d d d
  kConstant,  // k k k | a b c d | k k k: pixels between the image and its surroundings are not interpolated
  kReflect,   // c b a | a b c d | d c b, period 2 n
  kMirror,    // d c b | a b c d | c b a, period 2 n - 2
  kWrap,      // b c d | a b c d | a b c, period n
  kWrapEnds,  // the same with period n - 1: SciPy's "wrap", in which the two ends are one pixel
};

// What is the same for all images of a batch.
struct ImagePlan {
  int64_t h, w, c;  // of the source
  int64_t oh, ow;   // of the result
  SourceType type;  // kUint8 or kFloat32
  int32_t order;    // 0: the nearest pixel, 1: bilinear
  FillMode fill;
  float cval;                  // kConstant
  float scale;                 // values are multiplied by it, after what ImageDraw asks for
  bool center;                 // the mean of all values becomes 0,
  bool normalize;              // and their standard deviation 1
  const float* channel_scale;  // c factors and c terms, last of all; both null: none
  const float* channel_shift;
};

// What is drawn for each image.
struct ImageDraw {
  // The pixel (i, j) of the result is the source at (m[0] i + m[1] j + m[2], m[3] i + m[4] j + m[5]).
  double matrix[6];
  float channel_shift;  // added to all values, which stay within the range that they had; 0: nothing is done
  // A factor of the distance from black, which is 0; values stay below white: 255, or 1 where none is larger. Where
  // values lie outside of [0, 255] black and white are their extremes. 1: nothing is done.
  float brightness;
};

struct ImageKernels {
  // Floats that `augment` needs for itself.
  int64_t (*scratch)(const ImagePlan& plan);
  // y (oh, ow, c) from x (h, w, c). All entries of the matrix are finite.
  void (*augment)(float* y, float* scratch, const void* x, const ImagePlan& plan, const ImageDraw& draw);
};

}  // namespace pycnn
