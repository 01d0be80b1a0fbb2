// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "../../layers/image_shape.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Squeeze final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "Space to depth: each square of factor x factor pixels becomes as many channels, [c, h, w] "
        "to [c factor^2, h / factor, w / factor]; new channels count by old channel, then row of "
        "the square, then column. A permutation, so its log-determinant is zero");
    s.cite("Dinh, Sohl-Dickstein, Bengio, Real NVP, ICLR 2017, arXiv 1605.08803, section 3.6");
    s.integer("factor", 2, "side of a square [pixels]").at_least(2);
    return s;
  }

  explicit Squeeze(const Config& config) : config_(config), factor_(config.integer("factor")) {}

  Shape output_shape(const Shape& input) const override {
    layers::require_image(config_, input);
    if (input[1] % factor_ != 0 || input[2] % factor_ != 0) {
      config_.fail("", "height and width of " + input.text() + " must be multiples of " +
                           std::to_string(factor_) +
                           ": use fewer scales, or pad or pool the images");
    }
    return {input[0] * factor_ * factor_, input[1] / factor_, input[2] / factor_};
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    const std::int64_t c = x.extent(1);
    const std::int64_t h = x.extent(2) / factor_;
    const std::int64_t w = x.extent(3) / factor_;
    const Tensor squares = reshape(x, {kRows, c, h, factor_, w, factor_});
    return {reshape(permute(squares, {0, 1, 3, 5, 2, 4}), {kRows, c * factor_ * factor_, h, w}),
            {}};
  }

  Tensor inverse(Scope& /*scope*/, Tensor y) const override {
    const std::int64_t c = y.extent(1) / (factor_ * factor_);
    const std::int64_t h = y.extent(2);
    const std::int64_t w = y.extent(3);
    const Tensor squares = reshape(y, {kRows, c, factor_, factor_, h, w});
    return reshape(permute(squares, {0, 1, 4, 2, 5, 3}), {kRows, c, h * factor_, w * factor_});
  }

 private:
  Config config_;
  std::int64_t factor_;
};

ODEUM_PLUGIN(block, "squeeze", Squeeze, "1.0.0", "Squares of pixels become channels")

}  // namespace
}  // namespace odeum::blocks
