// SPDX-License-Identifier: Apache-2.0
// What blocks of discriminative pipelines say of themselves.
#pragma once

#include <string>

namespace odeum::layers {

inline std::string no_density(const std::string& name) {
  return name +
         " is a layer of a network and no change of variables: what it gives has no density "
         "with respect to the data. Use it with an objective such as classification";
}
inline std::string no_way_back(const std::string& name) {
  return name + " is a layer of a network, which no inverse is known of";
}

}  // namespace odeum::layers
