// SPDX-License-Identifier: Apache-2.0
#include "report/model_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>
#include <span>

#include "model/pipeline.hpp"
#include "report/on_the_way.hpp"
#include "report/picture.hpp"
#include "report/plot.hpp"
#include "train/batches.hpp"
#include "train/trained_model.hpp"

namespace odeum::report {
namespace {

constexpr std::int64_t kPoints = 4000;  // of a scatter
constexpr int kCells = 96;              // a side of a map
constexpr std::int64_t kPaths = 64;     // that are drawn
constexpr int kPathPoints = 24;         // of each
constexpr std::int64_t kImages = 64;    // in a grid, where they are small
constexpr int kImageColumns = 8;
constexpr std::int64_t kReconstructions = 16;
constexpr std::int64_t kImagePaths = 6;
constexpr std::int64_t kSmall = 3 * 32 * 32;  // numbers of an image; of larger ones fewer are drawn
constexpr int kLeastPixels = 320;             // small images are enlarged to about this width
constexpr std::uint64_t kKey = 0;             // of samples: those of `odeum sample` without --seed

/// The one column that the model takes; nothing where it takes several.
std::optional<std::size_t> only_column(const model::Pipeline& pipeline) {
  const std::vector<bool> wanted = pipeline.wanted_columns();
  if (std::count(wanted.begin(), wanted.end(), true) != 1) return std::nullopt;
  return static_cast<std::size_t>(std::find(wanted.begin(), wanted.end(), true) - wanted.begin());
}

bool can_sample(train::TrainedModel& model) {
  try {
    model.pipeline().sample(1, kKey, model.parameters(), model.buffers());
    return true;
  } catch (const ConfigError&) {  // a block without an inverse, an objective without a base
    return false;
  }
}

/// The first rows of the test split, of the training split where there is none.
model::Batch first_rows(const model::Pipeline& pipeline, std::int64_t most, std::uint64_t seed) {
  const Dataset& dataset = pipeline.dataset();
  const Split split = dataset.count(Split::test).value_or(most) > 0 ? Split::test : Split::train;
  std::vector<std::int64_t> samples(
      static_cast<std::size_t>(std::min(most, dataset.count(split).value_or(most))));
  std::iota(samples.begin(), samples.end(), std::int64_t{0});
  return train::read_rows(dataset, split, train::split_key(seed, split, 0), std::move(samples),
                          pipeline.wanted_columns());
}

/// The square around the middle 99 % of both coordinates, with a margin.
Window window_around(const std::vector<double>& points) {
  double middle[2], reach = 0.0;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    std::vector<double> values;
    for (std::size_t i = axis; i < points.size(); i += 2) values.push_back(points[i]);
    std::sort(values.begin(), values.end());
    const double low = values[values.size() / 200];
    const double high = values[values.size() - 1 - values.size() / 200];
    middle[axis] = 0.5 * (low + high);
    reach = std::max(reach, 0.6 * (high - low));
  }
  if (!(reach > 0.0)) reach = 1.0;
  return {middle[0] - reach, middle[0] + reach, middle[1] - reach, middle[1] + reach};
}

Figure map_figure(const std::string& name, const std::string& title, const Window& window,
                  const std::vector<double>& values) {
  const Picture picture = heat_map(values, kCells, kCells);
  return {name, title, encode_png(enlarged(picture, 5)),
          plane(title, window, encode_png(picture), {})};
}

/// Roots of the counts of points in each cell, so that thin places are seen too.
std::vector<double> counted(const std::vector<double>& points, const Window& window) {
  std::vector<double> counts(static_cast<std::size_t>(kCells) * kCells);
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const double x = (points[i] - window.left) / (window.right - window.left) * kCells;
    const double y = (points[i + 1] - window.bottom) / (window.top - window.bottom) * kCells;
    if (!(x >= 0.0 && x < kCells && y >= 0.0 && y < kCells)) continue;
    counts[static_cast<std::size_t>(y) * kCells + static_cast<std::size_t>(x)] += 1.0;
  }
  for (double& count : counts) count = std::sqrt(count);
  return counts;
}

/// The model's density at the middle of each cell; nothing where its objective knows none.
std::vector<double> densities(train::TrainedModel& model, std::size_t column,
                              const Window& window) {
  model::Batch batch;
  batch.rows = static_cast<std::int64_t>(kCells) * kCells;
  batch.columns.resize(model.pipeline().dataset().columns().size());
  for (int y = 0; y < kCells; ++y) {
    for (int x = 0; x < kCells; ++x) {
      batch.samples.push_back(static_cast<std::int64_t>(batch.samples.size()));
      batch.columns[column].push_back(window.left +
                                      (x + 0.5) / kCells * (window.right - window.left));
      batch.columns[column].push_back(window.bottom +
                                      (y + 0.5) / kCells * (window.top - window.bottom));
    }
  }
  const auto metrics =
      model.pipeline().evaluate(batch, 0, model.parameters(), model.buffers()).metrics;
  const auto found = metrics.find("nll");
  if (found == metrics.end()) return {};
  std::vector<double> values = found->second;
  for (double& value : values) value = std::exp(-value);
  return values;
}

/// Samples `share` of the way from the base distribution to the data; nothing where the model
/// cannot stop there.
std::vector<double> samples_on_the_way(const Config& root, double share, std::int64_t count,
                                       const std::filesystem::path& checkpoint,
                                       plugin::Registry& registry) {
  const std::optional<Config> stopped = on_the_way(root, share);
  if (!stopped) return {};
  train::TrainedModel model(*stopped, checkpoint, registry);
  return model.pipeline().sample(count, kKey, model.parameters(), model.buffers());
}

/// The same samples at times from the base distribution (left out) to the data.
std::vector<Series> paths(const Config& root, const std::filesystem::path& checkpoint,
                          plugin::Registry& registry) {
  std::vector<Series> lines(kPaths);
  for (int k = 1; k <= kPathPoints; ++k) {
    const double share = static_cast<double>(k) / kPathPoints;
    const std::vector<double> at = samples_on_the_way(root, share, kPaths, checkpoint, registry);
    if (at.empty()) return {};
    for (std::size_t i = 0; i < lines.size(); ++i) {
      lines[i].x.push_back(at[2 * i]);
      lines[i].y.push_back(at[2 * i + 1]);
    }
  }
  return lines;
}

std::vector<Figure> figures_of_points(const Config& root, const std::filesystem::path& checkpoint,
                                      plugin::Registry& registry, train::TrainedModel& model,
                                      std::size_t column) {
  const std::vector<double> data =
      first_rows(model.pipeline(), kPoints, static_cast<std::uint64_t>(root.integer("seed")))
          .columns[column];
  if (data.size() < 4) return {};
  const Window window = window_around(data);
  const std::vector<double> samples =
      model.pipeline().sample(kPoints, kKey, model.parameters(), model.buffers());
  std::vector<Figure> all{
      map_figure("data", "Data", window, counted(data, window)),
      map_figure("samples", "Samples of the model", window, counted(samples, window))};
  const std::vector<double> density = densities(model, column, window);
  if (!density.empty()) {
    all.push_back(map_figure("density", "Density of the model", window, density));
  }
  const std::vector<Series> lines = paths(root, checkpoint, registry);
  if (!lines.empty()) {
    const char* title = "Paths of samples from the base distribution to the data";
    all.push_back({"", title, "", plane(title, window, "", lines)});
  }
  return all;
}

Figure grid_figure(const std::string& name, const std::string& title,
                   const std::vector<double>& images, const ImageShape& shape, double low,
                   double high) {
  Picture picture = image_grid(images, shape, kImageColumns, low, high);
  if (picture.width < kLeastPixels) picture = enlarged(picture, kLeastPixels / picture.width + 1);
  std::string png = encode_png(picture);
  const std::string element = "<figure><figcaption>" + title + "</figcaption><img alt=\"" + title +
                              "\" src=\"data:image/png;base64," + base64(png) + "\"/></figure>\n";
  return {name, title, std::move(png), element};
}

/// How many images are drawn: the larger they are, the fewer, so that a report stays a small part
/// of a training.
std::int64_t affordable(std::int64_t usual, const ImageShape& shape, std::int64_t least) {
  const std::int64_t size = std::int64_t{1} * shape.channels * shape.height * shape.width;
  return std::clamp(usual * kSmall / size, least, usual);
}

/// Rows of images with rows of what became of them below: first ones above, second ones below.
std::vector<double> in_pairs(const std::vector<double>& above, const std::vector<double>& below,
                             std::size_t row) {
  std::vector<double> all;
  for (std::size_t begin = 0; begin < above.size(); begin += row) {
    const std::size_t end = std::min(begin + row, above.size());
    for (const std::vector<double>* images : {&above, &below}) {
      all.insert(all.end(), images->begin() + static_cast<std::ptrdiff_t>(begin),
                 images->begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  return all;
}

Figure reconstructions(const model::Batch& batch, train::TrainedModel& model, std::size_t column,
                       const ImageShape& shape, double low, double high) {
  const std::vector<double>& data = batch.columns[column];
  const std::vector<double> again =
      model.pipeline().reconstruct(batch, 0, model.parameters(), model.buffers());
  double largest = 0.0;
  for (std::size_t i = 0; i < data.size(); ++i)
    largest = std::max(largest, std::abs(again[i] - data[i]));
  char title[200];
  std::snprintf(title, sizeof title,
                "Images and, below each row, what the model makes of their codes: they differ by "
                "at most %.3g, data going from %.3g to %.3g",
                largest, low, high);
  const std::size_t row = data.size() / static_cast<std::size_t>(batch.rows) * kImageColumns;
  return grid_figure("reconstructions", title, in_pairs(data, again, row), shape, low, high);
}

/// A row for each sample, from noise on the left to an image on the right; nothing where the model
/// cannot stop on the way.
std::optional<Figure> image_paths(const Config& root, const std::filesystem::path& checkpoint,
                                  plugin::Registry& registry, const ImageShape& shape, double low,
                                  double high) {
  const auto size = static_cast<std::ptrdiff_t>(shape.channels) * shape.height * shape.width;
  const std::ptrdiff_t count = affordable(kImagePaths, shape, 1);
  std::vector<double> all(static_cast<std::size_t>(size * count * kImageColumns));
  for (std::ptrdiff_t k = 0; k < kImageColumns; ++k) {
    const double share = static_cast<double>(k) / (kImageColumns - 1);
    const std::vector<double> at = samples_on_the_way(root, share, count, checkpoint, registry);
    if (at.empty()) return std::nullopt;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      std::copy(at.begin() + i * size, at.begin() + (i + 1) * size,
                all.begin() + (i * kImageColumns + k) * size);
    }
  }
  return grid_figure("paths", "Paths of samples from the base distribution to the data", all, shape,
                     low, high);
}

/// All on one scale of grey: the data's.
std::vector<Figure> figures_of_images(const Config& root, const std::filesystem::path& checkpoint,
                                      plugin::Registry& registry, train::TrainedModel& model,
                                      std::size_t column, const ImageShape& shape) {
  const auto seed = static_cast<std::uint64_t>(root.integer("seed"));
  const std::int64_t count = affordable(kImages, shape, kImageColumns);
  const std::vector<double> data = first_rows(model.pipeline(), count, seed).columns[column];
  if (data.empty()) return {};
  const auto [low, high] = std::minmax_element(data.begin(), data.end());
  const std::vector<double> samples =
      model.pipeline().sample(count, kKey, model.parameters(), model.buffers());
  std::vector<Figure> all{
      grid_figure("data", "Data", data, shape, *low, *high),
      grid_figure("samples", "Samples of the model", samples, shape, *low, *high)};
  const model::Batch some =
      first_rows(model.pipeline(), affordable(kReconstructions, shape, kImageColumns), seed);
  all.push_back(reconstructions(some, model, column, shape, *low, *high));
  const auto ways = image_paths(root, checkpoint, registry, shape, *low, *high);
  if (ways) all.push_back(*ways);
  return all;
}

}  // namespace

std::vector<Figure> figures(const Config& root, const std::filesystem::path& checkpoint,
                            plugin::Registry& registry) {
  train::TrainedModel model(root, checkpoint, registry);
  const std::optional<std::size_t> column = only_column(model.pipeline());
  if (!column || !can_sample(model)) return {};
  const std::vector<std::int64_t> shape = model.pipeline().sample_shape().extents();
  if (shape == std::vector<std::int64_t>{2}) {
    return figures_of_points(root, checkpoint, registry, model, *column);
  }
  if (shape.size() == 3 && (shape[0] == 1 || shape[0] == 3)) {
    return figures_of_images(
        root, checkpoint, registry, model, *column,
        {static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2])});
  }
  return {};
}

}  // namespace odeum::report
