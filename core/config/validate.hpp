// SPDX-License-Identifier: Apache-2.0
// Nodes to a Config: checked against a schema and those of the components that it names.
#pragma once

#include <filesystem>

#include "config/lookup.hpp"
#include "config/mistakes.hpp"
#include "config/node.hpp"
#include "config/paths.hpp"
#include "odeum/config.hpp"

namespace odeum::config {

struct Surroundings {
  SchemaLookup lookup;
  std::filesystem::path folder;  ///< the configuration's
  Files files = Files::must_exist;
};

/// The validated configuration with all defaults filled in. What is wrong is added to `mistakes`;
/// with mistakes the result is incomplete and must not be used.
///
/// Beside its schema's keys, a component takes `use:`, `name:` and `evaluate:`, a section takes
/// `evaluate:`. A list of components may hold `repeat: {times: N, blocks: [...]}`: N copies, whose
/// names get _1, _2, ... `evaluate:` is laid over its component map by map; with another `use:` it
/// stands alone.
Config validate(const Node& root, const Schema& schema, const Surroundings& surroundings,
                Mistakes& mistakes);

}  // namespace odeum::config
