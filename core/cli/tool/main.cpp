// SPDX-License-Identifier: Apache-2.0
// The odeum command. All of it is in libodeum.so, which plugins and programs that embed odeum
// share.
#include "odeum/tool.hpp"

int main(int argc, char** argv) { return odeum::run_tool(argc, argv); }
