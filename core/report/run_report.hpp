// SPDX-License-Identifier: Apache-2.0
// A training as one page: report.html in its run folder, which opens in a browser without a server
// and loads nothing from elsewhere. What stands in it comes from the run folder alone.
#pragma once

#include "odeum/config.hpp"
#include "train/run_folder.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::report {

/// Writes report.html, and its pictures as pictures/<name>.png; also of a training that is still
/// under way or was killed, by its last checkpoint. ConfigErrors and RunErrors as from
/// reading the folder's files and from the model that it holds.
void write_report(const train::RunFolder& folder, const Config& root, plugin::Registry& registry);

}  // namespace odeum::report
