// SPDX-License-Identifier: Apache-2.0
#include "train/learned.hpp"

#include <cmath>
#include <limits>

#include "model/batch_memory.hpp"
#include "odeum/program.hpp"

namespace odeum::train {
namespace {

constexpr std::size_t kScalar = 64;  ///< bytes between the scalars: an aligned place each

}  // namespace

Learned::Learned(const model::Pipeline& pipeline, const std::shared_ptr<const Optimizer>& optimizer,
                 std::optional<double> clip)
    : device_(pipeline.shared_device()),
      type_(pipeline.precision()),
      size_(pipeline.parameters().size),
      buffer_size_(pipeline.buffers().size),
      slots_(optimizer->slots()),
      search_(std::dynamic_pointer_cast<const LineSearchOptimizer>(optimizer)),
      next_buffers_(pipeline.next_buffers()),
      guarded_(!device_->host_addressable()) {
  if (size_ == 0) throw ConfigError("this model has no parameters: there is nothing to train");
  if (search_) {
    host_slots_.assign(slots_.size(), std::vector<double>(static_cast<std::size_t>(size_), 0.0));
  }
  const std::size_t bytes = static_cast<std::size_t>(size_) * size_of(type_);
  const std::size_t buffer_bytes = static_cast<std::size_t>(buffer_size_) * size_of(type_);
  std::shared_ptr<void> buffers;
  for (Copy& copy : copies_) {
    copy = make_copy();
    // One for both where an update does not replace them.
    if (!buffers || (guarded_ && next_buffers_))
      buffers = device_->allocate(std::max<std::size_t>(buffer_bytes, 1));
    copy.memory.push_back(buffers);
    copy.buffers = {buffers.get(), 0};
  }
  gradient_ = device_->allocate(bytes);
  device_->fill_zero(gradient(), bytes);
  scalars_ = device_->allocate(3 * kScalar);
  if (!search_) compile(*optimizer, clip);
}

Learned::Copy Learned::make_copy() const {
  const std::size_t bytes = static_cast<std::size_t>(size_) * size_of(type_);
  Copy copy;
  const std::size_t slots = search_ ? 0 : slots_.size();
  for (std::size_t i = 0; i < 1 + slots; ++i) {
    copy.memory.push_back(device_->allocate(bytes));
    const View view{copy.memory.back().get(), 0};
    device_->fill_zero(view, bytes);
    if (i == 0) {
      copy.parameters = view;
    } else {
      copy.slots.push_back(view);
    }
  }
  return copy;
}

namespace {

/// The squared length of a flat gradient [n] in float64, [1]: by pieces, so that they can be summed
/// side by side, in an order that depends on n alone.
Tensor squared_length(Tensor gradient) {
  constexpr std::int64_t kPiece = 8192;
  const std::int64_t n = gradient.shape()[0];
  const std::int64_t whole = n / kPiece * kPiece;
  std::vector<Tensor> parts;
  if (whole > 0) {
    const Tensor pieces = reshape(slice(gradient, 0, 0, whole), {whole / kPiece, kPiece});
    parts.push_back(sum(square(cast(pieces, DType::f64)), {1}));
  }
  if (whole < n) {
    const Tensor rest = slice(gradient, 0, whole, n);
    parts.push_back(reshape(sum(square(cast(rest, DType::f64)), {0}), {1}));
  }
  return reshape(sum(parts.size() == 1 ? parts[0] : concat(parts, 0), {0}), {1});
}

/// Chooses new values where loss and norm, both float64 [1], are finite, else the old ones.
class Guard {
 public:
  Guard(Tensor loss, Tensor norm) {
    const Tensor infinity = full(norm, {1}, std::numeric_limits<double>::infinity());
    both_ = less(select(less(abs(loss), infinity), norm, infinity), infinity);
  }
  Tensor operator()(Tensor updated, Tensor old) const {
    return select(broadcast(cast(both_, updated.dtype()), updated.shape()), updated, old);
  }

 private:
  Tensor both_;
};

}  // namespace

void Learned::compile(const Optimizer& optimizer, std::optional<double> clip) {
  std::vector<InputSpec> inputs{{"parameters", {size_}, type_}, {"gradient", {size_}, type_}};
  for (const std::string& slot : slots_) inputs.push_back({slot, {size_}, type_});
  inputs.push_back({"learning_rate", {1}, type_});
  inputs.push_back({"step", {1}, type_});
  const std::size_t scalars = inputs.size() - 2;
  const bool moves_buffers = guarded_ && next_buffers_;
  if (guarded_) inputs.push_back({"loss", {1}, DType::f64});
  if (moves_buffers) {
    inputs.push_back({"buffers", {buffer_size_}, type_});
    inputs.push_back({"next_buffers", {buffer_size_}, type_});
  }
  const Program program = record(inputs, [&](std::span<const Tensor> in) {
    UpdateInputs update;
    update.parameters = in[0];
    update.slots.assign(in.begin() + 2, in.begin() + static_cast<std::ptrdiff_t>(scalars));
    update.learning_rate = in[scalars];
    update.step = in[scalars + 1];
    const Tensor norm = sqrt(squared_length(in[1]));
    update.gradient = in[1];
    if (clip) {
      const Tensor longest = full(norm, {1}, *clip);
      update.gradient = in[1] * cast(longest / max(norm, longest), type_);
    }
    const UpdateOutputs updated = optimizer.update(update);
    std::vector<Tensor> outputs{updated.parameters};
    outputs.insert(outputs.end(), updated.slots.begin(), updated.slots.end());
    if (guarded_) {
      const Guard guard(in[scalars + 2], norm);
      outputs[0] = guard(outputs[0], in[0]);
      for (std::size_t i = 0; i < update.slots.size(); ++i)
        outputs[1 + i] = guard(outputs[1 + i], update.slots[i]);
      if (moves_buffers) outputs.push_back(guard(in[scalars + 4], in[scalars + 3]));
    }
    outputs.push_back(norm);
    return outputs;
  });
  update_ = device_->compile(optimize(program), {"optimizer update", {}});
}

View Learned::norm() const { return View{scalars_.get(), 0} + 2 * kScalar; }

void Learned::update(double learning_rate, std::int64_t step, View loss) {
  const View scalars{scalars_.get(), 0};
  const double values[2] = {learning_rate, static_cast<double>(step)};
  for (std::size_t i = 0; i < 2; ++i) {
    const float narrow = static_cast<float>(values[i]);
    const void* from = type_ == DType::f32 ? static_cast<const void*>(&narrow) : &values[i];
    device_->upload(scalars + i * kScalar, from, size_of(type_));
  }
  const Copy& from = current();
  const Copy& to = copies_[1 - at_];
  std::vector<View> inputs{from.parameters, gradient()};
  inputs.insert(inputs.end(), from.slots.begin(), from.slots.end());
  inputs.push_back(scalars);
  inputs.push_back(scalars + kScalar);
  std::vector<View> outputs{to.parameters};
  outputs.insert(outputs.end(), to.slots.begin(), to.slots.end());
  if (guarded_) inputs.push_back(loss);
  if (guarded_ && next_buffers_) {
    inputs.insert(inputs.end(), {from.buffers, next_buffers_});
    outputs.push_back(to.buffers);
  }
  outputs.push_back(norm());
  update_->run(1, inputs, outputs);
  if (guarded_) {
    at_ = 1 - at_;
  } else {
    take_if_finite(loss);
  }
}

void Learned::take_if_finite(View loss) {
  double values[2] = {};
  device_->download(&values[0], loss, sizeof(double));
  device_->download(&values[1], norm(), sizeof(double));
  if (!std::isfinite(values[0]) || !std::isfinite(values[1])) return;
  at_ = 1 - at_;
  if (next_buffers_) take_buffers(next_buffers_);
}

void Learned::take_buffers(View from) {
  device_->copy(buffers(), from, static_cast<std::size_t>(buffer_size_) * size_of(type_));
}

void Learned::round(std::span<double> values) const {
  if (type_ == DType::f64) return;
  for (double& value : values) value = static_cast<float>(value);
}

std::vector<double> Learned::parameter_values() const {
  std::vector<double> values;
  model::append_flat(*device_, parameters(), static_cast<std::size_t>(size_), type_, values);
  return values;
}

std::vector<double> Learned::gradient_values() const {
  std::vector<double> values;
  model::append_flat(*device_, gradient(), static_cast<std::size_t>(size_), type_, values);
  return values;
}

std::vector<double> Learned::buffer_values() const {
  std::vector<double> values;
  model::append_flat(*device_, buffers(), static_cast<std::size_t>(buffer_size_), type_, values);
  return values;
}

std::vector<double> Learned::slot_values(std::size_t slot) const {
  if (search_) return host_slots_[slot];
  std::vector<double> values;
  model::append_flat(*device_, current().slots[slot], static_cast<std::size_t>(size_), type_,
                     values);
  return values;
}

void Learned::upload(View to, const std::vector<double>& values, std::int64_t elements) {
  if (static_cast<std::int64_t>(values.size()) != elements) {
    bug("Learned: " + std::to_string(values.size()) + " values for a buffer of " +
        std::to_string(elements));
  }
  if (type_ == DType::f64) {
    device_->upload(to, values.data(), values.size() * sizeof(double));
    return;
  }
  const std::vector<float> narrow(values.begin(), values.end());
  device_->upload(to, narrow.data(), narrow.size() * sizeof(float));
}

void Learned::set_parameters(const std::vector<double>& values) {
  upload(current().parameters, values, size_);
}
void Learned::set_buffers(const std::vector<double>& values) {
  upload(buffers(), values, buffer_size_);
}
void Learned::set_slot(std::size_t slot, const std::vector<double>& values) {
  if (search_) {
    host_slots_[slot] = values;
  } else {
    upload(current().slots[slot], values, size_);
  }
}

}  // namespace odeum::train
