// SPDX-License-Identifier: Apache-2.0
// Running somebody else's code in a child process, where a crash harms nobody.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace odeum::plugin {

/// Runs `work` in a forked child and returns its text. A ConfigError: what `work` threw; or, about
/// `what` ("the plugin solver/x"), that it crashed (with the signal's name), ended the process, or
/// took longer than `limit`. To be called while the process has one thread.
std::string in_child(const std::string& what, const std::function<std::string()>& work,
                     std::chrono::seconds limit = std::chrono::seconds(30));

}  // namespace odeum::plugin
