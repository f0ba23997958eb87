#include <algorithm>

#include "tests/check.h"

namespace pycnn::testing {
namespace {

typedef std::vector<int64_t> Ints;

struct View {
  const char* name;
  Ints dims, strides;
  int64_t offset, size;  // floats of the array it looks at
};

// The view with axes in another order.
View turned(const char* name, const Ints& dims, const Ints& order) {
  Ints strides(dims.size(), 1);
  for (size_t k = dims.size() - 1; k-- > 0;) strides[k] = strides[k + 1] * dims[k + 1];
  View v = {name, {}, {}, 0, strides[0] * dims[0]};
  for (const int64_t k : order) v.dims.push_back(dims[k]), v.strides.push_back(strides[k]);
  return v;
}

std::vector<View> all_views() {
  return {
      {"one value", {}, {}, 3, 5},
      {"an axis of one", {1}, {7}, 3, 5},
      {"all", {3, 4}, {4, 1}, 0, 12},
      {"nothing", {3, 0, 2}, {0, 2, 1}, 0, 1},
      {"rows of a matrix", {2, 9}, {11, 1}, 12, 50},
      {"every second", {17}, {2}, 1, 40},
      {"every third row and second column", {3, 5}, {33, 2}, 0, 100},
      {"backwards", {40}, {-1}, 39, 40},
      {"rows backwards", {4, 19}, {-19, 1}, 57, 76},
      {"a box", {2, 3, 4, 5}, {400, 60, 8, 1}, 17, 1000},
      turned("a transposition", {37, 21}, {1, 0}),
      turned("a batch of transpositions", {3, 5, 18}, {0, 2, 1}),
      turned("channels first", {2, 5, 7, 3}, {0, 3, 1, 2}),
      turned("channels last", {2, 3, 5, 7}, {0, 2, 3, 1}),
      turned("axes reversed", {2, 3, 4, 5}, {3, 2, 1, 0}),
      turned("inner axes stay", {4, 6, 10}, {1, 0, 2}),
      turned("eight axes", {2, 1, 3, 2, 1, 2, 2, 3}, {7, 3, 0, 1, 6, 2, 5, 4}),
  };
}

std::vector<View> repeating_views() {
  return {
      {"a value everywhere", {3, 5}, {0, 0}, 2, 4},   {"a row everywhere", {6, 19}, {0, 1}, 1, 20},
      {"a column everywhere", {5, 33}, {1, 0}, 0, 5}, {"in the middle", {3, 4, 9}, {9, 0, 1}, 0, 27},
      {"at both ends", {3, 7, 4}, {0, 1, 0}, 0, 7},   {"a long sum", {3000, 3}, {0, 1}, 0, 3},
      {"of every second", {4, 5}, {0, 2}, 0, 10},
  };
}

StridedDims strided(const View& v) {
  StridedDims s = {};
  s.shape.axes = static_cast<int32_t>(v.dims.size());
  s.offset = v.offset;
  for (size_t k = 0; k < v.dims.size(); ++k) s.shape.dims[k] = v.dims[k], s.strides[k] = v.strides[k];
  return s;
}

int64_t count_of(const View& v) {
  int64_t n = 1;
  for (const int64_t d : v.dims) n *= d;
  return n;
}

int64_t place_of(const View& v, int64_t index) {
  int64_t place = v.offset;
  for (size_t k = v.dims.size(); k-- > 0;) {
    place += index % v.dims[k] * v.strides[k];
    index /= v.dims[k];
  }
  return place;
}

}  // namespace

TEST(tensor_gather) {
  std::vector<View> views = all_views();
  for (const View& v : repeating_views()) views.push_back(v);
  for (const View& v : views) {
    const Floats x = random_floats(v.size, 1);
    Guarded y(count_of(v));
    kernels.tensor.gather(y.data(), x.data(), strided(v));
    CHECK(y.intact());
    for (int64_t i = 0; i < y.size(); ++i) CHECK_EQUAL(y[i], x[place_of(v, i)], v.name);
  }
}

TEST(tensor_scatter) {
  for (const View& v : all_views()) {
    const Floats y = random_floats(count_of(v), 1), before = random_floats(v.size, 2);
    Guarded x(before);
    kernels.tensor.scatter(x.data(), y.data(), strided(v));
    CHECK(x.intact());
    Floats want = before;
    for (int64_t i = 0; i < count_of(v); ++i) want[place_of(v, i)] = y[i];
    CHECK(same_bits(x.values(), want));
  }
}

TEST(tensor_scatter_add) {
  std::vector<View> views = all_views();
  for (const View& v : repeating_views()) views.push_back(v);
  for (const View& v : views) {
    const int64_t n = count_of(v);
    const Floats y = random_floats(n, 1), before = random_floats(v.size, 2);
    Guarded x(before);
    kernels.tensor.scatter_add(x.data(), y.data(), strided(v));
    CHECK(x.intact());
    std::vector<double> want(before.begin(), before.end());
    for (int64_t i = 0; i < n; ++i) want[place_of(v, i)] += y[i];
    for (int64_t i = 0; i < v.size; ++i) CHECK_NEAR(x[i], want[i], 8.0 * kEps * (4.0 + std::sqrt(n)), v.name);
  }
}

TEST(tensor_take) {
  for (const int64_t outer : {1, 3}) {
    for (const int64_t inner : {1, 3, 16, 17}) {
      for (const int64_t n : {1, 5}) {
        const Floats index = {0.0f, 4.0f, -1.0f, 2.0f, 2.0f, -5.0f, 7.0f, -9.0f, 1e30f, -kInf, kInf, kNan};
        const int64_t count = static_cast<int64_t>(index.size());
        const Floats x = random_floats(outer * n * inner, 1), dy = random_floats(outer * count * inner, 2);
        Guarded y(outer * count * inner), dx(outer * n * inner, 1.0f);
        kernels.tensor.take(y.data(), x.data(), index.data(), outer, n, inner, count);
        kernels.tensor.take_backward(dx.data(), dy.data(), index.data(), outer, n, inner, count);
        CHECK(y.intact() && dx.intact());
        Floats sums(outer * n * inner, 1.0f);
        for (int64_t o = 0; o < outer; ++o) {
          for (int64_t i = 0; i < count; ++i) {
            const double wanted = std::isnan(index[i]) ? 0.0 : index[i] < 0.0f ? index[i] + n : index[i];
            const int64_t from = static_cast<int64_t>(std::min(std::max(wanted, 0.0), n - 1.0));
            for (int64_t j = 0; j < inner; ++j) {
              const int64_t to = (o * count + i) * inner + j, place = (o * n + from) * inner + j;
              CHECK_EQUAL(y[to], x[place], "index ", index[i], " of ", n);
              sums[place] += dy[to];
            }
          }
        }
        CHECK(same_bits(dx.values(), sums));
      }
    }
  }
}

TEST(tensor_take_from_nothing) {
  const float index[] = {0.0f, -1.0f};
  Guarded y(6);
  kernels.tensor.take(y.data(), nullptr, index, 1, 0, 3, 2);
  kernels.tensor.take_backward(nullptr, y.data(), index, 1, 0, 3, 2);
  CHECK(y.intact());
  for (int64_t i = 0; i < 6; ++i) CHECK_EQUAL(y[i], 0.0, "nothing");
}

}  // namespace pycnn::testing
