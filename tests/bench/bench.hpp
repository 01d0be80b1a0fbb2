// SPDX-License-Identifier: Apache-2.0
// What a bench program is to main.cpp.
#pragma once

namespace odeum::bench {

/// The program. Throws ConfigError where its arguments are wrong (exit status 2), other exceptions
/// where it fails (1).
void run(int argc, char** argv);

}  // namespace odeum::bench
