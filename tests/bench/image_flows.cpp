// SPDX-License-Identifier: Apache-2.0
// bench_image_flows: whether a full-size image flow learns, and how long its epochs would take.
//
//   bench_image_flows CONFIG [--set key=value]...
//
// Takes twenty steps of Adam (lr 1e-3, no warm-up) on one fixed batch with one fixed noise and
// probe, so that the loss is one function of the parameters; prints a line of Markdown: loss at
// the start and after 1, 5, 10 and 20 steps, evaluations forward and backward of the last one,
// median seconds a step, and what an epoch takes at that speed. Exit status 1 where the loss
// does not fall.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "model/batch_memory.hpp"
#include "model/pipeline.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/schemas.hpp"

namespace odeum::bench {
namespace {

constexpr int kSteps = 20;

/// Kingma, Ba, ICLR 2015, algorithm 1.
class Adam {
 public:
  explicit Adam(std::size_t size) : first_(size, 0.0), second_(size, 0.0) {}
  void step(const std::vector<double>& gradient, std::vector<double>& theta) {
    ++steps_;
    const double c1 = 1.0 - std::pow(0.9, steps_);
    const double c2 = 1.0 - std::pow(0.999, steps_);
    for (std::size_t i = 0; i < theta.size(); ++i) {
      first_[i] = 0.9 * first_[i] + 0.1 * gradient[i];
      second_[i] = 0.999 * second_[i] + 0.001 * gradient[i] * gradient[i];
      theta[i] -= 1e-3 * (first_[i] / c1) / (std::sqrt(second_[i] / c2) + 1e-8);
    }
  }

 private:
  std::vector<double> first_, second_;
  int steps_ = 0;
};

struct Course {
  std::vector<double> losses;
  std::vector<double> seconds;
  model::Evaluations evaluations;
  std::int64_t images = 0;
  std::int64_t batch = 0;
};

Course train_on_one_batch(const Config& root) {
  model::Pipeline pipeline(root, plugin::registry());
  const auto seed = static_cast<std::uint64_t>(root.integer("seed"));
  Course course;
  course.images = pipeline.dataset().count(Split::train).value_or(0);
  course.batch = std::min(pipeline.batch_rows(), course.images);
  std::vector<std::int64_t> samples(static_cast<std::size_t>(course.batch));
  std::iota(samples.begin(), samples.end(), std::int64_t{0});
  const model::Batch batch =
      train::read_rows(pipeline.dataset(), Split::train, train::split_key(seed, Split::train, 0),
                       std::move(samples), pipeline.wanted_columns());

  std::vector<double> theta = pipeline.initial_parameters();
  const auto size = theta.size();
  const auto upload = [&](const std::vector<double>& values, std::int64_t count) {
    return model::upload_flat(pipeline.device(), values, static_cast<std::size_t>(count),
                              pipeline.precision());
  };
  const auto buffers = upload(pipeline.initial_buffers(), pipeline.buffers().size);
  const auto slope = upload({}, pipeline.parameters().size);
  Adam adam(size);
  for (int i = 0; i <= kSteps; ++i) {
    const auto memory = upload(theta, pipeline.parameters().size);
    const auto begin = std::chrono::steady_clock::now();
    const model::StepResult result =
        pipeline.train_step(batch, 0, {memory.get(), 0}, {buffers.get(), 0}, {slope.get(), 0});
    course.seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    course.losses.push_back(result.loss);
    course.evaluations = result.evaluations;
    std::fprintf(stderr, "step %d loss %.8g (%.2f s)\n", i, result.loss, course.seconds.back());
    std::vector<double> gradient;
    model::append_flat(pipeline.device(), {slope.get(), 0}, size, pipeline.precision(), gradient);
    adam.step(gradient, theta);
  }
  return course;
}

int run(const std::string& file, const std::vector<std::string>& sets) {
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const Config root = cli::load(file, sets, train::root_schema(), plugin::registry());
  Course course = train_on_one_batch(root);
  // The first step compiles.
  std::vector<double> seconds(course.seconds.begin() + 1, course.seconds.end());
  std::nth_element(seconds.begin(), seconds.begin() + kSteps / 2, seconds.end());
  const double median = seconds[kSteps / 2];
  std::printf("| %s | %lld |", file.c_str(), static_cast<long long>(course.batch));
  for (const int step : {0, 1, 5, 10, 20})
    std::printf(" %.4f |", course.losses[static_cast<std::size_t>(step)]);
  std::printf(
      " %lld + %lld | %.2f | %.1f h for %lld images |\n",
      static_cast<long long>(course.evaluations.forward),
      static_cast<long long>(course.evaluations.backward), median,
      median * static_cast<double>(course.images) / static_cast<double>(course.batch) / 3600.0,
      static_cast<long long>(course.images));
  const bool falls = course.losses.back() < course.losses.front();
  if (!falls) std::fprintf(stderr, "the loss does not fall\n");
  return falls ? 0 : 1;
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  std::vector<std::string> sets;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--set") sets.emplace_back(argv[i + 1]);
  }
  if (argc < 2 || argc != 2 + 2 * static_cast<int>(sets.size())) {
    std::cerr << "bench_image_flows CONFIG [--set key=value]...\n";
    return 2;
  }
  try {
    return odeum::bench::run(argv[1], sets);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
