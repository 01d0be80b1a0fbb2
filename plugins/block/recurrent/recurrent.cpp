// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include "../../layers/no_density.hpp"
#include "cell.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

/// What the network reads at one time.
struct Reading {
  Tensor input;     ///< [rows, inputs]
  Tensor observed;  ///< [rows, 1], 1 or 0; empty: all of them
};

class Recurrent final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "A recurrent network along a series: [times, features] to its last state, [hidden]. "
               "The state starts at zero. Weights and biases start uniform within 1 / sqrt(inputs "
               "+ hidden). As the encoder of a latent ODE it runs backwards, so that it ends where "
               "the solve begins")
        .cite(
            "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, "
            "NeurIPS 2018, arXiv 1806.07366, section 5")
        .cite(
            "Cho et al., Learning phrase representations using RNN encoder-decoder, arXiv "
            "1406.1078 (the gated recurrent unit)")
        .integer("hidden", 25, "features of the state")
        .at_least(1)
        .text("cell", "tanh",
              "tanh: h' = tanh(W x + U h + b); gru: the gated recurrent unit, which remembers "
              "longer at three times the cost")
        .choices({"tanh", "gru"})
        .flag("reverse", false, "whether it runs from the last time to the first")
        .text("observed", "all",
              "all: the state moves at each time; last_feature: the series' last feature is 1 "
              "where the time was observed, else 0; there the state is kept and what stands in the "
              "others is not read. It is no input")
        .choices({"all", "last_feature"})
        .number("time_differences",
                "what two neighbouring times of the series are apart [time]: the time since the "
                "last observed one (in the direction of the run; 0 at the first) is a further "
                "input, and the time from the last observed one to the end of the run stands "
                "behind the state in the result, [hidden + 1]. Left out: neither")
        .optional()
        .above(0);
  }

  explicit Recurrent(const Config& config)
      : config_(config),
        hidden_(config.integer("hidden")),
        kind_(config.text("cell") == "gru" ? CellKind::gru : CellKind::tanh),
        reverse_(config.flag("reverse")),
        masked_(config.text("observed") == "last_feature"),
        spacing_(config.has("time_differences") ? config.number("time_differences") : 0.0) {
    if (spacing_ > 0.0 && !masked_) {
      config.fail("time_differences",
                  "are the same everywhere where all times are observed, which a bias is already: "
                  "leave them out, or say observed: last_feature");
    }
  }

  Shape output_shape(const Shape& input) const override {
    if (input.rank() != 2) {
      config_.fail("", "takes series [times, features], not samples of shape " + input.text());
    }
    if (masked_ && input[1] < 2) {
      config_.fail("observed", "is the last feature, and there is no other one");
    }
    return {hidden_ + (spacing_ > 0.0 ? 1 : 0)};
  }

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t times = x.extent(1);
    const std::int64_t inputs = x.extent(2) - (masked_ ? 1 : 0) + (spacing_ > 0.0 ? 1 : 0);
    const Cell cell(kind_, scope, inputs, hidden_);
    Tensor state = full(x, {kRows, hidden_}, 0.0);
    Tensor apart = full(x, {kRows, 1}, 0.0);    // from the last observed time
    Tensor started = full(x, {kRows, 1}, 0.0);  // 1 behind the first observed time
    for (std::int64_t k = 0; k < times; ++k) {
      Reading reading = read(x, reverse_ ? times - 1 - k : k);
      if (spacing_ > 0.0) {
        if (k > 0) apart = apart + spacing_ * started;
        reading.input = concat({reading.input, apart});
        apart = select(reading.observed, zeros_like(apart), apart);
        started = max(started, reading.observed);
      }
      const Tensor next = cell(reading.input, state);
      state = masked_ ? select(broadcast(reading.observed, state.shape()), next, state) : next;
    }
    return {spacing_ > 0.0 ? concat({state, apart}) : state, {}};
  }

  std::string why_no_inverse() const override { return layers::no_way_back("recurrent"); }
  std::string why_no_log_determinant() const override { return layers::no_density("recurrent"); }

 private:
  /// A slice of x a time, not of what all times give in one product: its derivative would be a sum
  /// over as many series as there are times.
  Reading read(Tensor x, std::int64_t time) const {
    const std::int64_t features = x.extent(2);
    const Tensor row = reshape(slice(x, 1, time, time + 1), {kRows, features});
    if (!masked_) return {row, {}};
    return {slice(row, 1, 0, features - 1), slice(row, 1, features - 1, features)};
  }

  Config config_;
  std::int64_t hidden_;
  CellKind kind_;
  bool reverse_;
  bool masked_;
  double spacing_;
};

ODEUM_PLUGIN(block, "recurrent", Recurrent, "1.0.0", "A recurrent network along a series")

}  // namespace
}  // namespace odeum::blocks
