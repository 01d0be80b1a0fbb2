// SPDX-License-Identifier: Apache-2.0
#include "model/chain.hpp"

#include <set>

#include "odeum/tensor.hpp"
#include "plugin/registry.hpp"

namespace odeum::model {

namespace {

Shape without_rows(const Shape& shape) {
  return Shape(std::vector<std::int64_t>(shape.extents().begin() + 1, shape.extents().end()));
}

Shape with_rows(const Shape& shape) {
  std::vector<std::int64_t> extents = shape.extents();
  extents.insert(extents.begin(), kRows);
  return Shape(std::move(extents));
}

/// The given name, or "use", "use2", ... for the first, second, ... block without one.
std::string unique_name(const Config& block, std::set<std::string>& taken) {
  const std::string wanted = block.name().empty() ? block.use() : block.name();
  std::string name = wanted;
  for (int i = 2; taken.count(name) > 0; ++i) {
    if (!block.name().empty())
      throw ConfigError(block.place(), "two blocks are named '" + wanted + "'");
    name = wanted + std::to_string(i);
  }
  taken.insert(name);
  return name;
}

Tensor added(Tensor total, Tensor term) {
  if (!term) return total;
  const Tensor wide = cast(term, DType::f64);
  return total ? total + wide : wide;
}

}  // namespace

Chain::Chain(const std::vector<Config>& blocks, const Shape& input, DType precision,
             const plugin::Registry& registry, const std::shared_ptr<Device>& device,
             const std::shared_ptr<SolveLog>& log, std::vector<std::string>& warnings)
    : shapes_{input} {
  std::set<std::string> taken;
  for (const Config& config : blocks) {
    const std::string name = unique_name(config, taken);
    const Shape& shape = shapes_.back();
    if (config.use() == "ode") {
      links_.emplace_back(std::in_place_type<OdeBlock>, config, name, shape, precision, registry,
                          device, log, warnings);
      shapes_.push_back(shape);
      continue;
    }
    PluginBlock link{name, registry.create<Block>(config),
                     registry.create<Block>(config.for_evaluation()), config.place()};
    shapes_.push_back(with_rows(link.block->output_shape(without_rows(shape))));
    links_.emplace_back(std::move(link));
  }
}

Chain::Output Chain::forward(Recorder& recorder, Tensor x, Use use, std::size_t count) const {
  Output output{x, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto* ode = std::get_if<OdeBlock>(&links_[i])) {
      OdeBlock::Output solved = ode->forward(recorder, output.value, use);
      output.value = solved.value;
      output.log_determinant = added(output.log_determinant, solved.log_determinant);
      for (OdeBlock::Cost& cost : solved.costs) output.costs.push_back(std::move(cost));
      continue;
    }
    const PluginBlock& link = *plugin(i);
    NamedScope scope = recorder.scope(link.name, use);
    const Block& block = use == Use::training ? *link.block : *link.evaluation;
    const Block::Output mapped = block.forward(scope, output.value);
    if (!(mapped.value.shape() == shapes_[i + 1])) {
      bug("block '" + link.name + "' announced " + shapes_[i + 1].text() + " and recorded " +
          mapped.value.shape().text());
    }
    output.value = mapped.value;
    output.log_determinant = added(output.log_determinant, mapped.log_determinant);
  }
  if (!output.log_determinant) output.log_determinant = full(x, Shape{kRows}, 0.0, DType::f64);
  return output;
}

Tensor Chain::inverse(Recorder& recorder, Tensor y) const {
  Tensor value = y;
  for (std::size_t i = links_.size(); i-- > 0;) {
    if (const auto* ode = std::get_if<OdeBlock>(&links_[i])) {
      value = ode->inverse(recorder, value);
      continue;
    }
    const PluginBlock& link = *plugin(i);
    NamedScope scope = recorder.scope(link.name, Use::evaluation);
    value = link.evaluation->inverse(scope, value);
  }
  return value;
}

std::string Chain::why_no_inverse() const {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const PluginBlock* link = plugin(i);
    if (link != nullptr && !link->evaluation->why_no_inverse().empty()) {
      return "block '" + link->name + "' has no inverse: " + link->evaluation->why_no_inverse();
    }
  }
  return "";
}

void Chain::require_log_determinant() const {
  for (const auto& link : links_) {
    const auto* ode = std::get_if<OdeBlock>(&link);
    if (ode == nullptr) {
      const auto& plugin = std::get<PluginBlock>(link);
      const std::string reason = plugin.block->why_no_log_determinant();
      if (reason.empty()) continue;
      throw ConfigError(plugin.place,
                        "block '" + plugin.name +
                            "' has no log-determinant, but the objective needs one: " + reason);
    }
    for (const Use use : {Use::training, Use::evaluation}) {
      if (ode->has_log_determinant(use)) continue;
      throw ConfigError(ode->place(),
                        "block '" + ode->name() + "' has divergence none" +
                            (use == Use::evaluation ? " in evaluation" : "") +
                            ", but the objective needs the log-determinant: choose exact or "
                            "hutchinson");
    }
  }
}

Model::Result RecordedModel::forward(Tensor x) {
  Chain::Output output = chain_.forward(recorder_, x, use_);
  for (OdeBlock::Cost& cost : output.costs) costs_.push_back(std::move(cost));
  return {output.value, output.log_determinant};
}

}  // namespace odeum::model
