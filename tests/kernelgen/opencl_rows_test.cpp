// SPDX-License-Identifier: Apache-2.0
// Rows of attempts on the OpenCL device: the bits of attempts one by one.
#include "kernelgen/opencl.hpp"
#include "solve/rows.hpp"

namespace odeum {
namespace {

class OpenClRows : public ::testing::Test {
 protected:
  void SetUp() override {
    opencl_tests::Opened opened = opencl_tests::open();
    if (!opened.device) GTEST_SKIP() << opened.missing;
    device_ = std::move(opened.device);
  }
  std::shared_ptr<Device> device_;
};

TEST_F(OpenClRows, GiveTheBitsAndReportsOfAttemptsOneByOne) {
  for (const testing::RowCase& one : testing::row_cases()) {
    // PoCL compiles longer than a solve takes; tests/solve has them all.
    if (one.name != "saved within steps" && one.name != "given, with stops") continue;
    const auto alone = testing::in_rows(one, 1, device_);
    testing::expect_same(alone, testing::in_rows(one, 0, device_), one.name);
  }
}

TEST_F(OpenClRows, WaitOnceEach) {
  const testing::RowCase one = testing::row_cases().front();
  std::int64_t waits[2];
  std::int64_t attempts = 0;
  for (const std::int64_t together : {0, 1}) {
    const std::int64_t before = device_->traffic().synchronizations;
    const auto solution = testing::in_rows(one, together, device_);
    attempts = solution.report.accepted + solution.report.rejected;
    waits[together] = device_->traffic().synchronizations - before;
  }
  EXPECT_EQ(waits[1], attempts + 1) << "the result";
  // A first solve does not know how many are to come, and asks for fewer near the end.
  EXPECT_LE(waits[0], attempts / 4);
}

TEST_F(OpenClRows, GiveTheBitsOfGradientsOfAttemptsOneByOne) {
  const testing::Method method{"dopri5", "pi", testing::tolerances(1e-6, 1e-6)};
  for (const testing::GradientOf& gradient :
       {testing::backprop("stages"), testing::GradientOf{"adjoint", {}}}) {
    testing::expect_same(testing::gradient_in_rows(gradient, method, 1, device_),
                         testing::gradient_in_rows(gradient, method, 0, device_),
                         testing::name_of(gradient));
  }
}

}  // namespace
}  // namespace odeum
