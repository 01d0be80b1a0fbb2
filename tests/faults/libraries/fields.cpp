// SPDX-License-Identifier: Apache-2.0
// Fields that go wrong in ways a test can foresee.
#include <stdexcept>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

/// Not a number from time `from` on, zero before.
class TurnsNan final : public VectorField {
 public:
  static Schema schema() {
    return Schema("Turns into NaN").number("from", 0.5, "time from which on there is no number");
  }
  explicit TurnsNan(const Config& config) : from_(config.number("from")) {}
  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Tensor rate = scope.parameter("rate", {1}, Initializer::constant(0.0));
    const Tensor late = less(full(t, {1}, from_), t);
    // 0 / 0 where it is late.
    return (rate + 0.0 * z) + (1.0 - late) / (1.0 - late) - 1.0;
  }

 private:
  double from_;
};

/// Not a number for samples whose first component is above a bound.
class NanBeyond final : public VectorField {
 public:
  static Schema schema() {
    return Schema("NaN for some samples").number("bound", 2.0, "of the first component");
  }
  explicit NanBeyond(const Config& config) : bound_(config.number("bound")) {}
  Tensor operator()(Scope& scope, Tensor /*t*/, Tensor z) const override {
    const Tensor rate = scope.parameter("rate", {1}, Initializer::constant(0.1));
    const Tensor inside = less(slice(z, -1, 0, 1), full(z, {1}, bound_));
    return rate * z * (inside / inside);
  }

 private:
  double bound_;
};

/// Refuses to be recorded.
class Throws final : public VectorField {
 public:
  static Schema schema() { return Schema("Throws while it is recorded"); }
  Tensor operator()(Scope&, Tensor, Tensor) const override {
    throw std::invalid_argument("three is no prime");
  }
};

ODEUM_PLUGIN(field, "turns_nan", TurnsNan, "1.0.0", "NaN from a time on")
ODEUM_PLUGIN(field, "nan_beyond", NanBeyond, "1.0.0", "NaN for some samples")
ODEUM_PLUGIN(field, "throws", Throws, "1.0.0", "Throws while it is recorded")

}  // namespace
}  // namespace odeum::test
