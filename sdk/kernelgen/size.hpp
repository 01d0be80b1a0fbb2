// SPDX-License-Identifier: Apache-2.0
// A number that may grow with the rows of a run.
#pragma once

#include <cstdint>

namespace odeum::kernelgen {

struct Size {
  std::int64_t count = 1;
  bool rows = false;
  std::int64_t at(std::int64_t run_rows) const { return rows ? count * run_rows : count; }
};

}  // namespace odeum::kernelgen
