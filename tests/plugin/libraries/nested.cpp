// SPDX-License-Identifier: Apache-2.0
// A field made of a field that lies in the same file.
#include "odeum/nested.hpp"

#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Inner final : public VectorField {
 public:
  static Schema schema() { return Schema("Seven components that stay"); }
  Tensor operator()(Scope&, Tensor, Tensor z) const override { return 0.0 * z; }
  std::int64_t features() const override { return 7; }
};

class Outer final : public VectorField {
 public:
  static Schema schema() {
    return Schema("What another field is").component("inner", "field", "the other one");
  }
  explicit Outer(const Config& config) : inner_(make_field(config.component("inner"))) {}
  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    return (*inner_)(scope, t, z);
  }
  std::int64_t features() const override { return inner_->features(); }

 private:
  std::shared_ptr<const VectorField> inner_;
};

ODEUM_PLUGIN(field, "inner", Inner, "1.0.0", "The field inside")
ODEUM_PLUGIN(field, "outer", Outer, "1.0.0", "The field around it")

}  // namespace
}  // namespace odeum::test
