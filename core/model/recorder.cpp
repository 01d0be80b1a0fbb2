// SPDX-License-Identifier: Apache-2.0
#include "model/recorder.hpp"

#include <array>

#include "odeum/random.hpp"

namespace odeum::model {

namespace {

const Entry& entry_of(const Layout& layout, const std::string& name) {
  for (const Entry& entry : layout.entries) {
    if (entry.name == name) return entry;
  }
  bug("'" + name + "' is observed, but no buffer has that name");
}

}  // namespace

Recorder::Recorder(Layout& parameters, Layout& buffers, DType precision)
    : parameters_(parameters), buffers_(buffers), precision_(precision) {}

Tensor Recorder::bind(Binding binding, const std::string& name, const Shape& shape, DType type) {
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    if (bindings_[i].source == binding.source && bindings_[i].index == binding.index &&
        bindings_[i].name == binding.name) {
      return inputs_[i];
    }
  }
  bindings_.push_back(binding);
  inputs_.push_back(recording_.input(name, shape, type));
  return inputs_.back();
}

Tensor Recorder::parameter(const std::string& name, const Shape& shape, Initializer initializer) {
  const int index = declare(parameters_, name, shape, initializer);
  return bind({Binding::Source::parameter, index, 0}, name, shape, precision_);
}

Tensor Recorder::buffer(const std::string& name, const Shape& shape, double initial) {
  const int index = declare(buffers_, name, shape, Initializer::constant(initial));
  return bind({Binding::Source::buffer, index, 0}, name, shape, precision_);
}

Tensor Recorder::noise(const std::string& name, const Shape& shape, Distribution distribution) {
  const Tensor key =
      bind({Binding::Source::noise_key, 0, name_key(name)}, name + ".key", Shape{2}, DType::i64);
  const Tensor samples =
      bind({Binding::Source::sample_index, 0, 0}, "sample_index", Shape{kRows}, DType::i64);
  return random(distribution, key, samples, shape, precision_);
}

Tensor Recorder::draw(const std::string& name) {
  return bind({Binding::Source::draw, 0, name_key(name)}, name + ".draw", Shape{1}, DType::f64);
}

Tensor Recorder::column(int index, const Shape& shape) {
  return bind({Binding::Source::column, index, 0}, "column" + std::to_string(index), shape,
              precision_);
}

Tensor Recorder::scalar(int index) {
  return bind({Binding::Source::scalar, index, 0}, "scalar" + std::to_string(index), Shape{1},
              DType::f64);
}

Tensor Recorder::anchor() { return recording_.constant(0.0, Shape{1}, precision_); }

NamedScope Recorder::scope(const std::string& prefix, Mode mode,
                           std::map<std::string, Tensor> inputs) {
  const auto provide = [this, prefix, inputs = std::move(inputs)](const Item& item) -> Tensor {
    const std::string name = prefix + "." + item.name;
    switch (item.kind) {
      case Item::Kind::parameter:
        return parameter(name, item.shape, item.initializer);
      case Item::Kind::buffer:
        return buffer(name, item.shape, item.initializer.value);
      case Item::Kind::noise:
        return noise(name, item.shape, item.distribution);
      case Item::Kind::input:
        if (const auto found = inputs.find(item.name); found != inputs.end()) {
          if (found->second.shape() == item.shape) return found->second;
          throw ConfigError("'" + prefix + "' asks for the input '" + item.name + "' of shape " +
                            item.shape.text() + ", it has " + found->second.shape().text());
        }
        break;
    }
    throw ConfigError("'" + prefix + "' asks for the input '" + item.name +
                      "', which nothing in this pipeline provides");
  };
  return {anchor(), provide, mode,
          [this, prefix](const Observation& seen) { observe(prefix, seen); }};
}

void Recorder::observe(const std::string& prefix, const Observation& seen) {
  const std::string name = prefix + "." + seen.buffer;
  Tensor& next = next_[name];
  if (!next) {
    const Entry& entry = entry_of(buffers_, name);
    next = buffer(name, entry.shape, entry.initializer.value);
  }
  next = folded(next, seen.weight, seen.value);
}

std::vector<std::pair<int, Tensor>> Recorder::next_buffers() const {
  std::vector<std::pair<int, Tensor>> result;
  for (std::size_t i = 0; i < buffers_.entries.size(); ++i) {
    const Entry& entry = buffers_.entries[i];
    const auto found = next_.find(entry.name);
    if (found == next_.end()) continue;
    if (!(found->second.shape() == entry.shape)) {
      throw ConfigError("what is observed for the buffer '" + entry.name + "' of shape " +
                        entry.shape.text() + " has shape " + found->second.shape().text());
    }
    result.emplace_back(static_cast<int>(i), found->second);
  }
  return result;
}

std::vector<Tensor> Recorder::used_parameters() const {
  std::vector<Tensor> used(parameters_.entries.size());
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    if (bindings_[i].source == Binding::Source::parameter) {
      used[static_cast<std::size_t>(bindings_[i].index)] = inputs_[i];
    }
  }
  return used;
}

std::vector<std::pair<std::string, Tensor>> Recorder::named_parameters() const {
  std::vector<std::pair<std::string, Tensor>> result;
  const std::vector<Tensor> used = used_parameters();
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) result.emplace_back(parameters_.entries[i].name, used[i]);
  }
  return result;
}

BoundProgram::BoundProgram(const Recorder& recorder, const Program& program,
                           const std::string& name, std::shared_ptr<Device> device,
                           const Layout& parameters, const Layout& buffers)
    : program_(program),
      bindings_(recorder.bindings()),
      device_(std::move(device)),
      small_(device_->allocate(16 * std::max<std::size_t>(1, bindings_.size()))),
      views_(bindings_.size()) {
  staged_ = std::make_unique<program::Staged>(program_, *device_, CompileOptions{name, {}});
  const std::size_t element = size_of(recorder.precision());
  for (const Binding& binding : bindings_) {
    std::size_t offset = 0;
    const auto at = static_cast<std::size_t>(binding.index);
    if (binding.source == Binding::Source::parameter) {
      offset = static_cast<std::size_t>(parameters.entries[at].offset) * element;
    } else if (binding.source == Binding::Source::buffer) {
      offset = static_cast<std::size_t>(buffers.entries[at].offset) * element;
    }
    offsets_.push_back(offset);
  }
}

BoundProgram::~BoundProgram() = default;

void BoundProgram::run(const Sources& sources, std::span<const View> outputs) {
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    const Binding& binding = bindings_[i];
    const View small{small_.get(), 16 * i};
    switch (binding.source) {
      case Binding::Source::parameter:
        views_[i] = sources.parameters + offsets_[i];
        break;
      case Binding::Source::buffer:
        views_[i] = sources.buffers + offsets_[i];
        break;
      case Binding::Source::column:
        views_[i] = sources.columns[static_cast<std::size_t>(binding.index)];
        break;
      case Binding::Source::sample_index:
        views_[i] = sources.sample_index;
        break;
      case Binding::Source::noise_key: {
        const std::array<std::int64_t, 2> key = {
            static_cast<std::int64_t>(stream_key(sources.noise_seed, Purpose::noise, binding.name)),
            sources.step};
        device_->upload(small, key.data(), sizeof key);
        views_[i] = small;
        break;
      }
      case Binding::Source::draw: {
        const std::uint64_t key = stream_key(sources.noise_seed, Purpose::jitter,
                                             static_cast<std::uint64_t>(sources.step));
        const double value = RandomStream(key, binding.name).uniform();
        device_->upload(small, &value, sizeof value);
        views_[i] = small;
        break;
      }
      case Binding::Source::scalar:
        device_->upload(small, &sources.scalars[static_cast<std::size_t>(binding.index)],
                        sizeof(double));
        views_[i] = small;
        break;
    }
  }
  staged_->run(sources.rows, views_, outputs);
}

std::size_t BoundProgram::scratch_bytes(std::int64_t rows) const {
  return staged_->scratch_bytes(rows);
}

}  // namespace odeum::model
