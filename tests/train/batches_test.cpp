// SPDX-License-Identifier: Apache-2.0
#include "train/batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "train/skip_rows.hpp"
#include "train/tiny_dataset.hpp"

namespace odeum::train {
namespace {

using testing::ElementsAre;

TEST(TrainingBatches, EveryEpochSeesEveryRowOnceInAnotherOrder) {
  const Counting data(10);
  TrainingBatches batches(data, 7, 4, {true, false});
  std::vector<std::vector<std::int64_t>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> seen;
    std::vector<std::int64_t> sizes;
    for (int step = 0; step < 3; ++step) {
      const model::Batch batch = batches.at(epoch * 3 + step);
      sizes.push_back(batch.rows);
      seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
    }
    EXPECT_THAT(sizes, ElementsAre(4, 4, 2));
    orders.push_back(seen);
    std::sort(seen.begin(), seen.end());
    EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[1], orders[2]);
}

TEST(TrainingBatches, ABatchDependsOnSeedAndStepAlone) {
  const Counting data(10);
  TrainingBatches in_order(data, 7, 4, {true, true});
  std::vector<model::Batch> all;
  all.reserve(9);
  for (int step = 0; step < 9; ++step) all.push_back(in_order.at(step));
  TrainingBatches jumping(data, 7, 4, {true, true});
  for (const int step : {8, 0, 4}) {
    const model::Batch batch = jumping.at(step);
    EXPECT_EQ(batch.samples, all[static_cast<std::size_t>(step)].samples);
    EXPECT_EQ(batch.columns, all[static_cast<std::size_t>(step)].columns);
  }
  TrainingBatches other_seed(data, 8, 4, {true, true});
  EXPECT_NE(other_seed.at(0).samples, all[0].samples);
}

TEST(TrainingBatches, EndlessDataAreTakenOneAfterAnother) {
  const Counting data(0);
  TrainingBatches batches(data, 7, 3, {true, true});
  EXPECT_THAT(batches.at(0).samples, ElementsAre(0, 1, 2));
  EXPECT_THAT(batches.at(5).samples, ElementsAre(15, 16, 17));
  EXPECT_EQ(batches.position(5).row, 15);
}

TEST(TrainingBatches, UnwantedColumnsAreNotRead) {
  const Counting data(5);
  TrainingBatches batches(data, 7, 2, {false, true});
  const model::Batch batch = batches.at(0);
  EXPECT_TRUE(batch.columns[0].empty());
  EXPECT_EQ(batch.columns[1].size(), 2U);
}

TEST(TrainingBatches, JitterIsDrawnAnewInEveryEpochButNotInEvaluation) {
  EXPECT_NE(split_key(1, Split::train, 0), split_key(1, Split::train, 1));
  EXPECT_NE(split_key(1, Split::train, 0), split_key(1, Split::test, 0));
  EXPECT_NE(split_key(1, Split::train, 0), split_key(2, Split::train, 0));
  std::set<std::uint64_t> keys;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (int round = 0; round < 100; ++round) keys.insert(split_key(1, split, round));
  }
  EXPECT_EQ(keys.size(), 300U);
}

TEST(ReadRows, ValuesThatAreNotFiniteAreRefusedByColumnAndSample) {
  class Broken final : public Dataset {
   public:
    std::vector<Column> columns() const override { return {{"pressure", {2}}}; }
    std::optional<std::int64_t> count(Split) const override { return 9; }
    void read(Split, std::uint64_t, std::span<const std::int64_t> samples,
              std::span<const std::span<double>> out) const override {
      std::fill(out[0].begin(), out[0].end(), 1.0);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        if (samples[i] == 6) out[0][2 * i + 1] = std::numeric_limits<double>::quiet_NaN();
      }
    }
  };
  EXPECT_EQ(read_rows(Broken(), Split::train, 0, {1, 2}, {true}).rows, 2);
  try {
    read_rows(Broken(), Split::train, 0, {1, 6}, {true});
    FAIL();
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("column 'pressure' of sample 6"));
  }
}

model::SolveFailure failure_of_row(std::int64_t row, OnFailure policy = OnFailure::skip_sample) {
  SolveReport report;
  report.status = Status::non_finite;
  report.sample = row;
  return {"flow", report, policy};
}

TEST(SkipSample, RowsThatFailAreTakenOutOneByOneAndNamedByTheirPlaceInTheBatch) {
  const Counting data(0);
  TrainingBatches batches(data, 7, 8, {true, true});
  const model::Batch batch = batches.at(0);
  std::vector<std::int64_t> left_out;
  // Samples 2, 5 and 6 cannot be solved; the first of them in the batch is reported.
  const std::set<std::int64_t> bad{2, 5, 6};
  const auto kept = without_failing_rows(batch, data.columns(), left_out,
                                         [&](const model::Batch& rows) -> std::vector<double> {
                                           for (std::size_t i = 0; i < rows.samples.size(); ++i) {
                                             if (bad.contains(rows.samples[i]))
                                               throw failure_of_row(static_cast<std::int64_t>(i));
                                           }
                                           EXPECT_EQ(rows.rows, 5);
                                           return rows.columns[1];
                                         });
  EXPECT_THAT(left_out, ElementsAre(2, 5, 6));
  EXPECT_THAT(kept, ElementsAre(0, 10, 30, 40, 70));
}

TEST(SkipSample, ABatchOfWhichMoreThanHalfFailsIsAFailure) {
  const Counting data(0);
  TrainingBatches batches(data, 7, 8, {true, true});
  std::vector<std::int64_t> left_out;
  EXPECT_THROW(without_failing_rows(batches.at(0), data.columns(), left_out,
                                    [](const model::Batch&) -> int { throw failure_of_row(0); }),
               model::SolveFailure);
  EXPECT_EQ(left_out.size(), 4U);
}

TEST(SkipSample, AFailureOfABlockThatDoesNotSayItIsThrownOn) {
  // Another block of the model says skip_sample; the one that failed does not.
  const Counting data(0);
  TrainingBatches batches(data, 7, 8, {true, true});
  std::vector<std::int64_t> left_out;
  EXPECT_THROW(without_failing_rows(batches.at(0), data.columns(), left_out,
                                    [](const model::Batch& rows) -> int {
                                      if (rows.rows == 8) throw failure_of_row(0, OnFailure::fail);
                                      return 0;
                                    }),
               model::SolveFailure);
  EXPECT_TRUE(left_out.empty());
}

TEST(SkipSample, AFailureOfNoSampleInParticularIsThrownOn) {
  const Counting data(0);
  TrainingBatches batches(data, 7, 8, {true, true});
  std::vector<std::int64_t> left_out;
  EXPECT_THROW(without_failing_rows(batches.at(0), data.columns(), left_out,
                                    [](const model::Batch&) -> int { throw failure_of_row(-1); }),
               model::SolveFailure);
  EXPECT_TRUE(left_out.empty());
}

}  // namespace
}  // namespace odeum::train
