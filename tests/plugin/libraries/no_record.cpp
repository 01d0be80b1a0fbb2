// SPDX-License-Identifier: Apache-2.0
// A shared library that is no plugin.
extern "C" [[gnu::visibility("default")]] int odeum_plugin_entries() { return 0; }
