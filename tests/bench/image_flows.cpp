// SPDX-License-Identifier: Apache-2.0
// bench_image_flows: whether a full-size image flow learns, and how long its epochs would take.
//
//   bench_image_flows CONFIG STEPS [--set key=value]...
//
// Takes steps of Adam (lr 1e-3, no warm-up) on one fixed batch with one fixed noise and probe, so
// that the loss is one function of the parameters; prints a line of JSON: the losses from the start
// on, evaluations forward and backward of the last step, median seconds and processor seconds a
// step, rows of the batch, peak resident memory [MiB]. Exit status 1 where the loss
// does not fall.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "io/json.hpp"
#include "model/batch_memory.hpp"
#include "model/pipeline.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/schemas.hpp"

namespace odeum::bench {
namespace {

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
  std::vector<double> processor_seconds;
  model::Evaluations evaluations;
  std::int64_t batch = 0;
};

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Course train_on_one_batch(const Config& root, int steps) {
  model::Pipeline pipeline(root, plugin::registry());
  const auto seed = static_cast<std::uint64_t>(root.integer("seed"));
  Course course;
  course.batch =
      std::min(pipeline.batch_rows(), pipeline.dataset().count(Split::train).value_or(0));
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
  for (int i = 0; i <= steps; ++i) {
    const auto memory = upload(theta, pipeline.parameters().size);
    const double begin = seconds_of(CLOCK_MONOTONIC);
    const double processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    const model::StepResult result =
        pipeline.train_step(batch, 0, {memory.get(), 0}, {buffers.get(), 0}, {slope.get(), 0});
    course.seconds.push_back(seconds_of(CLOCK_MONOTONIC) - begin);
    course.processor_seconds.push_back(seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor);
    course.losses.push_back(result.loss);
    course.evaluations = result.evaluations;
    std::fprintf(stderr, "step %d loss %.8g (%.2f s)\n", i, result.loss, course.seconds.back());
    std::vector<double> gradient;
    model::append_flat(pipeline.device(), {slope.get(), 0}, size, pipeline.precision(), gradient);
    adam.step(gradient, theta);
  }
  return course;
}

/// Without the first step, which compiles.
double median(std::vector<double> values) {
  const auto middle = values.begin() + 1 + static_cast<std::ptrdiff_t>(values.size() - 1) / 2;
  std::nth_element(values.begin() + 1, middle, values.end());
  return *middle;
}

int run(const std::string& file, int steps, const std::vector<std::string>& sets) {
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const Config root = cli::load(file, sets, train::root_schema(), plugin::registry());
  const Course course = train_on_one_batch(root, steps);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const io::Json json{{"losses", course.losses},
                      {"forward", course.evaluations.forward},
                      {"backward", course.evaluations.backward},
                      {"seconds", median(course.seconds)},
                      {"processor_seconds", median(course.processor_seconds)},
                      {"batch", course.batch},
                      {"peak_mib", static_cast<double>(usage.ru_maxrss) / 1024.0}};
  std::printf("%s\n", io::to_line(json).c_str());
  const bool falls = course.losses.back() < course.losses.front();
  if (!falls) std::fprintf(stderr, "the loss does not fall\n");
  return falls ? 0 : 1;
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  std::vector<std::string> sets;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--set") sets.emplace_back(argv[i + 1]);
  }
  const int steps = argc < 3 ? 0 : std::atoi(argv[2]);
  if (steps < 1 || argc != 3 + 2 * static_cast<int>(sets.size())) {
    std::cerr << "bench_image_flows CONFIG STEPS [--set key=value]...\n";
    return 2;
  }
  try {
    return odeum::bench::run(argv[1], steps, sets);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
