// SPDX-License-Identifier: Apache-2.0
// Fields made of fields: a plugin whose schema has components of kind `field` (Schema::component)
// makes them here, and records each in a scope of its own.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "odeum/config.hpp"
#include "odeum/field.hpp"

namespace odeum::inline v1 {

/// The field that a component of a plugin's configuration describes:
/// `make_field(config.component("drift"))`. A ConfigError where its plugin refuses it.
std::shared_ptr<const VectorField> make_field(const Config& component);

/// The scope of a part: what the part asks for is asked of the whole as "part.name".
class PartScope : public Scope {
 public:
  /// `whole` outlives it.
  PartScope(Scope& whole, std::string part) : whole_(whole), prefix_(std::move(part) + ".") {}

  Tensor parameter(const std::string& name, Shape shape, Initializer initializer) override {
    return whole_.parameter(prefix_ + name, std::move(shape), initializer);
  }
  /// Inputs are the solve's: every part sees the same.
  Tensor input(const std::string& name, Shape shape) override {
    return whole_.input(name, std::move(shape));
  }
  Tensor buffer(const std::string& name, Shape shape, double initial) override {
    return whole_.buffer(prefix_ + name, std::move(shape), initial);
  }
  Tensor noise(const std::string& name, Shape shape, Distribution distribution) override {
    return whole_.noise(prefix_ + name, std::move(shape), distribution);
  }
  Tensor anchor() override { return whole_.anchor(); }
  Mode mode() const override { return whole_.mode(); }
  void observe(const std::string& buffer, Tensor weight, Tensor value) override {
    whole_.observe(prefix_ + buffer, weight, value);
  }

 private:
  Scope& whole_;
  std::string prefix_;
};

}  // namespace odeum::inline v1
