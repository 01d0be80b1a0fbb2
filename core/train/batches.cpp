// SPDX-License-Identifier: Apache-2.0
#include "train/batches.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "odeum/random.hpp"

namespace odeum::train {
namespace {

std::size_t width(const Column& column) {
  std::int64_t product = 1;
  for (const std::int64_t extent : column.shape) product *= extent;
  return static_cast<std::size_t>(product);
}

void require_finite(const Column& column, const std::vector<double>& values,
                    const std::vector<std::int64_t>& samples) {
  const auto bad =
      std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  if (bad == values.end()) return;
  const auto row = static_cast<std::size_t>(bad - values.begin()) / width(column);
  throw RunError("the data are not finite: column '" + column.name + "' of sample " +
                 std::to_string(samples[row]) + " holds " + std::to_string(*bad));
}

}  // namespace

model::Batch read_rows(const Dataset& dataset, Split split, std::uint64_t key,
                       std::vector<std::int64_t> samples, const std::vector<bool>& wanted) {
  const std::vector<Column> columns = dataset.columns();
  model::Batch batch;
  batch.rows = static_cast<std::int64_t>(samples.size());
  batch.columns.resize(columns.size());
  std::vector<std::span<double>> out(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (!wanted[c]) continue;
    batch.columns[c].resize(samples.size() * width(columns[c]));
    out[c] = batch.columns[c];
  }
  dataset.read(split, key, samples, out);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    require_finite(columns[c], batch.columns[c], samples);
  }
  batch.samples = std::move(samples);
  return batch;
}

std::uint64_t split_key(std::uint64_t seed, Split split, std::int64_t round) {
  return stream_key(seed, Purpose::data,
                    static_cast<std::uint64_t>(round) << 2 | static_cast<std::uint64_t>(split));
}

model::Batch without_rows(const model::Batch& batch, const std::vector<std::int64_t>& left_out,
                          const std::vector<Column>& columns) {
  model::Batch kept;
  kept.columns.resize(batch.columns.size());
  for (std::int64_t row = 0; row < batch.rows; ++row) {
    if (std::find(left_out.begin(), left_out.end(), row) != left_out.end()) continue;
    kept.samples.push_back(batch.samples[static_cast<std::size_t>(row)]);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (batch.columns[c].empty()) continue;
      const auto n = static_cast<std::ptrdiff_t>(width(columns[c]));
      const auto begin = batch.columns[c].begin() + row * n;
      kept.columns[c].insert(kept.columns[c].end(), begin, begin + n);
    }
  }
  kept.rows = static_cast<std::int64_t>(kept.samples.size());
  return kept;
}

std::string ranges(const model::Batch& batch, const std::vector<Column>& columns) {
  std::string text;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::vector<double>& values = batch.columns[c];
    if (values.empty()) continue;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    char range[96];
    std::snprintf(range, sizeof range, " from %.6g to %.6g", *least, *most);
    text += (text.empty() ? "" : ", ") + columns[c].name + range;
  }
  return text;
}

TrainingBatches::TrainingBatches(const Dataset& dataset, std::uint64_t seed, std::int64_t rows,
                                 std::vector<bool> wanted)
    : dataset_(dataset),
      seed_(seed),
      rows_(rows),
      wanted_(std::move(wanted)),
      count_(dataset.count(Split::train).value_or(0)) {}

TrainingBatches::Position TrainingBatches::position(std::int64_t step) const {
  if (count_ == 0) return {0, step * rows_};
  const std::int64_t steps_per_epoch = (count_ + rows_ - 1) / rows_;
  return {step / steps_per_epoch, (step % steps_per_epoch) * rows_};
}

TrainingBatches::Rows TrainingBatches::rows_of(std::int64_t step) {
  const Position at = position(step);
  Rows rows{{}, split_key(seed_, Split::train, at.epoch)};
  if (count_ == 0) {
    rows.samples.resize(static_cast<std::size_t>(rows_));
    std::iota(rows.samples.begin(), rows.samples.end(), at.row);
  } else {
    if (at.epoch != shuffled_epoch_) shuffle(at.epoch);
    const std::int64_t end = std::min(at.row + rows_, count_);
    rows.samples.assign(order_.begin() + at.row, order_.begin() + end);
  }
  return rows;
}

model::Batch TrainingBatches::read(Rows rows) const {
  return read_rows(dataset_, Split::train, rows.key, std::move(rows.samples), wanted_);
}

model::Batch TrainingBatches::at(std::int64_t step) { return read(rows_of(step)); }

void TrainingBatches::shuffle(std::int64_t epoch) {
  order_.resize(static_cast<std::size_t>(count_));
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  RandomStream random(stream_key(seed_, Purpose::shuffle, static_cast<std::uint64_t>(epoch)), 0);
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
  shuffled_epoch_ = epoch;
}

}  // namespace odeum::train
