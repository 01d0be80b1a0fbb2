// SPDX-License-Identifier: Apache-2.0
// The run folder of a finished training, for the commands that use the trained model.
#pragma once

#include <string>

#include "cli/session.hpp"
#include "embed/run.hpp"

namespace odeum::cli {

using embed::Run;

/// The run folder RUN with `--set` laid over its configuration.
Run open_run(const Values& values, plugin::Registry& registry);

/// Which columns of a file are wanted: those of all of the objective's roles, or the model's input.
enum class Wanted { roles, input };

/// The run's configuration with the rows of the user's own CSV or .npy file as its data, all of
/// them in the file's order in the training split, without jitter. CSV columns are found by the
/// names that they had in training.
Config with_rows_of(const Run& run, const std::string& file, Wanted wanted,
                    plugin::Registry& registry);

}  // namespace odeum::cli
