#include <cmath>

#include "engine/operations/batch_norm.h"

namespace pycnn {
namespace {

// Joins (count, mean, sum of squared deviations) of two sets of rows: Chan, Golub and LeVeque.
void join(double& count, double& mean, double& m2, double other_count, double other_mean, double other_m2) {
  const double total = count + other_count, delta = other_mean - mean;
  mean += delta * other_count / total;
  m2 += other_m2 + delta * delta * count * other_count / total;
  count = total;
}

}  // namespace

BatchNormGradient BatchStatistics::gradient(const Norm& n) const {
  // Where another value has been added, it is not x that tells where the bound is.
  const float lower = n.other >= 0 ? -std::numeric_limits<float>::infinity() : n.lower;
  return {mean(), inv_std(), n.gamma, mean_dy(), mean_dy_x(), {scale(), shift(), lower}};
}

void BatchStatistics::set_scale(const Norm& n) {
  for (int64_t i = 0; i < c; ++i) {
    scale()[i] = inv_std()[i] * (n.gamma ? n.gamma[i] : 1.0f);
    shift()[i] = (n.beta ? n.beta[i] : 0.0f) - mean()[i] * scale()[i];
  }
}

void BatchStatistics::use_moving(const Norm& n) {
  for (int64_t i = 0; i < c; ++i) {
    mean()[i] = n.moving_mean[i];
    inv_std()[i] = 1.0f / std::sqrt(n.moving_variance[i] + n.epsilon);
  }
  set_scale(n);
}

void BatchStatistics::accumulate_sample(int64_t s, const float* sample_mean, const float* sample_m2, int64_t rows) {
  float *slot_mean = slot(s), *slot_m2 = slot_mean + c;
  for (int64_t i = 0; i < c; ++i) {
    double total = static_cast<double>(counts[s]), joined = counts[s] ? slot_mean[i] : 0,
           squares = counts[s] ? slot_m2[i] : 0;
    join(total, joined, squares, static_cast<double>(rows), sample_mean[i], sample_m2[i]);
    slot_mean[i] = static_cast<float>(joined);
    slot_m2[i] = static_cast<float>(squares);
  }
  counts[s] += rows;
}

void BatchStatistics::finalize(const Norm& n) {
  for (int64_t i = 0; i < c; ++i) {
    double count = 0, joined = 0, m2 = 0;
    for (int64_t s = 0; s < kMaxSlots; ++s)
      if (counts[s] > 0) join(count, joined, m2, static_cast<double>(counts[s]), slot(s)[i], slot(s)[c + i]);
    const double exact_variance = m2 / count;
    mean()[i] = static_cast<float>(joined);
    variance()[i] = static_cast<float>(exact_variance);
    inv_std()[i] = static_cast<float>(1.0 / std::sqrt(exact_variance + static_cast<double>(n.epsilon)));
  }
  set_scale(n);
  for (int64_t& count : counts) count = 0;
}

void BatchStatistics::move(const Norm& n) {
  for (int64_t i = 0; i < c; ++i) {
    n.moving_mean[i] = n.moving_mean[i] * n.momentum + mean()[i] * (1.0f - n.momentum);
    n.moving_variance[i] = n.moving_variance[i] * n.momentum + variance()[i] * (1.0f - n.momentum);
  }
}

void BatchStatistics::accumulate_gradient(int64_t s, const float* sums, int64_t rows) {
  float* to = slot(s);
  for (int64_t i = 0; i < 2 * c; ++i) to[i] = sums[i] + (counts[s] ? to[i] : 0.0f);
  counts[s] += rows;
}

void BatchStatistics::finalize_gradient(float* dgamma, float* dbeta) {
  for (int64_t i = 0; i < c; ++i) {
    double sum = 0, sum_x = 0, count = 0;
    for (int64_t s = 0; s < kMaxSlots; ++s)
      if (counts[s] > 0) {
        sum += slot(s)[i];
        sum_x += slot(s)[c + i];
        count += static_cast<double>(counts[s]);
      }
    if (dbeta) dbeta[i] = static_cast<float>(sum);
    if (dgamma) dgamma[i] = static_cast<float>(sum_x);
    mean_dy()[i] = static_cast<float>(sum / count);
    mean_dy_x()[i] = static_cast<float>(sum_x / count);
  }
  for (int64_t& count : counts) count = 0;
}

}  // namespace pycnn
