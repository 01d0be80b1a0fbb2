// SPDX-License-Identifier: Apache-2.0
// What is decided about plugins, on standard error, for ODEUM_TRACE=plugins.
#pragma once

#include <string>

namespace odeum::plugin {

/// Prints "odeum plugins: text" where the variable ODEUM_TRACE, a list separated by commas, has the
/// word `plugins`.
void trace(const std::string& text);

}  // namespace odeum::plugin
