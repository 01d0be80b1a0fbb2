// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "../images.hpp"
#include "../source.hpp"
#include "idx_file.hpp"
#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"

namespace odeum::datasets {
namespace {

void read_labels(const Config& config, const std::string& key, Images& images) {
  const std::string& path = config.path(key);
  IdxArray labels = read_idx(path, {1}, "one, as labels have");
  if (labels.shape[0] != images.count) {
    throw wrong({path, 0, 0}, "holds " + std::to_string(labels.shape[0]) + " labels for " +
                                  std::to_string(images.count) + " images");
  }
  const std::int64_t classes = config.integer("classes");
  const auto beyond = std::find_if(labels.values.begin(), labels.values.end(),
                                   [&](std::uint8_t label) { return label >= classes; });
  if (beyond != labels.values.end()) {
    throw wrong({path, 0, 0}, "label " + std::to_string(beyond - labels.values.begin()) + " is " +
                                  std::to_string(*beyond) + ", and there are " +
                                  std::to_string(classes) + " classes, counted from 0");
  }
  images.labels = std::move(labels.values);
}

Images load(const Config& config, const std::string& images_key, const std::string& labels_key) {
  if (!config.has(images_key)) {
    if (config.has(labels_key))
      config.fail(labels_key, "are of no images: give `" + images_key + "`");
    return {};
  }
  IdxArray array = read_idx(config.path(images_key), {3, 4},
                            "three (images, height, width) or four (images, channels, height, "
                            "width)");
  const std::size_t rank = array.shape.size();
  Images images{array.shape[0],        rank == 4 ? array.shape[1] : 1, array.shape[rank - 2],
                array.shape[rank - 1], std::move(array.values),        {}};
  if (config.has(labels_key)) read_labels(config, labels_key, images);
  return images;
}

Images load_test(const Config& config, const Images& train) {
  Images test = load(config, "test", "test_labels");
  if (test.count == 0) {
    return {0, train.channels, train.height, train.width, {}, {}};
  }
  if (test.channels != train.channels || test.height != train.height || test.width != train.width) {
    config.fail("test", "its images are of another size than those of `train`");
  }
  if (test.labels.empty() != train.labels.empty()) {
    config.fail(train.labels.empty() ? "test_labels" : "test",
                "labels are given for one of `train` and `test` only: give `train_labels` and "
                "`test_labels`, or neither");
  }
  return test;
}

class Idx final : public ImageDataset {
 public:
  static Schema schema() {
    Schema s(
        "Images in the IDX format of MNIST and Fashion-MNIST, also gzipped: bytes [images, height, "
        "width], or [images, channels, height, width]. Columns x [channels, height, width] and, "
        "where labels are given, label");
    s.cite("LeCun, Cortes, Burges, The MNIST database of handwritten digits, 1998");
    s.path("train", "training images");
    s.path("train_labels", "their labels, bytes 0 .. classes - 1").optional();
    s.path("test", "test images").optional();
    s.path("test_labels", "their labels").optional();
    s.integer("classes", 10, "number of different labels").at_least(1).at_most(256);
    declare_image_keys(s);
    return s;
  }

  explicit Idx(const Config& config) : Idx(config, load(config, "train", "train_labels")) {}

 private:
  Idx(const Config& config, const Images& train)
      : ImageDataset(config, train, load_test(config, train)) {}
};

ODEUM_PLUGIN(dataset, "idx", Idx, "1.0.0", "Images of MNIST's format")

}  // namespace
}  // namespace odeum::datasets
