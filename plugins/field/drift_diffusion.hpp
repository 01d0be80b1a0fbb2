// SPDX-License-Identifier: Apache-2.0
// The two fields of a stochastic differential equation with diagonal noise, dx = f dt + g dW, for
// one path or for several of each sample.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "odeum/field.hpp"

namespace odeum::fields {

class DriftDiffusion {
 public:
  /// The keys `drift` and `diffusion`, and behind the field's own keys `paths`.
  static Schema& declare_fields(Schema& schema);
  static Schema& declare_paths(Schema& schema);

  /// A ConfigError where the two do not fit together, or one of them is stochastic itself.
  explicit DriftDiffusion(const Config& config);

  /// f and g at one point, shaped as z.
  struct Rates {
    Tensor drift;
    Tensor diffusion;
  };
  Rates operator()(Scope& scope, Tensor t, Tensor z) const;

  // As VectorField's, of both.
  std::int64_t features() const;
  std::vector<std::string> components() const { return drift_->components(); }
  std::vector<double> kinks() const;

 private:
  template <class Part>
  Rates rates_at(Scope& scope, Tensor t, Tensor z) const;
  Rates rates_of_paths(Scope& scope, Tensor t, Tensor z) const;

  std::shared_ptr<const VectorField> drift_;
  std::shared_ptr<const VectorField> diffusion_;
  bool paths_;
};

}  // namespace odeum::fields
