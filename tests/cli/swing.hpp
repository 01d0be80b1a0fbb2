// SPDX-License-Identifier: Apache-2.0
// A damped pendulum's swing as a CSV file, and what a training finds of its coefficients.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "cli/tool.hpp"
#include "io/npy.hpp"
#include "io/safetensors.hpp"

namespace odeum::testing_tool {

/// A swing of 20 s with stiffness 1 and damping 0.1, ten rows a second.
inline constexpr const char* kSwing =
    "precision: float64\n"
    "problem:\n"
    "  field: {use: pendulum, stiffness: 1, damping: 0.1}\n"
    "  initial: [1, 0]\n"
    "  times: {from: 0, to: 20, count: 201}\n"
    "  solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}\n";

/// A folder with swing.csv and the training fit.yaml.
class LearnedSwing : public testing::Test {
 protected:
  explicit LearnedSwing(std::string fit) : fit_(std::move(fit)) {}

  void SetUp() override {
    write(folder_ / "swing.yaml", kSwing);
    write(folder_ / "fit.yaml", fit_);
    ASSERT_EQ(run({"solve", "swing.yaml", "-o", "swing.csv"}).status, 0);
  }
  Result run(std::vector<std::string> arguments) {
    return testing_tool::run(std::move(arguments), folder_.path());
  }
  double learned(const std::string& coefficient) const {
    const fs::path file = folder_ / "run" / "checkpoints" / "best.safetensors";
    return io::values(
        io::read_safetensors(file).array("parameters.flow.field." + coefficient, file))[0];
  }
  Folder folder_;

 private:
  std::string fit_;
};

}  // namespace odeum::testing_tool
