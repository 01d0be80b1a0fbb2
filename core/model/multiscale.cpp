// SPDX-License-Identifier: Apache-2.0
#include "model/multiscale.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace odeum::model {

namespace {

/// The blocks with "prefix." before their names; those without one are named as what they use,
/// counted from the second on.
std::vector<Config> named(std::vector<Config> blocks, const std::string& prefix) {
  std::map<std::string, int> count;
  for (Config& block : blocks) {
    std::string name = block.name();
    if (name.empty()) {
      const int n = ++count[block.use()];
      name = block.use() + (n > 1 ? std::to_string(n) : "");
    }
    block.name_ = prefix + "." + name;
  }
  return blocks;
}

void append(std::vector<Config>& to, std::vector<Config> blocks) {
  for (Config& block : blocks) to.push_back(std::move(block));
}

Config split_block(const Config& place) {
  Config split;
  split.kind_ = "block";
  split.use_ = "split";
  split.place_ = place.place();
  split.path_ = place.key_path();
  return split;
}

std::vector<Config> scales_of(const Config& config) {
  if (config.evaluate_) {
    config.fail(
        "", "what differs in evaluation stands in the blocks inside, under their own `evaluate:`");
  }
  const std::string name = config.name().empty() ? config.use() : config.name();
  const std::int64_t scales = config.integer("scales");
  std::vector<Config> result;
  for (std::int64_t i = 1; i <= scales; ++i) {
    const std::string scale = name + ".scale" + std::to_string(i);
    append(result, named(config.components("blocks"), scale));
    if (i == scales) break;
    append(result, named({config.component("squeeze")}, scale));
    append(result, named(config.components("blocks"), scale + ".squeezed"));
    append(result, named({split_block(config)}, scale));
  }
  return plain_blocks(result);
}

}  // namespace

std::vector<Config> plain_blocks(const std::vector<Config>& blocks) {
  std::vector<Config> result;
  for (const Config& block : blocks) {
    if (block.use() == "multiscale") {
      append(result, scales_of(block));
    } else {
      result.push_back(block);
    }
  }
  return result;
}

}  // namespace odeum::model
