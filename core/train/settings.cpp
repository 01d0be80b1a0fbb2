// SPDX-License-Identifier: Apache-2.0
#include "train/settings.hpp"

#include <algorithm>

namespace odeum::train {
namespace {

constexpr std::int64_t kEndlessValidation = 4096;
constexpr std::int64_t kEndlessTest = 20000;

std::int64_t rows_of(const Config& train, const char* key, const Dataset& dataset, Split split,
                     std::int64_t endless) {
  const auto count = dataset.count(split);
  const std::int64_t all = count.value_or(endless);
  if (!train.has(key)) return all;
  return count ? std::min(train.integer(key), all) : train.integer(key);
}

}  // namespace

Settings::Settings(const Config& root, const Dataset& dataset) {
  const Config& train = root.section("train");
  const std::int64_t batch = root.component("data").integer("batch");
  const auto rows = dataset.count(Split::train);
  if (rows && *rows == 0) root.fail("data", "the training split has no rows");

  if (!train.has("steps") && !train.has("epochs")) {
    train.fail("", "`steps` or `epochs` is missing: how long to train");
  }
  if (train.has("epochs")) {
    if (!rows) train.fail("epochs", "these data have no end, so no epochs; give `steps`");
    steps = train.integer("epochs") * ((*rows + batch - 1) / batch);
  }
  if (train.has("steps")) {
    steps = train.has("epochs") ? std::min(steps, train.integer("steps")) : train.integer("steps");
  }
  read_ahead = train.integer("read_ahead");
  log_every = train.integer("log_every");
  evaluate_every = train.integer("evaluate_every");
  evaluate_batch = train.has("evaluate_batch") ? train.integer("evaluate_batch") : batch;
  evaluate_samples =
      rows_of(train, "evaluate_samples", dataset, Split::validation, kEndlessValidation);
  test_samples = rows_of(train, "test_samples", dataset, Split::test, kEndlessTest);
  checkpoint_every = train.integer("checkpoint_every");
  keep = train.integer("keep");
  const Config& stopping = train.section("early_stopping");
  patience = stopping.integer("patience");
  min_delta = stopping.number("min_delta");

  if (evaluate_every > 0 && evaluate_samples < 2) {
    train.fail("evaluate_every", "the data's validation split has " +
                                     std::to_string(evaluate_samples) +
                                     " rows; an evaluation needs at least 2");
  }
  if (patience > 0 && evaluate_every == 0) {
    stopping.fail("patience", "early stopping looks at validations: give `train.evaluate_every`");
  }
}

}  // namespace odeum::train
