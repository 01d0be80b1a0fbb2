// SPDX-License-Identifier: Apache-2.0
// What a training logged, as series over its steps.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "report/plot.hpp"

namespace odeum::report {

/// By the key of metrics.jsonl: "loss", "lr", "costs.flow.kinetic", "validation.nll", ... and
/// "seconds" (of a step) of timing.jsonl. null is not-a-number.
using History = std::map<std::string, Series>;

/// Files that are not there count as empty. A ConfigError: a line that is no JSON object.
History read_history(const std::filesystem::path& metrics, const std::filesystem::path& timing);

}  // namespace odeum::report
