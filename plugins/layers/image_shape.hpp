// SPDX-License-Identifier: Apache-2.0
// What layers of image networks ask of a sample's shape, as errors of their configuration.
#pragma once

#include <cstdint>
#include <string>

#include "odeum/config.hpp"
#include "odeum/shape.hpp"

namespace odeum::layers {

/// A ConfigError at the component unless `input` is [channels, height, width].
inline void require_image(const Config& config, const Shape& input) {
  if (input.rank() == 3) return;
  config.fail("", "takes images [channels, height, width], not samples of shape " + input.text());
}

/// A ConfigError at `groups` unless so many divide the image's channels.
inline void require_groups(const Config& config, const Shape& image, std::int64_t groups) {
  if (image[0] % groups == 0) return;
  config.fail("groups", std::to_string(groups) + " groups do not divide " +
                            std::to_string(image[0]) + " channels into equal parts");
}

}  // namespace odeum::layers
