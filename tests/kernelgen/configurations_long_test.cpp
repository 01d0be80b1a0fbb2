// SPDX-License-Identifier: Apache-2.0
// Every training configuration under configs/, made small, takes the processor's steps on opencl.
// Those of images, which PoCL compiles for minutes, only with `ctest -C Large`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <optional>

#include "cli/image_files.hpp"
#include "io/array.hpp"
#include "io/npy.hpp"
#include "kernelgen/opencl.hpp"
#include "model/pipeline_of.hpp"
#include "odeum/optimizer.hpp"
#include "odeum/random.hpp"
#include "train/batches.hpp"
#include "train/learning_rate.hpp"
#include "train/steps.hpp"

namespace odeum {
namespace {

namespace fs = std::filesystem;
using Sets = std::vector<std::string>;
using testing_tool::write;

// Of losses of size one; they are bits per dimension and nats of at most some hundred.
constexpr double kTolerance = 1e-4;
constexpr std::int64_t kSteps = 3;
constexpr std::uint64_t kKey = 17;

/// The widths that a configuration is given, and fewer of blocks that are alike: the depth of each
/// network, all solvers, gradients and regularizers stay. Batches have four rows. The deepest
/// normalised networks run in float64: so narrow and on so few rows their gradients are of norm
/// 10^3 to 10^4, of which float32 has not the first digit on any device.
const std::map<std::string, Sets>& small() {
  const Sets images{"solve.field.hidden=[3]", "flow.scales=2", "flow.blocks.0.repeat.times=1"};
  const Sets stem{"stem1.channels=4", "norm1.groups=2",   "stem2.channels=4",
                  "norm2.groups=2",   "stem3.channels=4", "norm3.groups=2"};
  Sets odenet = stem, residual = stem;
  odenet.emplace_back("flow.field.groups=2");
  for (const char* set : {"model.7.repeat.times=2", "model.7.repeat.blocks.0.groups=2"})
    residual.emplace_back(set);
  const Sets mlp{"flow.field.hidden=[4, 4, 4]"};
  static const std::map<std::string, Sets> all{
      {"quickstart", mlp},
      {"dynamics/lorenz63",
       {"flow.field.hidden=[4, 4]", "optimizer.iterations=2", "optimizer.lr=1"}},
      {"dynamics/ornstein-uhlenbeck",
       {"data.count=5", "data.paths=4", "sde.times.count=5", "model.0.count=4"}},
      {"dynamics/ornstein-uhlenbeck-sde",
       {"data.count=5", "data.paths=4", "sde.times.count=5", "model.0.count=4",
        "sde.field.increments=20", "sde.solver.step=0.5"}},
      {"dynamics/pendulum", {}},
      {"dynamics/pendulum-windows",
       {"data.window.rows=3", "data.window.spacing=1", "data.window.stride=1",
        "flow.times.count=3"}},
      {"flows/eight-gaussians", mlp},
      {"flows/mnist14", {"data.validation=2", "flow.field.hidden=[3]"}},
      {"flows/power-plant", mlp},
      {"images/celeba-hq256", images},
      {"images/cifar10", images},
      {"images/imagenet64", images},
      {"images/mnist", images},
      {"images/mnist14", images},
      {"images/odenet-mnist", odenet},
      {"images/odenet-mnist-residual", residual},
      {"images/ta-bn-4-layers", {"flow.field.channels=[2, 3, 2]"}},
      {"images/ta-bn-6-layers", {"flow.field.channels=[2, 3, 4, 3, 2]"}},
      {"images/ta-bn-8-layers", {"flow.field.channels=[2, 3, 4, 4, 4, 3, 2]", "precision=float64"}},
      {"images/ta-bn-12-layers",
       {"flow.field.channels=[2, 3, 4, 4, 4, 4, 4, 4, 4, 3, 2]", "precision=float64"}},
      {"images/ta-bn-unet", {"flow.field.channels=[2, 3, 4, 5]", "precision=float64"}},
      {"latent/spirals",
       {"data.times=6", "data.ahead=4", "encoder.hidden=4", "dynamics.times.count=10",
        "dynamics.field.hidden=[4, 4]", "objective.ahead=4"}},
      {"regularization/easy-to-solve", mlp},
      {"regularization/pinwheel", mlp},
      {"regularization/protein", mlp},
      {"tabular/bsds500", mlp},
      {"tabular/power-plant", mlp},
      {"tabular/protein", mlp},
      {"tabular/your-data", mlp},
      {"tabular/your-labels", {"flow.field.hidden=[4]"}}};
  return all;
}

bool has_images(const std::string& name) { return name.starts_with("images/"); }

std::vector<std::string> configurations(bool images) {
  const char* source = std::getenv("ODEUM_SOURCE");
  const fs::path folder = fs::path(source == nullptr ? "." : source) / "configs";
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : fs::recursive_directory_iterator(folder, missing)) {
    const fs::path name = entry.path().lexically_relative(folder).replace_extension();
    const bool wanted = *name.begin() != "solve" && has_images(name.string()) == images;
    if (entry.path().extension() == ".yaml" && wanted) names.push_back(name.string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string labels(int count) {
  std::string bytes{'\0', '\0', '\x08', '\x01', '\0', '\0', '\0', static_cast<char>(count)};
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  return bytes;
}

void write_table(const fs::path& file, const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& name : columns) text += (text.empty() ? "" : ",") + name;
  text += "\n";
  RandomStream random(kKey, columns.size());
  for (int row = 0; row < 60; ++row) {
    for (std::size_t j = 0; j < columns.size(); ++j)
      text += (j == 0 ? "" : ",") + std::to_string(random.normal());
    text += "\n";
  }
  fs::create_directories(file.parent_path());
  write(file, text);
}

std::string flowers() {
  std::string text = "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm,species\n";
  RandomStream random(kKey, 0);
  for (int row = 0; row < 60; ++row) {
    for (int j = 0; j < 4; ++j) text += std::to_string(random.normal()) + ",";
    text += std::to_string(row % 3) + "\n";
  }
  return text;
}

/// Stand-ins for all data that the configurations name, small where the format leaves it open.
void write_data(const fs::path& folder) {
  testing_tool::write_image_folder(folder);
  for (const char* set : {"mnist", "fashion-mnist"}) {
    for (const char* split : {"train", "t10k"}) {
      const std::string name = (folder / set / split).string();
      testing_tool::write_idx(name + "-images-idx3-ubyte.gz", {8, 28, 28});
      write(name + "-labels-idx1-ubyte.gz", labels(8));
    }
  }
  for (const char* set : {"celeba-hq256", "imagenet64"}) {
    for (const char* split : {"train", "valid"})
      testing_tool::write_idx(folder / set / (std::string(split) + "-images-idx4-ubyte"),
                              {8, 3, 8, 8});
  }
  write_table(folder / "uci" / "power-plant.csv", {"AT", "V", "AP", "RH", "PE"});
  write_table(folder / "uci" / "protein.csv", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  write_table(folder / "pendulum" / "pendulum-single-large-swing.csv", {"theta", "omega"});
  fs::create_directories(folder / "uci");
  write(folder / "uci" / "iris.csv", flowers());
  fs::create_directories(folder / "bsds500-patches");
  for (const char* split : {"train", "val", "test"}) {
    std::vector<double> levels = model_tests::normal(std::size_t{200} * 64, kKey);
    for (double& level : levels) level = std::clamp(std::floor(128.0 + 50.0 * level), 0.0, 255.0);
    io::write_npy(folder / "bsds500-patches" / (std::string(split) + ".npy"),
                  io::make_array(DType::f64, {200, 64}, levels));
  }
}

Config small_configuration(const std::string& name, const std::string& device) {
  static config::KindSchemas schemas = [] {
    config::KindSchemas all(plugin::registry().lookup(), train::common_keys);
    for (train::BuiltIn& one : train::built_in_components())
      all.add(one.kind, one.name, one.schema);
    return all;
  }();
  Sets sets = small().at(name);
  sets.insert(sets.end(), {"data.batch=4", "device=" + device});
  const fs::path file = fs::path(std::getenv("ODEUM_SOURCE")) / "configs" / (name + ".yaml");
  return config::load(file, sets, train::root_schema(), schemas.lookup());
}

/// A training as `odeum train` begins it.
class Beginning {
 public:
  explicit Beginning(const Config& root)
      : model_(root),
        batches_(model_.pipeline.dataset(), static_cast<std::uint64_t>(root.integer("seed")),
                 model_.pipeline.batch_rows(), model_.pipeline.wanted_columns()),
        rate_(root.component("optimizer"), kSteps),
        learned_(model_.pipeline, plugin::registry().create<Optimizer>(root.component("optimizer")),
                 clip(root)),
        steps_(model_.pipeline, learned_, false) {
    if (model_.pipeline.needs_fit()) fit();
    learned_.set_parameters(model_.parameters);
    learned_.set_buffers(model_.buffers);
  }

  std::vector<double> losses() {
    std::vector<double> losses;
    for (std::int64_t step = 0; step < kSteps; ++step) {
      steps_.begin(batches_.at(step), step, rate_.at(step));
      if (steps_.under_way() > steps_.most_under_way())
        losses.push_back(steps_.finish().result.loss);
    }
    while (steps_.under_way() > 0) losses.push_back(steps_.finish().result.loss);
    return losses;
  }

 private:
  static std::optional<double> clip(const Config& root) {
    const Config& optimizer = root.component("optimizer");
    if (!optimizer.has("gradient_clip")) return std::nullopt;
    return optimizer.number("gradient_clip");
  }
  void fit() {
    const Dataset& data = model_.pipeline.dataset();
    std::vector<std::int64_t> samples(static_cast<std::size_t>(*data.count(Split::train)));
    std::iota(samples.begin(), samples.end(), std::int64_t{0});
    model_.fit(train::read_rows(data, Split::train, kKey, std::move(samples),
                                model_.pipeline.wanted_columns()));
  }

  model_tests::Assembled model_;
  train::TrainingBatches batches_;
  train::LearningRate rate_;
  train::Learned learned_;
  train::Steps steps_;
};

class ConfigurationOnOpenCl : public ::testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    data_ = new testing_tool::Folder;
    write_data(data_->path());
    ::setenv("ODEUM_DATA", data_->path().c_str(), 1);
    // PoCL compiles for most of a test; what it compiles is run a few times.
    ::setenv("POCL_EXTRA_BUILD_FLAGS", "-cl-opt-disable", 0);
  }
  static void TearDownTestSuite() { delete data_; }
  static testing_tool::Folder* data_;
};
testing_tool::Folder* ConfigurationOnOpenCl::data_ = nullptr;

TEST_P(ConfigurationOnOpenCl, TakesTheProcessorsSteps) {
  if (const auto opened = opencl_tests::open(); !opened.device) GTEST_SKIP() << opened.missing;
  ASSERT_EQ(small().count(GetParam()), 1U) << "say how small it is to be";
  const auto wanted = Beginning(small_configuration(GetParam(), "cpu")).losses();
  const auto found = Beginning(small_configuration(GetParam(), "opencl")).losses();
  ASSERT_EQ(wanted.size(), static_cast<std::size_t>(kSteps));
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(found[i], wanted[i], kTolerance * (1.0 + std::abs(wanted[i]))) << "step " << i + 1;
  EXPECT_NE(wanted.front(), wanted.back());
}

std::string name_of(const ::testing::TestParamInfo<std::string>& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ConfigurationOnOpenCl, ::testing::ValuesIn(configurations(false)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(DISABLED_Images, ConfigurationOnOpenCl,
                         ::testing::ValuesIn(configurations(true)), name_of);

}  // namespace
}  // namespace odeum
