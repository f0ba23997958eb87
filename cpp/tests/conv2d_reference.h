// Convolution by plain loops in double, which the kernels are held to, and what their tests share.
#pragma once

#include <algorithm>
#include <sstream>

#include "tests/check.h"

namespace pycnn::testing {

struct Two {
  int64_t h = 1, w = 1;
};
struct Edges {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

inline Conv2D make_conv2d(int64_t h, int64_t w, int64_t c, int64_t k, Two kernel, Edges e = {}, Two stride = {},
                          Two dilation = {}, int64_t groups = 1, float pad_value = 0.0f) {
  const int64_t oh = (h + e.top + e.bottom - (kernel.h - 1) * dilation.h - 1) / stride.h + 1;
  const int64_t ow = (w + e.left + e.right - (kernel.w - 1) * dilation.w - 1) / stride.w + 1;
  return {h,        w,        c,          oh,         ow,    k,      kernel.h, kernel.w,
          stride.h, stride.w, dilation.h, dilation.w, e.top, e.left, groups,   pad_value};
}

inline Conv2D without_last(Conv2D s, int64_t rows, int64_t columns) {
  s.oh -= rows;
  s.ow -= columns;
  return s;
}

inline std::string text_of(const Conv2D& s) {
  std::ostringstream text;
  text << s.h << "x" << s.w << "x" << s.c << " -> " << s.oh << "x" << s.ow << "x" << s.k << ", kernel " << s.kh << "x"
       << s.kw << ", strides " << s.stride_h << "," << s.stride_w << ", dilation " << s.dilation_h << ","
       << s.dilation_w << ", padding " << s.top << "," << s.left << " of " << s.pad_value << ", groups " << s.groups;
  return text.str();
}

inline int64_t x_floats(const Conv2D& s) { return s.h * s.w * s.c; }
inline int64_t y_floats(const Conv2D& s) { return s.oh * s.ow * s.k; }
inline int64_t w_floats(const Conv2D& s) { return s.kh * s.kw * s.c / s.groups * s.k; }

// visit(index in y, index in x or -1 for padding, index in w) for every product of the convolution.
template <typename Visit>
void for_products(const Conv2D& s, Visit visit) {
  const int64_t inputs = s.c / s.groups, outputs = s.k / s.groups;
  for (int64_t oy = 0; oy < s.oh; ++oy)
    for (int64_t ox = 0; ox < s.ow; ++ox)
      for (int64_t i = 0; i < s.kh; ++i)
        for (int64_t j = 0; j < s.kw; ++j) {
          const int64_t y = oy * s.stride_h + i * s.dilation_h - s.top, x = ox * s.stride_w + j * s.dilation_w - s.left;
          const bool inside = y >= 0 && y < s.h && x >= 0 && x < s.w;
          for (int64_t c = 0; c < s.c; ++c)
            for (int64_t o = 0; o < outputs; ++o) {
              const int64_t k = c / inputs * outputs + o;
              visit((oy * s.ow + ox) * s.k + k, inside ? (y * s.w + x) * s.c + c : -1,
                    ((i * s.kw + j) * inputs + c % inputs) * s.k + k);
            }
        }
}

// Sums, each with what float32 may be off by. The rounding errors of n additions are independent and no larger than
// eps / 2 of a partial sum, which grows like sqrt(n) terms: together eps sqrt(n) times the root of the terms' squares,
// and four times that over all sums of a test.
struct Sums {
  explicit Sums(int64_t n, int64_t terms) : value(n), squares(n), terms(static_cast<double>(terms)) {}
  void add(int64_t i, double term) {
    value[i] += term;
    squares[i] += term * term;
  }
  double tolerance(int64_t i) const { return 4.0 * kEps * std::sqrt(terms * squares[i]); }

  std::vector<double> value, squares;
  double terms;
};

inline Sums exact_forward(const Conv2D& s, const float* x, const float* w, const float* bias) {
  Sums y(y_floats(s), s.kh * s.kw * s.c / s.groups + 1);
  for (int64_t i = 0; bias && i < y_floats(s); ++i) y.add(i, bias[i % s.k]);
  for_products(s, [&](int64_t to, int64_t from, int64_t tap) {
    y.add(to, static_cast<double>(from < 0 ? s.pad_value : x[from]) * w[tap]);
  });
  return y;
}

inline Sums exact_backward_input(const Conv2D& s, const Floats& dy, const Floats& w) {
  Sums dx(x_floats(s), s.kh * s.kw * s.k / s.groups);
  for_products(s, [&](int64_t to, int64_t from, int64_t tap) {
    if (from >= 0) dx.add(from, static_cast<double>(dy[to]) * w[tap]);
  });
  return dx;
}

// `start`: what the gradient is added to, or none.
inline Sums exact_backward_weight(const Conv2D& s, const Floats& x, const Floats& dy, const Floats& start = {}) {
  Sums dw(w_floats(s), s.oh * s.ow + 1);
  for (size_t i = 0; i < start.size(); ++i) dw.add(static_cast<int64_t>(i), start[i]);
  for_products(s, [&](int64_t to, int64_t from, int64_t tap) {
    dw.add(tap, static_cast<double>(from < 0 ? s.pad_value : x[from]) * dy[to]);
  });
  return dw;
}

// `gain`: of the algorithm's rounding errors over those of direct sums.
inline void check_sums(const float* got, const Sums& want, const std::string& text, double gain = 1.0) {
  for (size_t i = 0; i < want.value.size(); ++i)
    CHECK_NEAR(got[i], want.value[i], gain * want.tolerance(static_cast<int64_t>(i)), text, ", index ", i);
}

// The activations that a convolution's epilogue treats in different ways: none, a bound, and a pass of its own.
inline std::vector<Activation> epilogues() {
  return {{ActivationKind::kLinear},
          {ActivationKind::kRelu},
          {ActivationKind::kLeakyRelu, 0.2f},
          {ActivationKind::kTanh},
          {ActivationKind::kRelu, 0.0f, 1.0f}};
}

// None of them is steeper than 1, so that a tolerance on x holds on f(x), with a few ulp of f itself.
inline double activate(const Activation& f, double x) {
  switch (f.kind) {
    case ActivationKind::kRelu: return x > f.max_value ? f.max_value : x < 0.0 ? 0.0 : x;
    case ActivationKind::kLeakyRelu: return x < 0.0 ? f.alpha * x : x;
    case ActivationKind::kTanh: return std::tanh(x);
    default: return x;
  }
}
constexpr double kActivationError = 4.0 * kEps;

// Working memory on a cache line, full of NaN, with a strip behind it that nobody may touch.
class Scratch {
 public:
  explicit Scratch(int64_t n) : n_(n), memory_(n + kLine + kStrip, kNan) {
    while (reinterpret_cast<uintptr_t>(memory_.data() + shift_) % (kLine * sizeof(float)) != 0) ++shift_;
    for (int64_t i = 0; i < kStrip; ++i) data()[n + i] = kGuard;
  }
  float* data() { return memory_.data() + shift_; }
  bool intact() {
    for (int64_t i = 0; i < kStrip; ++i)
      if (data()[n_ + i] != kGuard) return false;
    return true;
  }

 private:
  static constexpr int64_t kLine = 16, kStrip = 40;
  static constexpr float kGuard = -12345.678f;
  int64_t n_, shift_ = 0;
  Floats memory_;
};

// Direct sums, or Winograd's tiles of that side.
inline Conv2DOptions by_tile(int tile, const Activation& f = {}, FusedPool pool = {}) { return {pool, f, 1, tile}; }

// A packed form of a kernel, made piece by piece, the last one first.
inline Guarded packed_kernel(const Conv2DForm& form, const Floats& w) {
  Guarded packed(form.packed_floats, kNan);
  for (int64_t i = form.pack_pieces; i-- > 0;) form.pack(packed.data(), w.data(), form.shape, i, i + 1);
  CHECK(packed.intact());
  for (int64_t i = 0; i < form.packed_floats; ++i) CHECK(!std::isnan(packed[i]));
  return packed;
}

// One call of a form, of all pieces; scratch is the form's.
inline void run(const Conv2DForward& form, const Images& images, const Floats& w, const float* bias) {
  Scratch scratch(form.scratch_floats);
  form.run(images, packed_kernel(form, w).data(), bias, scratch.data(), form, 0, form.pieces);
  CHECK(scratch.intact());
}
inline void run(const Conv2DBackwardInput& form, const InputGradients& images, const Floats& w) {
  Scratch scratch(form.scratch_floats);
  form.run(images, packed_kernel(form, w).data(), scratch.data(), form, 0, form.pieces);
  CHECK(scratch.intact());
}
inline void run(const Conv2DBackwardWeight& form, float* dw, float* db, const ImagePairs& images, bool accumulate) {
  Scratch scratch(form.scratch_floats);
  form.run(dw, db, images, scratch.data(), form, accumulate);
  CHECK(scratch.intact());
}

}  // namespace pycnn::testing
