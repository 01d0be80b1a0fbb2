// SPDX-License-Identifier: Apache-2.0
// Chain: the blocks of a model in order, recorded forward (data towards base) or in reverse.
#pragma once

#include <memory>
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

class Chain {
 public:
  /// `blocks`: the configuration's list; `input`: shape of one sample's main column, with kRows.
  Chain(const std::vector<Config>& blocks, const Shape& input, DType precision,
        const plugin::Registry& registry, const std::shared_ptr<Device>& device,
        const std::shared_ptr<SolveLog>& log, std::vector<std::string>& warnings);

  struct Output {
    Tensor value;
    Tensor log_determinant;  ///< [rows] float64
    std::vector<OdeBlock::Cost> costs;
  };
  /// The first `count` blocks; all by default.
  Output forward(Recorder& recorder, Tensor x, Use use) const {
    return forward(recorder, x, use, links_.size());
  }
  Output forward(Recorder& recorder, Tensor x, Use use, std::size_t count) const;
  /// Throws ConfigError naming the first block without an inverse.
  Tensor inverse(Recorder& recorder, Tensor y) const;
  /// Which block has no inverse and why; empty when all have one.
  std::string why_no_inverse() const;
  /// A ConfigError at the first block that is no change of variables, or ode block that has no
  /// log-density, in training or in evaluation, though the objective needs one.
  void require_log_determinant() const;

  std::size_t size() const { return links_.size(); }
  /// The plugin block at a position; nullptr for an ode block.
  const PluginBlock* plugin(std::size_t position) const {
    return std::get_if<PluginBlock>(&links_[position]);
  }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }
  const Shape& shape_before(std::size_t position) const { return shapes_[position]; }

 private:
  std::vector<std::variant<PluginBlock, OdeBlock>> links_;
  std::vector<Shape> shapes_;  ///< before each block, and behind the last
};

/// The chain as an objective sees it while a step is recorded.
class RecordedModel final : public Model {
 public:
  RecordedModel(const Chain& chain, Recorder& recorder, Use use)
      : chain_(chain), recorder_(recorder), use_(use) {}
  Result forward(Tensor x) override;
  const std::vector<OdeBlock::Cost>& costs() const { return costs_; }

 private:
  const Chain& chain_;
  Recorder& recorder_;
  Use use_;
  std::vector<OdeBlock::Cost> costs_;
};

}  // namespace odeum::model
