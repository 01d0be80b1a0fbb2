// SPDX-License-Identifier: Apache-2.0
#include "plugin/trace.hpp"

#include <cstdio>
#include <cstdlib>

namespace odeum::plugin {

void trace(const std::string& text) {
  const char* wanted = std::getenv("ODEUM_TRACE");
  if (!wanted || (',' + std::string(wanted) + ',').find(",plugins,") == std::string::npos) return;
  std::fprintf(stderr, "odeum plugins: %s\n", text.c_str());
}

}  // namespace odeum::plugin
