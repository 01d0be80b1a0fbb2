// SPDX-License-Identifier: Apache-2.0
// Values that contain no further keys: numbers, texts, paths, lists of them, schedules.
#pragma once

#include <string>

#include "config/validate.hpp"

namespace odeum::config {

/// The value of such a key, typed and in range; what is wrong is added to `mistakes` under `path`.
Config::Value read_value(const Key& key, const Node& node, const std::string& path,
                         const Surroundings& surroundings, Mistakes& mistakes);

/// The value of a key that was left out: its default, or nothing for an optional key.
Config::Value default_value(const Key& key);

/// "the list has 3 items, 2 are wanted", or nothing where the size is right.
std::string wrong_size(const Key& key, std::size_t size);

/// "a number", "a list of whole numbers": what a key takes.
std::string wanted(KeyType type);

}  // namespace odeum::config
