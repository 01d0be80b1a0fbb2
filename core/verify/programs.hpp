// SPDX-License-Identifier: Apache-2.0
// One program for each group of primitives: what every device must compute.
#pragma once

#include <string>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::verify {

struct NamedProgram {
  std::string name;
  Program program;
  bool differentiable = true;
};
/// In float32 and float64. Inputs are meant to lie in (0.5, 1.5), integers in {0, 1, 2}.
std::vector<NamedProgram> device_programs();

}  // namespace odeum::verify
