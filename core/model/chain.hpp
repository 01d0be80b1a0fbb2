// SPDX-License-Identifier: Apache-2.0
// Chain: the blocks of a model in order, recorded forward (data towards base) or in reverse.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "model/ode_block.hpp"
#include "odeum/block.hpp"
#include "odeum/config.hpp"
#include "odeum/objective.hpp"

namespace odeum::model {

/// A block that comes as a plugin, with its name in the pipeline.
struct PluginBlock {
  std::string name;
  std::shared_ptr<const Block> block;
  std::shared_ptr<const Block> evaluation;  ///< the same under its `evaluate:` settings
  Place place;
};

/// The block `split`: the second half of the channels leaves for the base.
struct SplitBlock {
  std::string name;
};

inline constexpr std::array kBothUses{Use::training, Use::evaluation};

class Chain {
 public:
  /// `blocks`: the configuration's list, composites included; `input`: shape of one sample's main
  /// column, with kRows.
  Chain(const std::vector<Config>& blocks, const Shape& input, DType precision,
        const plugin::Registry& registry, const std::shared_ptr<Device>& device,
        const std::shared_ptr<SolveLog>& log, std::vector<std::string>& warnings);

  struct Output {
    Tensor value;
    Tensor log_determinant;  ///< [rows] float64
    std::vector<OdeBlock::Cost> costs;
    Tensor cost;  ///< of plugin blocks, [rows] float64; empty: none has one
    const PluginBlock* first_with_cost = nullptr;
  };
  /// All blocks. Where halves have left at splits, the value is [rows, elements]: these in order,
  /// then what came to the end.
  Output forward(Recorder& recorder, Tensor x, Use use) const;
  /// The first `count` blocks: what the next one gets.
  Output forward(Recorder& recorder, Tensor x, Use use, std::size_t count) const;
  /// Throws ConfigError naming the first block without an inverse.
  Tensor inverse(Recorder& recorder, Tensor y) const;
  /// Which block has no inverse and why; empty when all have one.
  std::string why_no_inverse() const;
  /// A ConfigError at the first block that is no change of variables or has no log-density though
  /// the objective needs one: a layer of a network, an ode block told so in one of the uses, a map
  /// into more dimensions.
  void require_log_determinant(std::span<const Use> uses = kBothUses) const;
  /// A ConfigError where a velocity cannot be matched: the model is not blocks without parameters
  /// and one ode block behind them, or that block asks for what only a solve in training has.
  void require_matching() const;
  /// The one that the model ends with; nullptr: it does not.
  const OdeBlock* last_solve() const {
    return links_.empty() ? nullptr : std::get_if<OdeBlock>(&links_.back());
  }

  std::size_t size() const { return links_.size(); }
  /// The plugin block at a position; nullptr for a block of the core.
  const PluginBlock* plugin(std::size_t position) const {
    return std::get_if<PluginBlock>(&links_[position]);
  }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return output_shape_; }
  const Shape& shape_before(std::size_t position) const { return shapes_[position]; }

 private:
  struct Passed {
    Output output;
    std::vector<Tensor> released;  ///< at splits, in order
  };
  Passed pass(Recorder& recorder, Tensor x, Use use, std::size_t count) const;
  void append_split(const Config& config, const std::string& name);
  void append_plugin(const Config& config, const std::string& name,
                     const plugin::Registry& registry);

  std::vector<std::variant<PluginBlock, OdeBlock, SplitBlock>> links_;
  std::vector<Shape> shapes_;    ///< before each block, and behind the last
  std::vector<Shape> released_;  ///< at splits, in order
  Shape output_shape_;
};

/// The chain as an objective sees it while a step is recorded.
class RecordedModel final : public Model {
 public:
  RecordedModel(const Chain& chain, Recorder& recorder, Use use)
      : chain_(chain), recorder_(recorder), use_(use) {}
  Result forward(Tensor x) override;
  Tensor before_solve(Tensor x) override;
  Tensor velocity(Tensor t, Tensor z) override;
  std::array<double, 2> span() const override;
  const std::vector<OdeBlock::Cost>& costs() const { return costs_; }
  /// The first block that had a cost of its own (Block::Output::cost); nullptr: none had.
  const PluginBlock* first_with_cost() const { return first_with_cost_; }

 private:
  const Chain& chain_;
  Recorder& recorder_;
  Use use_;
  std::vector<OdeBlock::Cost> costs_;
  const PluginBlock* first_with_cost_ = nullptr;
};

}  // namespace odeum::model
