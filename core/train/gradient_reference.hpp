// SPDX-License-Identifier: Apache-2.0
// What the two gradient checks share: tightened configurations, norms, differences.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/error.hpp"
#include "train/gradient_check.hpp"

namespace odeum::train {

/// The solver's configuration at rtol and atol of 1e-12, or of less where it has less; unchanged
/// where steps are given.
Config tightened(Config solver);
bool has_given_steps(const Config& solver);
/// With another value at a key that the configuration has.
Config with_value(Config config, const std::string& key, Config::Value value);

/// The error that is allowed for these tolerances (see check_problem).
double default_allowance(double rtol, bool given_steps, bool float32);

double relative_error(const std::vector<double>& gradient, const std::vector<double>& reference);

/// Compares `gradient` at `point` with central differences of `loss`: along each axis where there
/// are at most 24, else along 8 random directions of signs. The step is 1e-4, less where
/// `check.growth` is known and above 1. A direction along which a solve fails has no difference; a
/// RunError where none has.
void compare_with_differences(const std::function<double(const std::vector<double>&)>& loss,
                              const std::vector<double>& point, const std::vector<double>& gradient,
                              GradientCheck& check);

/// The configured solver at half its tolerances, or with half its given steps.
Config halved(Config solver);
double relative_change(double value, double from);

/// The methods in the order in which they are tried for the reference: exact ones first.
std::vector<Config> reference_candidates(std::vector<Config> methods);

/// A refusal's reason without its place, which for methods that the file does not name is none that
/// a user wrote.
std::string reason_of(const ConfigError& error, const Config& method);

}  // namespace odeum::train
