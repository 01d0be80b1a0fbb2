// SPDX-License-Identifier: Apache-2.0
// What a trained model inside a program holds: nothing more after calls like earlier ones, and
// nothing at all once it is gone.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

#include "cli/tool.hpp"
#include "odeum/model.hpp"

namespace {

std::atomic<long>& live() {
  static std::atomic<long> count{0};
  return count;
}
void* counted(std::size_t bytes) {
  void* p = std::malloc(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  ++live();
  return p;
}
void give_back(void* p) {
  if (p != nullptr) --live();
  std::free(p);
}

}  // namespace

// Replaced for this whole executable: counts what is held, and is otherwise the usual one.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }

namespace odeum {
namespace {

class TrainedModelMemory : public testing::Test {
 protected:
  void SetUp() override {
    testing_tool::write(folder_ / "flow.yaml", testing_tool::tiny_training(5));
    const testing_tool::Result trained =
        testing_tool::run({"train", "flow.yaml", "--out", "run", "--no-report"}, folder_.path());
    ASSERT_EQ(trained.status, 0) << trained.err;
  }
  TrainedModel load() const {
    LoadOptions options;
    options.threads = 1;
    return TrainedModel::load(folder_ / "run", options);
  }
  /// All that a model can do with so many rows.
  void use(TrainedModel& model, std::size_t rows) {
    const auto points = std::span(points_).first(2 * rows);
    EXPECT_TRUE(model.sample(1, points).ok());
    EXPECT_TRUE(model.predict(points, std::span(values_).first(2 * rows)).ok());
    EXPECT_TRUE(model.log_density(points, std::span(log_p_).first(rows)).ok());
  }

  testing_tool::Folder folder_;
  std::vector<float> points_ = std::vector<float>(100);
  std::vector<float> values_ = std::vector<float>(100);
  std::vector<double> log_p_ = std::vector<double>(50);
};

TEST_F(TrainedModelMemory, DoesNotGrowWithCallsOfTheSameRows) {
  TrainedModel model = load();
  for (const std::size_t rows : {50U, 1U, 17U}) use(model, rows);
  const long held = live();
  for (const std::size_t rows : {50U, 1U, 17U, 1U, 50U}) use(model, rows);
  EXPECT_EQ(live(), held);
}

TEST_F(TrainedModelMemory, IsGivenBackWithTheModel) {
  const auto once = [&] {
    TrainedModel model = load();
    use(model, 50);
  };
  once();  // what a process keeps: plugins' code and what names it
  const long held = live();
  once();
  once();
  EXPECT_EQ(live(), held);
}

}  // namespace
}  // namespace odeum
