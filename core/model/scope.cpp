// SPDX-License-Identifier: Apache-2.0
#include "model/scope.hpp"

#include <stdexcept>
#include <utility>

#include "odeum/tensor.hpp"

namespace odeum::model {

Tensor folded(Tensor buffer, Tensor weight, Tensor value) {
  return buffer + weight * (value - buffer);
}

NamedScope::NamedScope(Tensor like, Provide provide, Mode mode, Observe observe)
    : like_(like), provide_(std::move(provide)), mode_(mode), observe_(std::move(observe)) {}

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

void NamedScope::observe(const std::string& buffer, Tensor weight, Tensor value) {
  const auto found = known_.find(buffer);
  if (found == known_.end()) bug("'" + buffer + "' is observed, but no buffer has that name");
  if (value.shape().has_rows() || weight.shape().has_rows()) {
    throw std::invalid_argument("what the buffer '" + buffer +
                                "' is to move towards has a value for each row");
  }
  if (mode_ == Mode::evaluation || !observe_) return;
  observe_({buffer, stop_gradient(weight), stop_gradient(value)});
}

Tensor NamedScope::ask(Item item) {
  const auto found = known_.find(item.name);
  if (found != known_.end()) return found->second;
  const Tensor value = provide_(item);
  known_.emplace(item.name, value);
  items_.push_back(std::move(item));
  return value;
}

}  // namespace odeum::model
