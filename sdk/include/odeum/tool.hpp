// SPDX-License-Identifier: Apache-2.0
// The odeum tool as a function: what bin/odeum's main calls.
#pragma once

namespace odeum::inline v1 {

/// Runs one command; returns the exit status (0 done, 1 failed while running, 2 found wrong
/// before the first step, 130 interrupted).
int run_tool(int argc, char** argv);

const char* version();  ///< "0.1.0"

}  // namespace odeum::inline v1
