// SPDX-License-Identifier: Apache-2.0
// What stands on top of a page of results, so that it can be measured again.
#pragma once

#include <string>

namespace odeum::bench {

/// Lines of Markdown: the command, the commit (and whether there were changes), the processor, the
/// load at this moment.
std::string page_head(const std::string& command);

}  // namespace odeum::bench
