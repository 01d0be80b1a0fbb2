// SPDX-License-Identifier: Apache-2.0
#include "odeum/random.hpp"

#include "program/support.hpp"

namespace odeum::program::test {
namespace {

TEST(Philox, GivesThePublishedKnownAnswers) {
  // Random123 1.14, tests/kat_vectors, philox4x32 10.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

Program draws(Distribution distribution, std::int64_t features, DType type = DType::f64) {
  const std::vector<InputSpec> specs{{"key", {2}, DType::i64}, {"sample", {kRows}, DType::i64}};
  return record(specs, [&](std::span<const Tensor> in) {
    return std::vector{random(distribution, in[0], in[1], {kRows, features}, type)};
  });
}

Array run(const Program& program, std::int64_t seed, std::vector<double> samples) {
  const auto rows = static_cast<std::int64_t>(samples.size());
  const std::vector<Array> inputs{Array::of(DType::i64, {2}, {static_cast<double>(seed), 5}),
                                  Array::of(DType::i64, {rows}, std::move(samples))};
  return interpret(program, rows, inputs).front();
}

TEST(Random, DependsOnTheSampleAndNotOnItsPlaceInTheBatch) {
  const Program program = draws(Distribution::normal, 3);
  const Array together = run(program, 1, {4, 9, 2});
  const Array alone = run(program, 1, {9});
  for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(together.values[3 + j], alone.values[j]);
  EXPECT_NE(run(program, 2, {9}).values[0], alone.values[0]);
}

TEST(Random, HasTheMomentsOfItsDistribution) {
  constexpr std::int64_t kDraws = 40000;
  struct Expected {
    Distribution distribution;
    double mean, variance, fourth;
  };
  // Fourth central moments: 1/80, 3 and 1. Five standard errors of each sample moment.
  for (const Expected& e :
       {Expected{Distribution::uniform, 0.5, 1.0 / 12, 1.0 / 80},
        Expected{Distribution::normal, 0, 1, 3}, Expected{Distribution::rademacher, 0, 1, 1}}) {
    const Array x = run(draws(e.distribution, kDraws / 2), 3, {0, 1});
    double mean = 0;
    double variance = 0;
    for (const double v : x.values) mean += v / kDraws;
    for (const double v : x.values) variance += (v - e.mean) * (v - e.mean) / kDraws;
    EXPECT_NEAR(mean, e.mean, 5 * std::sqrt(e.variance / kDraws));
    EXPECT_NEAR(variance, e.variance,
                5 * std::sqrt((e.fourth - e.variance * e.variance) / kDraws) + 1e-10);
  }
}

TEST(Random, OfFloat32IsRepresentableInFloat32) {
  for (const Distribution d : {Distribution::uniform, Distribution::normal}) {
    for (const double v : run(draws(d, 50, DType::f32), 3, {0, 1}).values) {
      EXPECT_EQ(v, static_cast<double>(static_cast<float>(v)));
    }
  }
}

TEST(Random, IsPerRowHasNoDerivativeAndIsNotBatched) {
  const Program program = draws(Distribution::normal, 3);
  EXPECT_EQ(program[program.outputs[0]].row_class, RowClass::per_row);
  EXPECT_THROW(vmap(program, {1}, 2), std::invalid_argument);
  const std::vector<InputSpec> specs{
      {"key", {2}, DType::i64}, {"sample", {kRows}, DType::i64}, {"x", {kRows, 2}, DType::f64}};
  const Program scaled = record(specs, [](std::span<const Tensor> in) {
    return std::vector{in[2] * random(Distribution::normal, in[0], in[1], {kRows, 2}, DType::f64)};
  });
  EXPECT_NO_THROW(vjp(scaled, {2}));
  EXPECT_THROW(vjp(scaled, {0}), std::invalid_argument);
}

}  // namespace
}  // namespace odeum::program::test
