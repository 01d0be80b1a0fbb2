// SPDX-License-Identifier: Apache-2.0
// bench_cost: how a training step's processor time grows with the batch, with the number of
// evaluations and with the depth of the field; writes docs/results/cost.md.
//
//   bench_cost [--repeats N] [--out FILE]
//
// One thread. Times are processor time, which other work on the machine disturbs least; of each
// case the smallest of N, taken in turns.
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench.hpp"
#include "odeum/error.hpp"
#include "page_head.hpp"
#include "plugin/registry.hpp"
#include "training_step.hpp"

namespace odeum::bench {
namespace {

struct Options {
  int repeats = 9;
  std::string out = std::string(ODEUM_SOURCE) + "/docs/results/cost.md";
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw ConfigError(name + " needs a value");
    if (name == "--repeats") {
      options.repeats = std::max(1, std::atoi(argv[i + 1]));
    } else if (name == "--out") {
      options.out = argv[i + 1];
    } else {
      throw ConfigError("unknown option " + name + "; there are --repeats, --out");
    }
  }
  return options;
}

double process_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

struct Point {
  int factor = 1;
  std::unique_ptr<TrainingStep> step;
  std::int64_t evaluations = 0;
  double ms = HUGE_VAL;
};

/// One quantity times 1, 2, 4, ...; all else fixed.
struct Axis {
  std::string title, quantity;
  std::vector<Point> points;
};

std::unique_ptr<TrainingStep> prepared(const std::string& file, std::vector<std::string> sets) {
  sets.emplace_back("device.threads=1");
  auto step = std::make_unique<TrainingStep>(
      std::string(ODEUM_SOURCE) + "/tests/bench/workloads/" + file, sets);
  step->fill(1.0);
  return step;
}

std::string hidden(int layers, int width) {
  std::string list = "flow.field.hidden=[";
  for (int i = 0; i < layers; ++i) list += (i > 0 ? ", " : "") + std::to_string(width);
  return list + "]";
}

std::vector<Axis> axes() {
  std::vector<Axis> all;
  all.push_back({"Batch: W2, four steps of the 3/8 rule", "samples", {}});
  for (const int factor : {1, 2, 4, 8, 16}) {
    all.back().points.push_back(
        {factor, prepared("w2.yaml", {"data.batch=" + std::to_string(256 * factor)})});
  }
  all.push_back({"Evaluations: W2 with a batch of 512, 2 to 32 steps", "steps", {}});
  for (const int factor : {1, 2, 4, 8, 16}) {
    all.back().points.push_back({factor, prepared("w2.yaml", {"flow.solver={use: kutta38, steps: " +
                                                              std::to_string(2 * factor) + "}"})});
  }
  all.push_back({"Depth: W2 with a batch of 512 and 2 to 16 layers of 64 x 64", "layers", {}});
  for (const int factor : {1, 2, 4, 8}) {
    all.back().points.push_back({factor, prepared("w2.yaml", {hidden(2 * factor + 1, 64)})});
  }
  return all;
}

void measure(std::vector<Axis>& all, int repeats) {
  for (Axis& axis : all) {
    for (Point& point : axis.points) point.step->run();
  }
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (Axis& axis : all) {
      for (Point& point : axis.points) {
        const double begin = process_ms();
        point.evaluations = point.step->run().evaluations.forward;
        point.ms = std::min(point.ms, process_ms() - begin);
      }
    }
  }
}

/// Of log time over log factor, by least squares.
double slope(const std::vector<Point>& points) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(points.size());
  for (const Point& p : points) {
    const double a = std::log(p.factor), b = std::log(p.ms);
    x += a;
    y += b;
    xx += a * a;
    xy += a * b;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

std::string text(const char* format, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string page(const std::vector<Axis>& all, const std::string& command) {
  std::string md = "# What a training step costs, and how that grows\n\n" + page_head(command) +
                   "\nProcessor time of one forward and backward pass on one thread, float32: the "
                   "smallest of the repeats, which go round\nover all cases. Slope: of log time "
                   "over log factor, by least squares; 1 is linear.\n";
  for (const Axis& axis : all) {
    md += "\n## " + axis.title + "\n\n| " + axis.quantity +
          " | evaluations | ms | over x 1 | over linear |\n|-|-|-|-|-|\n";
    for (const Point& p : axis.points) {
      const double ratio = p.ms / axis.points.front().ms;
      md += "| x " + std::to_string(p.factor) + " | " + std::to_string(p.evaluations) + " | " +
            text("%.2f", p.ms) + " | " + text("%.2f", ratio) + " | " +
            text("%.2f", ratio / p.factor) + " |\n";
    }
    md += "\nSlope: " + text("%.2f", slope(axis.points)) + "\n";
  }
  return md;
}

}  // namespace

void run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  plugin::set_plugin_path({ODEUM_PLUGINS});
  std::vector<Axis> all = axes();
  measure(all, options.repeats);
  const std::string result = page(all, "bench_cost --repeats " + std::to_string(options.repeats));
  std::cout << result;
  std::ofstream(options.out) << result;
}

}  // namespace odeum::bench
