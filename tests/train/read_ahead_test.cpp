// SPDX-License-Identifier: Apache-2.0
#include "train/read_ahead.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

#include "train/tiny_dataset.hpp"

namespace odeum::train {
namespace {

constexpr std::int64_t kRows = 10;
constexpr std::int64_t kBatch = 4;  // three batches an epoch, the last one short

/// Counting that notes who reads, and which steps' rows have been read.
class Watched final : public Dataset {
 public:
  std::vector<Column> columns() const override { return counting_.columns(); }
  std::optional<std::int64_t> count(Split split) const override { return counting_.count(split); }
  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::scoped_lock lock(mutex_);
    threads.insert(std::this_thread::get_id());
    ++reads;
    counting_.read(split, key, samples, out);
  }
  mutable std::set<std::thread::id> threads;
  mutable int reads = 0;

 private:
  Counting counting_{kRows};
  mutable std::mutex mutex_;
};

TrainingBatches batches(const Dataset& data) { return {data, 7, kBatch, {true, true}}; }

void expect_the_same(ReadAhead& ahead, TrainingBatches plain, std::int64_t begin,
                     std::int64_t end) {
  for (std::int64_t step = begin; step < end; ++step) {
    const model::Batch found = ahead.at(step);
    const model::Batch wanted = plain.at(step);
    EXPECT_EQ(found.samples, wanted.samples) << step;
    EXPECT_EQ(found.columns, wanted.columns) << step;
  }
}

TEST(ReadAhead, GivesTheBatchesThatAreReadStepByStep) {
  const Counting data(kRows);
  for (const std::int64_t many : {0, 1, 2, 7}) {
    ReadAhead ahead(batches(data), many, 20);
    expect_the_same(ahead, batches(data), 0, 20);
  }
}

TEST(ReadAhead, GoesOnFromWhereAResumedRunBegins) {
  const Counting data(kRows);
  ReadAhead ahead(batches(data), 3, 20);
  expect_the_same(ahead, batches(data), 11, 15);
  expect_the_same(ahead, batches(data), 2, 9);  // and after any jump
}

TEST(ReadAhead, ReadsOnOtherThreadsAndNothingBehindTheLastStep) {
  const Watched data;
  {
    ReadAhead ahead(batches(data), 4, 6);
    for (std::int64_t step = 0; step < 6; ++step) ahead.at(step);
  }
  EXPECT_EQ(data.reads, 6);
  EXPECT_FALSE(data.threads.contains(std::this_thread::get_id()));
}

TEST(ReadAhead, ReadsWithoutThreadsWhereNothingIsReadAhead) {
  const Watched data;
  ReadAhead ahead(batches(data), 0, 6);
  ahead.at(0);
  EXPECT_EQ(data.reads, 1);
  EXPECT_TRUE(data.threads.contains(std::this_thread::get_id()));
}

TEST(ReadAhead, SaysWhatIsWrongWithTheDataAtTheStepThatNeedsThem) {
  class Broken final : public Dataset {
   public:
    std::vector<Column> columns() const override { return {{"pressure", {}}}; }
    std::optional<std::int64_t> count(Split) const override { return std::nullopt; }
    void read(Split, std::uint64_t, std::span<const std::int64_t> samples,
              std::span<const std::span<double>> out) const override {
      for (std::size_t i = 0; i < samples.size(); ++i)
        out[0][i] = 1.0 / static_cast<double>(samples[i] - 9);
    }
  };
  const Broken data;
  ReadAhead ahead({data, 7, kBatch, {true}}, 3, 10);
  EXPECT_EQ(ahead.at(0).rows, kBatch);
  EXPECT_EQ(ahead.at(1).rows, kBatch);
  try {
    ahead.at(2);  // samples 8 .. 11
    FAIL();
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("column 'pressure' of sample 9"));
  }
}

}  // namespace
}  // namespace odeum::train
