// SPDX-License-Identifier: Apache-2.0
// Training: from a configuration to a run folder with a trained model in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "io/json.hpp"
#include "odeum/config.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

struct TrainRequest {
  Config root;              ///< of root_schema()
  std::string config_text;  ///< the resolved file, for the run folder
  std::string fingerprint;  ///< of what the configuration computes; kept in checkpoints
  /// Whether to go on although the device chooses kernels by another table than before.
  bool allow_other_table = false;
  std::filesystem::path out;
  bool resume = false;  ///< goes on where the folder's last checkpoint stands
};

enum class Ending : std::uint8_t { done, interrupted, failed };

struct TrainOutcome {
  Ending ending = Ending::done;
  std::string message;  ///< of a failure
  io::Json summary;     ///< as in summary.json
};

/// Trains, validates, tests, and writes the run folder. What is wrong before the first step is a
/// ConfigError and leaves no run folder; what goes wrong later is an outcome, with the last
/// checkpoint in place. Without `resume` the folder must not be there.
TrainOutcome train(const TrainRequest& request, plugin::Registry& registry);

}  // namespace odeum::train
