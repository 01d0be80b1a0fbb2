// SPDX-License-Identifier: Apache-2.0
// The Scope that components record with. What they ask for is provided by whoever records: an
// outer program binds it to flat buffers and keys, a solve binds it to its constants.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "odeum/field.hpp"

namespace odeum::model {

/// One thing asked for.
struct Item {
  enum class Kind : std::uint8_t { parameter, buffer, noise, input };
  Kind kind = Kind::parameter;
  std::string name;
  Shape shape;
  Initializer initializer;  ///< of a parameter; of a buffer: a constant
  Distribution distribution = Distribution::uniform;
};

/// What a component lets a buffer move towards (Scope::observe).
struct Observation {
  std::string buffer;
  Tensor weight;
  Tensor value;
};
/// The buffer behind it.
Tensor folded(Tensor buffer, Tensor weight, Tensor value);

/// Hands out `provide(item)`, once per name, and remembers the order of first requests. Where there
/// is no `observe`, what is observed is passed over.
class NamedScope final : public Scope {
 public:
  using Provide = std::function<Tensor(const Item&)>;
  using Observe = std::function<void(const Observation&)>;
  /// `like` is any value of the recording, of the pipeline's type.
  NamedScope(Tensor like, Provide provide, Mode mode = Mode::evaluation, Observe observe = {});

  Tensor parameter(const std::string& name, Shape shape, Initializer initializer) override;
  Tensor input(const std::string& name, Shape shape) override;
  Tensor buffer(const std::string& name, Shape shape, double initial) override;
  Tensor noise(const std::string& name, Shape shape, Distribution distribution) override;
  Tensor anchor() override;
  Mode mode() const override { return mode_; }
  void observe(const std::string& buffer, Tensor weight, Tensor value) override;

  const std::vector<Item>& items() const { return items_; }

 private:
  Tensor ask(Item item);

  Tensor like_;
  Provide provide_;
  Mode mode_;
  Observe observe_;
  std::map<std::string, Tensor> known_;
  std::vector<Item> items_;
};

}  // namespace odeum::model
