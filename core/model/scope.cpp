// SPDX-License-Identifier: Apache-2.0
#include "model/scope.hpp"

#include <utility>

#include "odeum/tensor.hpp"

namespace odeum::model {

NamedScope::NamedScope(Tensor like, Provide provide) : like_(like), provide_(std::move(provide)) {}

Tensor NamedScope::parameter(const std::string& name, Shape shape, Initializer initializer) {
  return ask({Item::Kind::parameter, name, std::move(shape), initializer, {}});
}

Tensor NamedScope::input(const std::string& name, Shape shape) {
  return ask({Item::Kind::input, name, std::move(shape), {}, {}});
}

Tensor NamedScope::buffer(const std::string& name, Shape shape, double initial) {
  return ask({Item::Kind::buffer, name, std::move(shape), Initializer::constant(initial), {}});
}

Tensor NamedScope::noise(const std::string& name, Shape shape, Distribution distribution) {
  return ask({Item::Kind::noise, name, std::move(shape), {}, distribution});
}

Tensor NamedScope::anchor() { return full(like_, Shape{1}, 0.0); }

Tensor NamedScope::ask(Item item) {
  const auto found = known_.find(item.name);
  if (found != known_.end()) return found->second;
  const Tensor value = provide_(item);
  known_.emplace(item.name, value);
  items_.push_back(std::move(item));
  return value;
}

}  // namespace odeum::model
