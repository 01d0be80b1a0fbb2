// SPDX-License-Identifier: Apache-2.0
// What the tests of stochastic equations have in common: solves of a chain, the noise that they
// saw, moments with their errors, and gradients along a direction.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "chain_of.hpp"
#include "model/declarations.hpp"

namespace odeum::model_tests {

/// The ends of all rows.
inline Values solved(const std::string& yaml, const Shape& shape, const Values& x,
                     const std::vector<std::string>& sets = {}) {
  RecordedChain recorded(yaml, sets);
  return recorded
      .run(
          [&](model::Recorder& recorder, Tensor z) {
            const auto chain = recorded.chain(shape);
            return std::vector<Tensor>{
                chain->forward(recorder, z, model::Use::evaluation, chain->size()).value};
          },
          shape, x)
      .front();
}

/// The first `count` draws of an element of a sample, of the noise with this name: those that
/// `random` promises (odeum/random.hpp) for the recorded chain's seed.
inline Values draws(const std::string& noise, std::uint64_t sample, std::int64_t element,
                    std::int64_t count) {
  const std::uint64_t key = stream_key(9, Purpose::noise, model::name_key(noise));
  const std::uint64_t stream = stream_key(key, Purpose::user, 0);
  Values result;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto index = static_cast<std::uint64_t>(element * count + k);
    result.push_back(RandomElement(stream, sample, index).normal());
  }
  return result;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

/// `found` has the moments of a Gaussian, up to errors of a finite sample.
inline void expect_moments(const Values& found, const Moments& truth) {
  // So many standard errors: the deviation of a Gaussian's sample mean is sqrt(v/n), that of its
  // sample variance v sqrt(2/(n - 1)). By chance one test in 15,000 is this far off, and the noise
  // is the same in every run.
  constexpr double kErrors = 4.0;
  const auto count = static_cast<double>(found.size());
  const double center = mean(found);
  double variance = 0.0;
  for (const double value : found) variance += std::pow(value - center, 2) / (count - 1.0);
  EXPECT_NEAR(center, truth.mean, kErrors * std::sqrt(truth.variance / count));
  EXPECT_NEAR(variance, truth.variance, kErrors * truth.variance * std::sqrt(2.0 / (count - 1.0)));
}

/// Of dX = (mu t - theta X) dt + (sigma + phi t) dW from x at 0.
struct OrnsteinUhlenbeck {
  double mu, theta, sigma, phi;

  /// At `end` X is Gaussian, with mean x e^(-theta T) + mu (T/theta - (1 - e^(-theta T))/theta^2)
  /// and variance int (sigma + phi s)^2 e^(-2 theta (T - s)) ds.
  Moments moments(double x, double end) const {
    const double decay = std::exp(-theta * end);
    Moments result{x * decay + mu * (end / theta - (1.0 - decay) / (theta * theta)), 0.0};
    const int pieces = 1000;  // of Simpson's rule, exact to rounding here
    for (int i = 0; i <= pieces; ++i) {
      const double s = end * i / pieces;
      const double weight = (i == 0 || i == pieces ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0)) / 3.0;
      result.variance +=
          weight * end / pieces * std::pow(sigma + phi * s, 2) * std::exp(-2.0 * theta * (end - s));
    }
    return result;
  }
};

/// The dataset's rows from the first one on.
inline model::Batch read(const model::Pipeline& pipeline, std::int64_t rows) {
  model::Batch batch;
  batch.rows = rows;
  for (std::int64_t i = 0; i < rows; ++i) batch.samples.push_back(i);
  std::vector<std::span<double>> out;
  for (const Column& column : pipeline.dataset().columns()) {
    std::size_t size = 1;
    for (const std::int64_t extent : column.shape) size *= static_cast<std::size_t>(extent);
    batch.columns.emplace_back(size * static_cast<std::size_t>(rows));
  }
  for (Values& values : batch.columns) out.emplace_back(values);
  pipeline.dataset().read(Split::train, 1, batch.samples, out);
  return batch;
}

/// The derivative of the loss of training step 3 along a direction of the parameters, by
/// differences of fourth order.
inline double differenced(Assembled& model, const model::Batch& batch, const Values& direction,
                          double by) {
  const Values start = model.parameters;
  const auto loss_at = [&](double step) {
    for (std::size_t i = 0; i < start.size(); ++i) {
      model.parameters[i] = start[i] + step * direction[i];
    }
    return model.train_step(batch, 3).result.loss;
  };
  const double near = loss_at(by) - loss_at(-by);
  const double far = loss_at(2.0 * by) - loss_at(-2.0 * by);
  model.parameters = start;
  return (8.0 * near - far) / (12.0 * by);
}

/// The gradient of training step 3, which differences with steps of `by` have along a direction of
/// all parameters.
inline Values checked_gradient(Assembled& model, const model::Batch& batch, double by,
                               double tolerance) {
  Values gradient = model.train_step(batch, 3).gradient;
  const Values direction = normal(gradient.size(), 5);
  double along = 0.0;
  for (std::size_t i = 0; i < gradient.size(); ++i) along += gradient[i] * direction[i];
  EXPECT_NEAR(along, differenced(model, batch, direction, by), tolerance * (1.0 + std::abs(along)));
  return gradient;
}

/// Another step has another noise, and so has an evaluation.
inline void expect_noise_anew(Assembled& model) {
  const auto batch = rows_of(normal(8, 2), 2);
  const double loss = model.train_step(batch, 3).result.loss;
  EXPECT_EQ(model.train_step(batch, 3).result.loss, loss);
  EXPECT_NE(model.train_step(batch, 4).result.loss, loss);
  const Values nll = model.nll(batch, 3);
  EXPECT_EQ(model.nll(batch, 3), nll);
  EXPECT_NE(model.nll(batch, 4), nll);
  EXPECT_GT(std::abs(mean(nll) - loss), 1e-3);
}

/// A training step and an evaluation on one thread and on two.
inline void expect_same_bits(const std::string& yaml, std::vector<std::string> sets = {}) {
  const auto batch = rows_of(normal(1400, 2), 2);  // more rows than one tile of any kind
  sets.emplace_back("device.threads=1");
  Assembled one(yaml, sets);
  sets.back() = "device.threads=2";
  Assembled two(yaml, sets);
  const auto first = one.train_step(batch);
  const auto second = two.train_step(batch);
  EXPECT_EQ(first.result.loss, second.result.loss);
  EXPECT_EQ(first.gradient, second.gradient);
  EXPECT_EQ(one.nll(batch), two.nll(batch));
}

}  // namespace odeum::model_tests
