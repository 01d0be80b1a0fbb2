// SPDX-License-Identifier: Apache-2.0
#include "train/predictor.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "model/roles.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"

namespace odeum::train {

Predictor::Predictor(const Config& root, const std::filesystem::path& checkpoint,
                     const plugin::Registry& registry)
    : seed_(static_cast<std::uint64_t>(root.integer("seed"))),
      dataset_(registry.create<Dataset>(root.component("data"))),
      inference_(root, checkpoint, registry) {
  const auto objective = registry.create<Objective>(root.component("objective"));
  const model::RoleNames names = model::role_names(*dataset_, *objective);
  input_ = static_cast<std::size_t>(model::column_of_role(root, names, names.roles.front()));
  const Shape row(dataset_->columns()[input_].shape);
  if (row != inference_.input_shape()) {
    root.fail("data", "has rows of shape " + row.text() + ", the model takes " +
                          inference_.input_shape().text());
  }
  inference_.compile_values();
}

std::int64_t Predictor::rows() const { return dataset_->count(Split::train).value_or(0); }
std::int64_t Predictor::elements() const { return inference_.output_shape().elements(1); }

std::vector<double> Predictor::values(std::int64_t batch) {
  std::vector<bool> wanted(dataset_->columns().size(), false);
  wanted[input_] = true;
  const std::uint64_t key = split_key(seed_, Split::train, 0);
  std::vector<double> all(static_cast<std::size_t>(rows() * elements()));
  for (std::int64_t begin = 0; begin < rows(); begin += batch) {
    std::vector<std::int64_t> samples(static_cast<std::size_t>(std::min(batch, rows() - begin)));
    std::iota(samples.begin(), samples.end(), begin);
    const model::Batch read = read_rows(*dataset_, Split::train, key, std::move(samples), wanted);
    const auto out = std::span(all).subspan(static_cast<std::size_t>(begin * elements()),
                                            static_cast<std::size_t>(read.rows * elements()));
    inference_.values(std::span<const double>(read.columns[input_]), begin, out);
  }
  return all;
}

}  // namespace odeum::train
