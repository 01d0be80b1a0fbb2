// SPDX-License-Identifier: Apache-2.0
#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class Steer final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "Random end of the span: in each training step the solve ends at a time drawn "
               "uniformly from (end - b, end + b), one for the batch; evaluation and samples end "
               "at "
               "the plain end. It adds no cost, so it has no weight; a learned span is refused, "
               "for "
               "its length may fall under b")
        .number("b", "half the width of the interval; shorter than the span [time]")
        .above(0)
        .cite(
            "Ghosh, Behl, Dupont, Torr, Namboodiri, STEER: Simple temporal regularization for "
            "neural ODEs, NeurIPS 2020, arXiv 2006.10711");
  }

  explicit Steer(const Config& config) : half_width_(config.number("b")) {}

  double span_jitter() const override { return half_width_; }

 private:
  double half_width_;
};

ODEUM_PLUGIN(regularizer, "steer", Steer, "1.0.0", "Random end of the span")

}  // namespace
}  // namespace odeum::regularizers
