// SPDX-License-Identifier: Apache-2.0
#include "model/chain.hpp"

#include <set>

#include "model/multiscale.hpp"
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
    if (!block.name().empty()) block.fail("", "two blocks are named '" + wanted + "'");
    name = wanted + std::to_string(i);
  }
  taken.insert(name);
  return name;
}

Tensor flattened(Tensor x) { return reshape(x, {kRows, x.shape().elements_per_row()}); }

void require_change_of_variables(const PluginBlock& block, const Shape& from, const Shape& to) {
  const std::string reason = block.block->why_no_log_determinant();
  if (!reason.empty()) {
    throw ConfigError(block.place,
                      "block '" + block.name +
                          "' has no log-determinant, but the objective needs one: " + reason);
  }
  const std::int64_t before = from.elements_per_row();
  const std::int64_t behind = to.elements_per_row();
  if (behind <= before) return;
  throw ConfigError(block.place, "block '" + block.name + "' maps " + std::to_string(before) +
                                     " dimensions into " + std::to_string(behind) +
                                     ", where its values fill no volume and have no density: "
                                     "leave it out, or choose an objective without one");
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
  for (const Config& config : plain_blocks(blocks)) {
    const std::string name = unique_name(config, taken);
    if (config.use() == "ode") {
      const Shape shape = shapes_.back();
      links_.emplace_back(std::in_place_type<OdeBlock>, config, name, shape, precision, registry,
                          device, log, warnings);
      shapes_.push_back(std::get<OdeBlock>(links_.back()).output_shape());
    } else if (config.use() == "split") {
      append_split(config, name);
    } else {
      append_plugin(config, name, registry);
    }
  }
  output_shape_ = shapes_.back();
  if (released_.empty()) return;
  std::int64_t elements = output_shape_.elements_per_row();
  for (const Shape& part : released_) elements += part.elements_per_row();
  output_shape_ = {kRows, elements};
}

void Chain::append_split(const Config& config, const std::string& name) {
  std::vector<std::int64_t> half = shapes_.back().extents();
  if (half.size() < 2 || half[1] % 2 != 0) {
    config.fail("", "'" + name + "' halves the channels, and samples of shape " +
                        without_rows(shapes_.back()).text() + " have no even number of them");
  }
  half[1] /= 2;
  released_.emplace_back(half);
  shapes_.emplace_back(std::move(half));
  links_.emplace_back(SplitBlock{name});
}

void Chain::append_plugin(const Config& config, const std::string& name,
                          const plugin::Registry& registry) {
  PluginBlock link{name, registry.create<Block>(config),
                   registry.create<Block>(config.for_evaluation()), config.place()};
  shapes_.push_back(with_rows(link.block->output_shape(without_rows(shapes_.back()))));
  links_.emplace_back(std::move(link));
}

Chain::Passed Chain::pass(Recorder& recorder, Tensor x, Use use, std::size_t count) const {
  Passed passed{{x, {}, {}, {}}, {}};
  Output& output = passed.output;
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto* ode = std::get_if<OdeBlock>(&links_[i])) {
      OdeBlock::Output solved = ode->forward(recorder, output.value, use);
      output.value = solved.value;
      output.log_determinant = added(output.log_determinant, solved.log_determinant);
      for (OdeBlock::Cost& cost : solved.costs) output.costs.push_back(std::move(cost));
      continue;
    }
    if (std::holds_alternative<SplitBlock>(links_[i])) {
      const std::int64_t kept = shapes_[i + 1][1];
      passed.released.push_back(slice(output.value, 1, kept, 2 * kept));
      output.value = slice(output.value, 1, 0, kept);
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
    output.cost = added(output.cost, mapped.cost);
    if (mapped.cost && output.first_with_cost == nullptr) output.first_with_cost = &link;
  }
  if (!output.log_determinant) output.log_determinant = full(x, Shape{kRows}, 0.0, DType::f64);
  return passed;
}

Chain::Output Chain::forward(Recorder& recorder, Tensor x, Use use, std::size_t count) const {
  return pass(recorder, x, use, count).output;
}

Chain::Output Chain::forward(Recorder& recorder, Tensor x, Use use) const {
  Passed passed = pass(recorder, x, use, links_.size());
  if (passed.released.empty()) return passed.output;
  std::vector<Tensor> parts;
  for (const Tensor& part : passed.released) parts.push_back(flattened(part));
  parts.push_back(flattened(passed.output.value));
  passed.output.value = concat(std::move(parts));
  return passed.output;
}

Tensor Chain::inverse(Recorder& recorder, Tensor y) const {
  Tensor value = y;
  std::vector<Tensor> released;
  if (!released_.empty()) {
    std::int64_t begin = 0;
    const auto next = [&](const Shape& shape) {
      const std::int64_t end = begin + shape.elements_per_row();
      const Tensor part = reshape(slice(y, 1, begin, end), shape);
      begin = end;
      return part;
    };
    for (const Shape& shape : released_) released.push_back(next(shape));
    value = next(shapes_.back());
  }
  for (std::size_t i = links_.size(); i-- > 0;) {
    if (const auto* ode = std::get_if<OdeBlock>(&links_[i])) {
      value = ode->inverse(recorder, value);
      continue;
    }
    if (std::holds_alternative<SplitBlock>(links_[i])) {
      value = concat({value, released.back()}, 1);
      released.pop_back();
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
    const auto* ode = std::get_if<OdeBlock>(&links_[i]);
    if (ode != nullptr && ode->has_times()) {
      return "block '" + ode->name() +
             "' has no inverse: it hands on states at several times, each of which would lead back";
    }
    const PluginBlock* link = plugin(i);
    if (link != nullptr && !link->evaluation->why_no_inverse().empty()) {
      return "block '" + link->name + "' has no inverse: " + link->evaluation->why_no_inverse();
    }
  }
  return "";
}

void Chain::require_log_determinant(std::span<const Use> uses) const {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (const PluginBlock* block = plugin(i)) {
      require_change_of_variables(*block, shapes_[i], shapes_[i + 1]);
    }
    const auto* ode = std::get_if<OdeBlock>(&links_[i]);
    if (ode == nullptr) continue;
    if (ode->has_times()) {
      throw ConfigError(ode->place(),
                        "block '" + ode->name() +
                            "' hands on states at several times, each with a density of its own, "
                            "but the objective needs one log-determinant: leave `times` out");
    }
    for (const Use use : uses) {
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
  if (output.first_with_cost != nullptr) first_with_cost_ = output.first_with_cost;
  return {output.value, output.log_determinant, output.cost};
}

}  // namespace odeum::model
