// SPDX-License-Identifier: Apache-2.0
// What a trained model looks like: densities and flow lines of points in the plane, samples,
// reconstructions and paths of images. Other data have no pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "odeum/config.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::report {

struct Figure {
  std::string name;   ///< of its file, without the ending; "" where there is none
  std::string title;  ///< says what is seen
  std::string png;    ///< the file's bytes
  std::string html;   ///< the element of the page
};

/// `root`: a run's configuration, of train::root_schema(). Points: data, samples, density, and the
/// paths of samples from the base distribution to the data. Images [channels, height, width]: data,
/// samples, data carried to the base distribution and back, and paths of samples. ConfigErrors as
/// from train::TrainedModel.
std::vector<Figure> figures(const Config& root, const std::filesystem::path& checkpoint,
                            plugin::Registry& registry);

}  // namespace odeum::report
