// SPDX-License-Identifier: Apache-2.0
// An initial value problem solved for a number of rows that start near each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/problem.hpp"

namespace odeum::bench {

class InitialValueSolve {
 public:
  /// `file` with `sets` as `odeum solve` takes them.
  InitialValueSolve(const std::string& file, const std::vector<std::string>& sets,
                    std::int64_t rows);

  /// Initial states to the device: the file's, and for further rows normal deviations of 0.1.
  void fill();
  /// Solves, with results at all times of the file; returns the evaluations of the field. A
  /// std::runtime_error where the solve failed.
  std::int64_t run();

  /// Writes the initial states as start.npy, [rows, features].
  void write_problem(const std::string& folder) const;
  /// Writes the last solve's states at the last time as end.npy, [rows, features].
  void write_end(const std::string& folder) const;

 private:
  InitialValueSolve(const Config& root, std::int64_t rows);

  train::Problem problem_;
  std::int64_t rows_;
  std::unique_ptr<SolveSetting> setting_;
  std::unique_ptr<Integrator> integrator_;
  std::vector<double> start_;
  std::shared_ptr<void> initial_, results_;
  std::vector<View> places_;
};

}  // namespace odeum::bench
