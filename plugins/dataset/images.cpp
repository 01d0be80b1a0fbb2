// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <algorithm>
#include <cmath>

namespace odeum::datasets {
namespace {

/// The same images with another height and width, to be filled.
Images resized(const Images& images, std::int64_t height, std::int64_t width) {
  Images result{images.count, images.channels, height, width, {}, images.labels};
  result.pixels.resize(static_cast<std::size_t>(images.count * result.elements()), 0);
  return result;
}

std::string size_of(const Images& images) {
  return std::to_string(images.height) + " x " + std::to_string(images.width);
}

void keep_leading_bits(Images& images, std::int64_t bits) {
  for (std::uint8_t& pixel : images.pixels) pixel = static_cast<std::uint8_t>(pixel >> (8 - bits));
}

/// One number for each channel from a list of one or of as many.
std::vector<double> by_channel(const Config& config, const std::string& key,
                               std::int64_t channels) {
  std::vector<double> values = config.numbers(key);
  if (values.size() == 1) values.resize(static_cast<std::size_t>(channels), values.front());
  if (static_cast<std::int64_t>(values.size()) != channels) {
    config.fail(key, "has " + std::to_string(values.size()) + " numbers for images of " +
                         std::to_string(channels) + " channels");
  }
  return values;
}

Schema erase_schema() {
  Schema s("Random erasing: a rectangle of a training image is set to zero");
  s.cite("Zhong, Zheng, Kang, Li, Yang, AAAI 2020, arXiv 1708.04896");
  s.number("probability", 0.5, "of an image being erased [1]").above(0).at_most(1);
  s.numbers("area", {0.02, 0.4}, "least and most share of the image [1]")
      .size(2, 2)
      .above(0)
      .at_most(1);
  s.numbers("ratio", {0.3, 3.33}, "least and most height over width of the rectangle [1]")
      .size(2, 2)
      .above(0);
  return s;
}

}  // namespace

Images part(const Images& images, std::int64_t begin, std::int64_t end) {
  Images result{end - begin, images.channels, images.height, images.width, {}, {}};
  const std::int64_t size = images.elements();
  const auto pixels = images.pixels.begin();
  result.pixels.assign(pixels + begin * size, pixels + end * size);
  if (!images.labels.empty())
    result.labels.assign(images.labels.begin() + begin, images.labels.begin() + end);
  return result;
}

Images pooled(const Images& images, std::int64_t factor) {
  Images result = resized(images, images.height / factor, images.width / factor);
  const std::int64_t square = factor * factor;
  std::size_t next = 0;
  for (std::int64_t plane = 0; plane < images.count * images.channels; ++plane) {
    const auto* from = images.pixels.data() + plane * images.height * images.width;
    for (std::int64_t y = 0; y < result.height; ++y) {
      for (std::int64_t x = 0; x < result.width; ++x) {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < square; ++i)
          sum += from[(y * factor + i / factor) * images.width + x * factor + i % factor];
        result.pixels[next++] = static_cast<std::uint8_t>((2 * sum + square) / (2 * square));
      }
    }
  }
  return result;
}

Images padded(const Images& images, std::int64_t pixels) {
  Images result = resized(images, images.height + 2 * pixels, images.width + 2 * pixels);
  for (std::int64_t plane = 0; plane < images.count * images.channels; ++plane) {
    for (std::int64_t y = 0; y < images.height; ++y) {
      const auto* from = images.pixels.data() + (plane * images.height + y) * images.width;
      std::copy(
          from, from + images.width,
          result.pixels.data() + (plane * result.height + y + pixels) * result.width + pixels);
    }
  }
  return result;
}

void declare_image_keys(Schema& s) {
  s.integer("validation", 0,
            "training images kept for choosing a checkpoint and stopping: the last ones")
      .at_least(0);
  s.integer("limit", "training images used: the first ones; left out: all").optional().at_least(1);
  s.integer("test_limit", "test images used: the first ones; left out: all").optional().at_least(1);
  s.integer("pool", 1,
            "images become smaller by this factor: means over squares, rounded to whole levels")
      .at_least(1);
  s.integer("pad", 0, "zeros on each side of every image, behind `pool` [pixels]").at_least(0);
  s.integer("bits", 8, "leading bits kept of each level: values are 0 .. 2^bits - 1")
      .at_least(1)
      .at_most(8);
  s.text("scale", "levels",
         "levels: whole numbers 0 .. 2^bits - 1, which densities need (block dequantize); unit: "
         "those over 2^bits - 1, in [0, 1]")
      .choices({"levels", "unit"});
  s.numbers("mean", {0.0}, "subtracted of `scale: unit`: one number, or one a channel").size(1);
  s.numbers("deviation", {1.0}, "what is left is divided by: one number, or one a channel")
      .size(1)
      .above(0);
  s.integer("crop", 0,
            "training images get so many zeros on each side and are cut at a random place back to "
            "their size [pixels]")
      .at_least(0);
  s.flag("flip", false, "training images are mirrored left to right, one in two at random");
  s.section("erase", erase_schema(), "rectangles of training images are set to zero; left out: not")
      .optional();
}

ImageDataset::ImageDataset(const Config& config, const Images& train, const Images& test)
    : crop_(config.integer("crop")), flip_(config.flag("flip")) {
  const std::int64_t kept = config.integer("validation");
  if (kept >= train.count) {
    config.fail("validation", "keeps " + std::to_string(kept) + " of the " +
                                  std::to_string(train.count) +
                                  " training images, and none are left to train on");
  }
  const auto limited = [&](const char* key, std::int64_t count) {
    return config.has(key) ? std::min(config.integer(key), count) : count;
  };
  const std::int64_t rest = train.count - kept;
  train_ = prepared(config, part(train, 0, limited("limit", rest)));
  validation_ = prepared(config, part(train, rest, train.count));
  test_ = prepared(config, part(test, 0, limited("test_limit", test.count)));
  read_units(config);
  if (!config.has("erase")) return;
  const Config& erase = config.section("erase");
  const std::vector<double>& area = erase.numbers("area");
  const std::vector<double>& ratio = erase.numbers("ratio");
  if (area[0] > area[1]) erase.fail("area", "the least share is larger than the most");
  if (ratio[0] > ratio[1]) erase.fail("ratio", "the least ratio is larger than the most");
  erase_ = Erase{erase.number("probability"), area[0], area[1], ratio[0], ratio[1]};
}

Images ImageDataset::prepared(const Config& config, const Images& images) const {
  const std::int64_t factor = config.integer("pool");
  if (factor > std::min(images.height, images.width)) {
    config.fail("pool", "images of " + size_of(images) + " cannot become smaller by a factor of " +
                            std::to_string(factor));
  }
  Images result = factor == 1 ? images : pooled(images, factor);
  if (config.integer("pad") > 0) result = padded(result, config.integer("pad"));
  keep_leading_bits(result, config.integer("bits"));
  return result;
}

void ImageDataset::read_units(const Config& config) {
  const bool unit = config.text("scale") == "unit";
  mean_ = by_channel(config, "mean", train_.channels);
  deviation_ = by_channel(config, "deviation", train_.channels);
  if (unit) {
    scale_ = 1.0 / static_cast<double>((std::int64_t{1} << config.integer("bits")) - 1);
    return;
  }
  for (const char* key : {"mean", "deviation"}) {
    const double neutral = key == std::string("mean") ? 0.0 : 1.0;
    for (const double value : config.numbers(key)) {
      if (value != neutral) config.fail(key, "is of images in [0, 1]: it needs `scale: unit`");
    }
  }
}

std::vector<Column> ImageDataset::columns() const {
  std::vector<Column> result{{"x", {train_.channels, train_.height, train_.width}}};
  if (!train_.labels.empty()) result.push_back({"label", {}});
  return result;
}

const Images& ImageDataset::of(Split split) const {
  switch (split) {
    case Split::train:
      return train_;
    case Split::validation:
      return validation_;
    case Split::test:
      return test_;
  }
  bug("a split that is none of train, validation, test");
}

void ImageDataset::read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
                        std::span<const std::span<double>> out) const {
  const Images& images = of(split);
  if (images.count == 0) bug("an image was read from a split that has none");
  const auto size = static_cast<std::size_t>(images.elements());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int64_t index = samples[i] % images.count;
    if (out.size() > 1 && !out[1].empty())
      out[1][i] = images.labels[static_cast<std::size_t>(index)];
    if (out[0].empty()) continue;
    const std::span<double> pixels = out[0].subspan(i * size, size);
    if (split != Split::train) {
      write(images, index, {}, pixels);
      continue;
    }
    RandomStream random(key, static_cast<std::uint64_t>(samples[i]));
    Change change;
    if (crop_ > 0) {
      const auto places = static_cast<std::uint64_t>(2 * crop_ + 1);
      change.down = static_cast<std::int64_t>(random.below(places)) - crop_;
      change.right = static_cast<std::int64_t>(random.below(places)) - crop_;
    }
    if (flip_) change.mirrored = random.uniform() < 0.5;
    write(images, index, change, pixels);
    if (erase_ && random.uniform() < erase_->probability) erase(random, pixels);
  }
}

void ImageDataset::write(const Images& images, std::int64_t index, const Change& change,
                         std::span<double> out) const {
  const auto* from = images.pixels.data() + index * images.elements();
  std::size_t next = 0;
  for (std::int64_t c = 0; c < images.channels; ++c) {
    const double mean = mean_[static_cast<std::size_t>(c)];
    const double deviation = deviation_[static_cast<std::size_t>(c)];
    for (std::int64_t row = 0; row < images.height; ++row) {
      for (std::int64_t column = 0; column < images.width; ++column) {
        const std::int64_t y = row + change.down;
        const std::int64_t x =
            (change.mirrored ? images.width - 1 - column : column) + change.right;
        const bool inside = y >= 0 && y < images.height && x >= 0 && x < images.width;
        const double level =
            inside ? from[(c * images.height + y) * images.width + x] : std::uint8_t{0};
        out[next++] = (level * scale_ - mean) / deviation;
      }
    }
  }
}

void ImageDataset::erase(RandomStream& random, std::span<double> out) const {
  // A rectangle that does not fit is drawn again, as often as in the reference implementation.
  constexpr int kTries = 10;
  const auto height = static_cast<double>(train_.height);
  const auto width = static_cast<double>(train_.width);
  for (int i = 0; i < kTries; ++i) {
    const double share =
        erase_->least_area + (erase_->most_area - erase_->least_area) * random.uniform();
    const double low = std::log(erase_->least_ratio);
    const double ratio = std::exp(low + (std::log(erase_->most_ratio) - low) * random.uniform());
    const auto rows =
        static_cast<std::int64_t>(std::lround(std::sqrt(share * height * width * ratio)));
    const auto columns =
        static_cast<std::int64_t>(std::lround(std::sqrt(share * height * width / ratio)));
    if (rows < 1 || columns < 1 || rows > train_.height || columns > train_.width) continue;
    const auto top = static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>(train_.height - rows + 1)));
    const auto left = static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>(train_.width - columns + 1)));
    for (std::int64_t plane = 0; plane < train_.channels; ++plane) {
      for (std::int64_t y = top; y < top + rows; ++y) {
        const auto begin = out.begin() + (plane * train_.height + y) * train_.width + left;
        std::fill(begin, begin + columns, 0.0);
      }
    }
    return;
  }
}

}  // namespace odeum::datasets
