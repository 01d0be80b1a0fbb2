// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Copies final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "Each sample several times: [n] to [count, n]. Where what follows is noisy, as a solve of "
        "the field wong_zakai with `paths: true`, they become several outcomes of one start, from "
        "which an objective takes mean and deviation. The result has no density");
    s.integer("count", "how many").at_least(1).at_most(100000);
    return s;
  }

  explicit Copies(const Config& config) : count_(config.integer("count")) {}

  Shape output_shape(const Shape& input) const override {
    std::vector<std::int64_t> extents = input.extents();
    extents.insert(extents.begin(), count_);
    return Shape(std::move(extents));
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    std::vector<std::int64_t> extents = x.shape().extents();
    extents.insert(extents.begin() + 1, 1);
    const Tensor one = reshape(x, Shape(extents));
    extents[1] = count_;
    return {broadcast(one, Shape(extents)), {}};
  }

  std::string why_no_inverse() const override {
    return "copies that a noisy solve has led apart have no common start";
  }
  std::string why_no_log_determinant() const override {
    return "copies of a sample lie on a surface of no volume";
  }

 private:
  std::int64_t count_;
};

ODEUM_PLUGIN(block, "copies", Copies, "1.0.0", "Each sample several times")

}  // namespace
}  // namespace odeum::blocks
