// SPDX-License-Identifier: Apache-2.0
// Coefficients of the textbook fields: numbers of the schema, constants of the recording or, with
// `learn: true`, parameters that start at these numbers.
#pragma once

#include <string>

#include "odeum/field.hpp"

namespace odeum::fields {

class Coefficients {
 public:
  explicit Coefficients(const Config& config) : config_(config), learn_(config.flag("learn")) {}

  /// The schema's key that the constructor reads; to be called behind the coefficients' own keys.
  static Schema& declare(Schema& schema) {
    return schema.flag("learn", false,
                       "whether the coefficients are parameters, trained from these values");
  }

  /// The coefficient of that key, shape [1], in the type of `like`.
  Tensor operator()(Scope& scope, const std::string& key, Tensor like) const {
    const double value = config_.number(key);
    if (learn_) return scope.parameter(key, {1}, Initializer::constant(value));
    return full(like, {1}, value);
  }

 private:
  Config config_;
  bool learn_;
};

}  // namespace odeum::fields
