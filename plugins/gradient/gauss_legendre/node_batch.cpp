// SPDX-License-Identifier: Apache-2.0
#include "node_batch.hpp"

#include <algorithm>

#include "node_programs.hpp"

namespace gauss_legendre {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// `count` copies of `from`, one behind the other.
void tile(Device& device, View to, View from, std::size_t bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) device.copy(to + i * bytes, from, bytes);
}

}  // namespace

std::string batch_refusal(const Dynamics& dynamics) {
  const std::vector<std::string> mixing = couplings(dynamics);
  if (!mixing.empty()) {
    return "puts nodes of different times into one batch, but these dynamics mix the samples of a "
           "batch (" +
           listed(mixing) + "), so the nodes would change each other: use adjoint or backprop";
  }
  for (const Member& m : dynamics.members) {
    if (m.shape.has_rows()) continue;
    return "weights each row of a batch of nodes by itself, but '" + m.name +
           "' is a sum over rows: use adjoint or backprop";
  }
  return recording_refusal(dynamics);
}

NodeBatch::NodeBatch(const SolveSetting& setting, const AdjointEquation& equation,
                     std::size_t limit)
    : setting_(setting), equation_(equation), limit_(limit) {
  const Dynamics& dynamics = setting_.dynamics();
  states_.resize(equation_.states.size());
  cotangents_.resize(dynamics.members.size());
  tiled_.resize(dynamics.constants.size());
  row_targets_.resize(equation_.parameters.size());
  CompileOptions options{.name = "parameter integral at its nodes", .outputs = {}};
  for (const std::size_t p : equation_.parameters) {
    const InputSpec& constant = dynamics.constants[p];
    const bool rows = constant.shape.has_rows();
    options.outputs.push_back(rows ? OutputMode::overwrite : OutputMode::accumulate);
    add_rows_.push_back(rows ? compile_addition(setting_, constant.shape, constant.dtype)
                             : nullptr);
  }
  if (equation_.parameters.empty()) return;
  run_product_ = setting_.compile(record_product(dynamics, equation_), options);
}

/// The largest number of nodes, at most `nodes`, whose work fits the limit.
std::size_t NodeBatch::fitting(std::size_t nodes) const {
  const Dynamics& dynamics = setting_.dynamics();
  std::size_t each = 0;
  for (const InputSpec& c : dynamics.constants) {
    if (c.shape.has_rows()) each += bytes_of(c.shape, c.dtype, rows_);
  }
  for (const Member& m : dynamics.members) each += 2 * bytes_of(m.shape, m.dtype, rows_);
  const auto bytes = [&](std::size_t count) {
    const std::int64_t rows = static_cast<std::int64_t>(count) * rows_;
    return count * each + (run_product_ ? run_product_->scratch_bytes(rows) : 0);
  };
  std::size_t count = std::max<std::size_t>(1, nodes);
  while (count > 1 && bytes(count) > limit_) count = (count + 1) / 2;
  return count;
}

void NodeBatch::open(const SolveCall& call, std::size_t nodes, std::size_t least) {
  Device& device = setting_.device();
  const Dynamics& dynamics = setting_.dynamics();
  rows_ = call.rows;
  chunk_ = fitting(nodes);
  capacity_ = std::max(std::min(nodes, chunk_), least);
  filled_ = 0;

  const std::size_t scalars = capacity_ * static_cast<std::size_t>(rows_) * sizeof(double);
  times_view_ = times_.reserve(device, scalars);
  weights_view_ = weights_.reserve(device, scalars);
  state_views_.clear();
  cotangent_views_.clear();
  tiled_views_.clear();
  row_target_views_.clear();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Member& m = member(equation_.states[i]);
    state_views_.push_back(
        states_[i].reserve(device, capacity_ * bytes_of(m.shape, m.dtype, rows_)));
  }
  for (std::size_t m = 0; m < cotangents_.size(); ++m) {
    cotangent_views_.push_back(cotangents_[m].reserve(
        device, capacity_ * bytes_of(member(m).shape, member(m).dtype, rows_)));
  }
  for (std::size_t c = 0; c < tiled_.size(); ++c) {
    const InputSpec& constant = dynamics.constants[c];
    tiled_views_.emplace_back();
    if (!constant.shape.has_rows()) continue;
    const std::size_t bytes = bytes_of(constant.shape, constant.dtype, rows_);
    tiled_views_.back() = tiled_[c].reserve(device, chunk_ * bytes);
    tile(device, tiled_views_.back(), call.constants[c], bytes, chunk_);
  }
  for (std::size_t i = 0; i < row_targets_.size(); ++i) {
    const InputSpec& constant = dynamics.constants[equation_.parameters[i]];
    row_target_views_.emplace_back();
    if (!constant.shape.has_rows()) continue;
    row_target_views_.back() =
        row_targets_[i].reserve(device, chunk_ * bytes_of(constant.shape, constant.dtype, rows_));
  }
}

std::vector<View> NodeBatch::add(std::span<const Node> nodes, std::span<const View> cotangents) {
  Device& device = setting_.device();
  const auto rows = static_cast<std::size_t>(rows_);
  std::vector<double> times, weights;
  for (const Node& node : nodes) {
    times.insert(times.end(), rows, node.t);
    weights.insert(weights.end(), rows, node.weight);
  }
  const std::size_t offset = filled_ * rows * sizeof(double);
  device.upload(times_view_ + offset, times.data(), times.size() * sizeof(double));
  device.upload(weights_view_ + offset, weights.data(), weights.size() * sizeof(double));
  for (const std::size_t q : equation_.quadratures) {
    const std::size_t bytes = bytes_of(member(q).shape, member(q).dtype, rows_);
    tile(device, cotangent_views_[q] + filled_ * bytes, cotangents[q], bytes, nodes.size());
  }
  std::vector<View> places;
  for (std::size_t k = filled_; k < filled_ + nodes.size(); ++k) {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const Member& m = member(equation_.states[i]);
      places.push_back(state_views_[i] + k * bytes_of(m.shape, m.dtype, rows_));
    }
    for (const std::size_t s : equation_.states) {
      const std::size_t bytes = bytes_of(member(s).shape, member(s).dtype, rows_);
      places.push_back(cotangent_views_[s] + k * bytes);
    }
  }
  filled_ += nodes.size();
  return places;
}

/// What the node programs read, from node `first` on.
std::vector<View> NodeBatch::arguments(const SolveCall& call, View direction,
                                       std::size_t first) const {
  const std::size_t scalars = first * static_cast<std::size_t>(rows_) * sizeof(double);
  std::vector<View> views{times_view_ + scalars, weights_view_ + scalars};
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Member& m = member(equation_.states[i]);
    views.push_back(state_views_[i] + first * bytes_of(m.shape, m.dtype, rows_));
  }
  for (std::size_t c = 0; c < tiled_views_.size(); ++c) {
    views.push_back(tiled_views_[c] ? tiled_views_[c] : call.constants[c]);
  }
  views.push_back(direction);
  for (std::size_t m = 0; m < cotangent_views_.size(); ++m) {
    views.push_back(cotangent_views_[m] +
                    first * bytes_of(member(m).shape, member(m).dtype, rows_));
  }
  return views;
}

void NodeBatch::accumulate(const SolveCall& call, View direction, const CotangentTargets& targets,
                           std::size_t first, std::size_t count) {
  if (!run_product_) return;
  for (const std::size_t end = first + count; first < end; first += chunk_) {
    const std::size_t nodes = std::min(chunk_, end - first);
    std::vector<View> results;
    for (std::size_t i = 0; i < equation_.parameters.size(); ++i) {
      const std::size_t p = equation_.parameters[i];
      const View target = p < targets.constants.size() ? targets.constants[p] : View{};
      results.push_back(target && add_rows_[i] ? row_target_views_[i] : target);
    }
    run_product_->run(static_cast<std::int64_t>(nodes) * rows_, arguments(call, direction, first),
                      results);
    for (std::size_t i = 0; i < equation_.parameters.size(); ++i) {
      if (!results[i] || !add_rows_[i]) continue;
      const InputSpec& constant = setting_.dynamics().constants[equation_.parameters[i]];
      const std::size_t bytes = bytes_of(constant.shape, constant.dtype, rows_);
      for (std::size_t k = 0; k < nodes; ++k) {
        const View part = row_target_views_[i] + k * bytes;
        add_rows_[i]->run(rows_, std::span(&part, 1),
                          std::span(&targets.constants[equation_.parameters[i]], 1));
      }
    }
  }
}

NodeBatch::Projections NodeBatch::project(const SolveCall& call, View direction) {
  Device& device = setting_.device();
  if (!run_projection_ && !equation_.parameters.empty()) {
    const Projection projection = record_projection(setting_.dynamics(), equation_);
    projected_ = projection.program.outputs.size();
    projected_by_row_ = projection.by_row;
    run_projection_ = setting_.compile(projection.program,
                                       {.name = "projected parameter integrand", .outputs = {}});
  }
  const auto rows = static_cast<std::size_t>(rows_);
  Projections result{.shared = projected_ - projected_by_row_,
                     .by_row = projected_by_row_,
                     .values = std::vector<double>(filled_ * projected_ * rows)};
  if (projected_ == 0) return result;
  const std::size_t stride = chunk_ * rows;
  const View place = projections_.reserve(device, projected_ * stride * sizeof(double));
  std::vector<View> outputs;
  for (std::size_t p = 0; p < projected_; ++p) {
    outputs.push_back(place + p * stride * sizeof(double));
  }
  std::vector<double> values(stride);
  for (std::size_t first = 0; first < filled_; first += chunk_) {
    const std::size_t nodes = std::min(chunk_, filled_ - first);
    run_projection_->run(static_cast<std::int64_t>(nodes) * rows_,
                         arguments(call, direction, first), outputs);
    for (std::size_t p = 0; p < projected_; ++p) {
      device.download(values.data(), outputs[p], nodes * rows * sizeof(double));
      for (std::size_t k = 0; k < nodes; ++k) {
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(k * rows), rows,
                    result.values.begin() +
                        static_cast<std::ptrdiff_t>(((first + k) * projected_ + p) * rows));
      }
    }
  }
  return result;
}

}  // namespace gauss_legendre
