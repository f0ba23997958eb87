// Broadcasting in fused expressions, and what does not depend on the single operation.
#include "tests/map_case.h"

namespace pycnn::testing {
namespace {

// (a - b) exp(c / 4) + a b
const Code kCode = {op(MapOp::kSubtract, 0, 1), constant(0.25f),
                    op(MapOp::kMultiply, 2, 4), op(MapOp::kExp, 5),
                    op(MapOp::kMultiply, 3, 6), op(MapOp::kMultiply, 0, 1),
                    op(MapOp::kAdd, 7, 8)};

double exact(const std::vector<double>& x) { return (x[0] - x[1]) * std::exp(0.25 * x[2]) + x[0] * x[1]; }

void check_case(const Case& c) {
  const int64_t n = c.size();
  const Floats y = c.forward(), dy = random_floats(n, 9, -1.0f, 1.0f);
  const auto dx = c.backward(dy);
  std::vector<std::vector<double>> want(c.operands()), sizes(c.operands());
  for (int k = 0; k < c.operands(); ++k) {
    want[k].resize(c.operand(k).values.size());
    sizes[k] = want[k];
  }
  for (int64_t i = 0; i < n; ++i) {
    const std::vector<double> x = c.values_at(i);
    CHECK_NEAR(y[i], exact(x), 32.0 * kEps, n);  // terms of at most 8
    for (int k = 0; k < c.operands(); ++k) {
      const double term = dy[i] * slope(exact, x, k);
      want[k][c.place(i, k)] += term;
      sizes[k][c.place(i, k)] += std::abs(term) + std::abs(dy[i]);
    }
  }
  for (int k = 0; k < c.operands(); ++k) {
    for (size_t i = 0; i < want[k].size(); ++i) CHECK_NEAR(dx[k][i], want[k][i], 16.0 * kEps * sizes[k][i], n, " ", k);
  }
  CHECK(same_bits(c.forward(), y));
  const auto again = c.backward(dy);
  for (int k = 0; k < c.operands(); ++k) CHECK(same_bits(again[k], dx[k]));
}

std::vector<bool> mask_of(uint32_t bits, size_t axes) {
  std::vector<bool> mask;
  for (size_t k = 0; k < axes; ++k) mask.push_back(bits >> k & 1);
  return mask;
}

}  // namespace

TEST(tensor_map_broadcasts) {
  const std::vector<std::vector<int64_t>> shapes = {{},
                                                    {1},
                                                    {5},
                                                    {1000},
                                                    {3, 7},
                                                    {7, 300},
                                                    {300, 7},
                                                    {2, 1000},
                                                    {2, 3, 5},
                                                    {4, 1, 6, 3},
                                                    {70, 5, 4},
                                                    {3, 33, 1, 2},
                                                    {0, 3},
                                                    {3, 0, 2},
                                                    {1, 1},
                                                    {90, 1, 4},
                                                    {17, 16},
                                                    {2, 2, 2, 2, 3},
                                                    {2, 1, 2, 2, 1, 3, 2, 2}};
  for (const std::vector<int64_t>& dims : shapes) {
    std::mt19937 generator(static_cast<uint32_t>(dims.size() + 1));
    const uint32_t all = (1u << dims.size()) - 1;
    for (int round = 0; round < 12; ++round) {
      std::vector<Operand> operands;
      for (uint32_t k = 0; k < 3; ++k) {
        const uint32_t repeats = round == 0 ? 0 : round <= 3 && k + 1 == uint32_t(round) ? all : generator() & all;
        operands.push_back(random_operand(dims, mask_of(repeats, dims.size()), k + 1));
      }
      check_case(Case(kernels, kCode, operands, dims));
    }
  }
}

TEST(tensor_map_sums_of_many_blocks) {
  for (const std::vector<int64_t>& dims :
       std::vector<std::vector<int64_t>>{{500, 300}, {30000}, {3000, 9}, {20, 50, 31}}) {
    const size_t axes = dims.size();
    for (uint32_t repeats = 1; repeats < 1u << axes; ++repeats) {
      check_case(Case(kernels, kCode,
                      {random_operand(dims, mask_of(0, axes), 1), random_operand(dims, mask_of(repeats, axes), 2),
                       random_operand(dims, mask_of(~repeats, axes), 3)},
                      dims));
    }
  }
}

TEST(tensor_map_of_constants_only) {
  const Case one(kernels, {constant(2.5f)}, {}, {300});
  for (const float v : one.forward()) CHECK_EQUAL(v, 2.5, "constant");
  const Case sum(kernels, {constant(2.5f), constant(1.0f), op(MapOp::kAdd, 0, 1)}, {}, {7, 3});
  for (const float v : sum.forward()) CHECK_EQUAL(v, 3.5, "sum of constants");
}

TEST(tensor_map_long_expressions) {
  for (const int steps : {5, 12, 20, 50}) {  // x <- x / 2 + x^2 / 8
    const int64_t n = 700;
    Code code = {constant(0.5f), constant(0.125f)};
    int32_t x = 0;
    for (int i = 0; i < steps; ++i) {
      const int32_t first = static_cast<int32_t>(code.size()) + 1;
      code.push_back(op(MapOp::kMultiply, x, 1));
      code.push_back(op(MapOp::kSquare, x));
      code.push_back(op(MapOp::kMultiply, first + 1, 2));
      code.push_back(op(MapOp::kAdd, first, first + 2));
      x = first + 3;
    }
    const Case c(kernels, code, {plain(random_floats(n, 1))}, {n});
    const Floats y = c.forward(), dx = c.backward(Floats(n, 1.0f))[0];
    for (int64_t i = 0; i < n; ++i) {
      double value = c.operand(0).values[i], slope = 1.0;
      for (int s = 0; s < steps; ++s) {
        slope *= 0.5 + value * 0.25;
        value = value * 0.5 + value * value * 0.125;
      }
      CHECK_NEAR(y[i], value, 4.0 * kEps * steps * std::abs(value), steps);
      CHECK_NEAR(dx[i], slope, 16.0 * kEps * steps * std::max(std::abs(slope), 1e-3), steps);
    }
  }
}

TEST(tensor_map_in_place) {
  const int64_t rows = 20, columns = 33;
  const Floats x = random_floats(rows * columns, 1), bias = random_floats(columns, 2);
  const Code code = {op(MapOp::kTanh, 0), op(MapOp::kAdd, 2, 1), op(MapOp::kMultiply, 3, 0)};
  const Case c(kernels, code, {{x, {false, false}}, {bias, {true, false}}}, {rows, columns});
  Guarded y(x);
  const MapOperand operands[] = {{y.data(), {columns, 1}}, {bias.data(), {0, 1}}};
  const MapCode map_code = {code.data(), 3, 2};
  Floats scratch(kernels.tensor.map_scratch(map_code));
  kernels.tensor.map(y.data(), operands, map_code, {2, {rows, columns}}, scratch.data());
  CHECK(y.intact() && same_bits(y.values(), c.forward()));
}

}  // namespace pycnn::testing
