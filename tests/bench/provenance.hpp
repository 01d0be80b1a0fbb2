// SPDX-License-Identifier: Apache-2.0
// What stands on top of a page of measurements.
#pragma once

#include <string>

namespace odeum::bench {

/// Command, commit, processor and load, a line each.
std::string provenance(const std::string& command);

}  // namespace odeum::bench
