// SPDX-License-Identifier: Apache-2.0
// bench_gaussian: the NLL of test rows under the best Gaussian in front of a model's first solve:
// what a flow has to beat.
//
//   bench_gaussian CONFIG [--set key=value]...
//
// Prints {"gaussian_nll": nats, "gaussian_nll_stderr": nats, "rows": test rows, "train_rows": N}.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "bench.hpp"
#include "cli/session.hpp"
#include "io/json.hpp"
#include "model/batch_memory.hpp"
#include "model/pipeline.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/evaluation.hpp"
#include "train/schemas.hpp"
#include "train/settings.hpp"

namespace odeum::bench {
namespace {

constexpr std::int64_t kMostTrainingRows = 100000;

/// Rows of a split where the first solve gets them.
class Rows {
 public:
  explicit Rows(const Config& root)
      : seed_(static_cast<std::uint64_t>(root.integer("seed"))),
        pipeline_(root, plugin::registry()) {
    theta_ = on_device(pipeline_.initial_parameters(), pipeline_.parameters().size);
    const auto fitted = pipeline_.fit(read(Split::train, training_rows()), {theta_.get(), 0},
                                      pipeline_.initial_buffers());
    buffers_ = on_device(fitted, pipeline_.buffers().size);
  }

  std::int64_t training_rows() const {
    return std::min(pipeline_.dataset().count(Split::train).value_or(kMostTrainingRows),
                    kMostTrainingRows);
  }
  std::int64_t test_rows(const Config& root) const {
    return train::Settings(root, pipeline_.dataset()).test_samples;
  }

  model::Pipeline::Features features(Split split, std::int64_t rows) {
    return pipeline_.before_first_solve(read(split, rows), 0, {theta_.get(), 0},
                                        {buffers_.get(), 0});
  }

 private:
  model::Batch read(Split split, std::int64_t rows) const {
    std::vector<std::int64_t> samples(static_cast<std::size_t>(rows));
    std::iota(samples.begin(), samples.end(), std::int64_t{0});
    return train::read_rows(pipeline_.dataset(), split, train::split_key(seed_, split, 0),
                            std::move(samples), pipeline_.wanted_columns());
  }
  std::shared_ptr<void> on_device(const std::vector<double>& values, std::int64_t size) {
    return model::upload_flat(pipeline_.device(), values, static_cast<std::size_t>(size),
                              pipeline_.precision());
  }

  std::uint64_t seed_;
  model::Pipeline pipeline_;
  std::shared_ptr<void> theta_, buffers_;
};

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix matrix_of(const model::Pipeline::Features& features) {
  const auto rows = static_cast<Eigen::Index>(features.log_determinant.size());
  return Eigen::Map<const Matrix>(features.values.data(), rows, features.width);
}

/// -ln N(x; mean, covariance) - log-determinant of each test row, in nats.
std::vector<double> gaussian_nll(const model::Pipeline::Features& fitted_to,
                                 const model::Pipeline::Features& test) {
  const Matrix training = matrix_of(fitted_to);
  const Eigen::RowVectorXd mean = training.colwise().mean();
  const Matrix centred = training.rowwise() - mean;
  const Matrix covariance = centred.transpose() * centred / static_cast<double>(training.rows());
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success)
    throw RunError("the covariance of the training rows is singular: a feature depends on others");

  const double log_determinant =
      2.0 * Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum();
  const double constant =
      0.5 * (log_determinant + static_cast<double>(test.width) * std::log(2.0 * std::numbers::pi));
  const Eigen::MatrixXd whitened =
      factor.matrixL().solve((matrix_of(test).rowwise() - mean).transpose());
  std::vector<double> nll;
  for (std::size_t i = 0; i < test.log_determinant.size(); ++i) {
    const double square = whitened.col(static_cast<Eigen::Index>(i)).squaredNorm();
    nll.push_back(0.5 * square + constant - test.log_determinant[i]);
  }
  return nll;
}

}  // namespace

void run(int argc, char** argv) {
  std::string file;
  std::vector<std::string> sets;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--set" && i + 1 < argc) {
      sets.push_back(argv[++i]);
    } else if (file.empty() && word.rfind("--", 0) != 0) {
      file = word;
    } else {
      throw ConfigError("'" + word + "' is not understood");
    }
  }
  if (file.empty()) throw ConfigError("usage: bench_gaussian CONFIG [--set key=value]...");
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const Config root = cli::load(file, sets, train::root_schema(), plugin::registry());
  Rows rows(root);
  const auto training = rows.features(Split::train, rows.training_rows());
  const auto test = rows.features(Split::test, rows.test_rows(root));
  const train::Statistic nll = train::statistic(gaussian_nll(training, test));
  const io::Json result{{"gaussian_nll", nll.mean},
                        {"gaussian_nll_stderr", nll.stderr_},
                        {"rows", test.log_determinant.size()},
                        {"train_rows", training.log_determinant.size()}};
  std::cout << io::to_line(result) << "\n";
}

}  // namespace odeum::bench
