// SPDX-License-Identifier: Apache-2.0
#include "odeum/nested.hpp"

#include "plugin/registry.hpp"

namespace odeum::inline v1 {

std::shared_ptr<const VectorField> make_field(const Config& component) {
  return plugin::creating_registry().create<VectorField>(component);
}

}  // namespace odeum::inline v1
