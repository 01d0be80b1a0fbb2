// SPDX-License-Identifier: Apache-2.0
// bench_convolutions: the three convolutions on the shapes of workload W4 and of a U-net, and W4's
// training step.
//
//   build/release/bench/bench_convolutions [layers|step] [--repeats N] [--threads N] [--keep WHAT]
//       [--set KEY=VALUE]...
//
// GF/s count the direct sum, two operations a product, whatever the algorithm. `share` is of the
// rate of a matrix product [768, 768] x [768, 768] on the same device in the same run: above 1
// where Winograd's algorithm saves products. Both rates are by the time of the processors, per
// thread, which other work on the machine disturbs less. Times are medians over rounds through all
// cases.
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "../plugins/loaded.hpp"
#include "cli/session.hpp"
#include "io/npy.hpp"
#include "model/batch_memory.hpp"
#include "model/pipeline.hpp"
#include "odeum/device.hpp"
#include "odeum/error.hpp"
#include "odeum/program.hpp"
#include "odeum/random.hpp"
#include "odeum/transforms.hpp"
#include "page_head.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/schemas.hpp"

namespace odeum::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string what, keep;
  int repeats = 5, threads = 0;  ///< 0: 1 and 2
  std::vector<std::string> sets;
};

double seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// --- Layers ---------------------------------------------------------------------------------

struct Layer {
  std::string name;
  std::int64_t images, in, out, side;
  std::int64_t kernel = 3, stride = 1;
};

struct Times {
  double wall = 0, cpu = 0;
};
double median_of(const std::vector<Times>& times, double Times::*which) {
  std::vector<double> values(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) values[i] = times[i].*which;
  return median(std::move(values));
}

/// A compiled program with its memory.
struct Loop {
  Loop(const std::shared_ptr<Device>& device, const std::vector<InputSpec>& inputs,
       const Body& body, std::int64_t rows_now)
      : rows(rows_now) {
    const Program program = optimize(record(inputs, body));
    executable = device->compile(program);
    RandomStream random(5, 0);
    const auto memory = [&](const Shape& shape) {
      std::vector<float> values(static_cast<std::size_t>(shape.elements(rows)));
      for (float& v : values) v = static_cast<float>(random.normal());
      memories.push_back(std::move(values));
      return View{memories.back().data(), 0};
    };
    for (const ValueId id : program.inputs) in.push_back(memory(program[id].shape));
    for (const ValueId id : program.outputs) out.push_back(memory(program[id].shape));
  }
  Times run() const {
    const double begin = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    executable->run(rows, in, out);
    return {seconds(CLOCK_MONOTONIC) - begin, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu};
  }

  std::int64_t rows;
  std::unique_ptr<Executable> executable;
  std::vector<std::vector<float>> memories;
  std::vector<View> in, out;
};

enum class Role { forward, input_gradient, weight_gradient };
constexpr const char* kRoles[] = {"forward", "backward data", "backward weights"};

std::unique_ptr<Loop> loop_of(const std::shared_ptr<Device>& device, const Layer& layer,
                              Role role) {
  const std::int64_t pad = layer.kernel / 2;
  const Window window{
      {layer.kernel, layer.kernel}, {layer.stride, layer.stride}, {pad, pad}, {pad, pad}, {1, 1}};
  const std::int64_t out = (layer.side + 2 * pad - layer.kernel) / layer.stride + 1;
  const std::vector<InputSpec> inputs = {
      {"x", {kRows, layer.in, layer.side, layer.side}, DType::f32},
      {"w", {layer.out, layer.in, layer.kernel, layer.kernel}, DType::f32},
      {"dy", {kRows, layer.out, out, out}, DType::f32}};
  return std::make_unique<Loop>(
      device, inputs,
      [window, role](std::span<const Tensor> in) {
        const Tensor y = conv(in[0], in[1], window);
        if (role == Role::forward) return std::vector<Tensor>{y};
        const std::size_t wanted = role == Role::input_gradient ? 0 : 1;
        return vjp(std::vector<Tensor>{y}, std::vector<Tensor>{in[wanted]},
                   std::vector<Tensor>{in[2]});
      },
      layer.images);
}

double flop(const Layer& layer) {
  const std::int64_t pad = layer.kernel / 2;
  const std::int64_t out = (layer.side + 2 * pad - layer.kernel) / layer.stride + 1;
  return 2.0 * static_cast<double>(layer.images * layer.in * layer.out * layer.kernel *
                                   layer.kernel * out * out);
}

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"W4 first", 64, 1, 64, 28},          {"W4 hidden", 64, 64, 64, 28},
      {"W4 last", 64, 64, 1, 28},           {"65 channels", 64, 65, 64, 28},
      {"U-net 32", 16, 32, 32, 64},         {"U-net 64 down", 16, 64, 128, 32, 3, 2},
      {"U-net 128", 16, 128, 128, 16},      {"U-net 256", 16, 256, 256, 8},
      {"U-net 1 x 1", 16, 256, 128, 16, 1},
  };
  return all;
}

int measure_layers(const Options& options) {
  std::printf(
      "| layer | images, in, out, side | direction | threads | ms | CPU ms | GF/s | share |\n");
  std::printf("|-|-|-|-|-|-|-|-|\n");
  for (const int threads :
       options.threads == 0 ? std::vector<int>{1, 2} : std::vector<int>{options.threads}) {
    const auto device =
        plugin_tests::make<Device>("cpu", "threads: " + std::to_string(threads) + "\n");
    constexpr std::int64_t kSide = 768;
    const Loop product(
        device, {{"a", {kRows, kSide}, DType::f32}, {"b", {kSide, kSide}, DType::f32}},
        [](std::span<const Tensor> in) { return std::vector<Tensor>{linear(in[0], in[1])}; },
        kSide);
    struct Row {
      const Layer* layer;
      Role role;
      std::unique_ptr<Loop> loop;
      std::vector<Times> times;
    };
    std::vector<Row> rows;
    for (const Layer& layer : layers()) {
      for (const Role role : {Role::forward, Role::input_gradient, Role::weight_gradient}) {
        rows.push_back({&layer, role, loop_of(device, layer, role), {}});
        rows.back().loop->run();
      }
    }
    std::vector<Times> yardstick;
    for (int repeat = 0; repeat < options.repeats; ++repeat) {
      yardstick.push_back(product.run());
      for (Row& row : rows) row.times.push_back(row.loop->run());
    }
    const double peak = 2.0 * kSide * kSide * kSide / median_of(yardstick, &Times::cpu);
    for (const Row& row : rows) {
      const double s = median_of(row.times, &Times::wall), cpu = median_of(row.times, &Times::cpu);
      const double rate = flop(*row.layer) / cpu;
      std::printf("| %s | %lld, %lld, %lld, %lld | %s | %d | %.2f | %.2f | %.0f | %.2f |\n",
                  row.layer->name.c_str(), static_cast<long long>(row.layer->images),
                  static_cast<long long>(row.layer->in), static_cast<long long>(row.layer->out),
                  static_cast<long long>(row.layer->side), kRoles[static_cast<int>(row.role)],
                  threads, 1e3 * s, 1e3 * cpu, 1e-9 * rate, rate / peak);
    }
    std::printf("| product | 768 | | %d | %.2f | %.2f | %.0f | 1 |\n", threads,
                1e3 * median_of(yardstick, &Times::wall), 1e3 * median_of(yardstick, &Times::cpu),
                1e-9 * peak);
  }
  return 0;
}

// --- W4's training step -----------------------------------------------------------------------

/// Images of random numbers, removed at the end.
class Images {
 public:
  Images()
      : path_(
            (fs::temp_directory_path() / ("w4_" + std::to_string(::getpid()) + ".npy")).string()) {
    RandomStream random(43, 0);
    std::vector<double> values(96 * 784);
    for (double& value : values) value = random.normal();
    io::write_npy(path_, io::make_array(DType::f32, {96, 1, 28, 28}, values));
  }
  ~Images() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Taken {
  double seconds = 0, cpu = 0, megabytes = 0, loss = 0, gradient = 0;
};

/// One step after a first one, in this process.
Taken train_step(const std::vector<std::string>& sets) {
  const Config root = cli::load(std::string(ODEUM_SOURCE) + "/tests/bench/workloads/w4.yaml", sets,
                                train::root_schema(), plugin::registry());
  model::Pipeline pipeline(root, plugin::registry());
  const auto on_device = [&](const std::vector<double>& values, std::int64_t size) {
    return model::upload_flat(pipeline.device(), values, static_cast<std::size_t>(size),
                              pipeline.precision());
  };
  const std::int64_t size = pipeline.parameters().size;
  const auto theta = on_device(pipeline.initial_parameters(), size);
  const auto buffers = on_device(pipeline.initial_buffers(), pipeline.buffers().size);
  const auto gradient = on_device({}, size);
  std::vector<std::int64_t> samples(static_cast<std::size_t>(pipeline.batch_rows()));
  std::iota(samples.begin(), samples.end(), std::int64_t{0});
  const model::Batch batch = train::read_rows(pipeline.dataset(), Split::train, 1,
                                              std::move(samples), pipeline.wanted_columns());
  Taken taken;
  for (int i = 0; i < 2; ++i) {
    const double begin = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    const auto result =
        pipeline.train_step(batch, 0, {theta.get(), 0}, {buffers.get(), 0}, {gradient.get(), 0});
    pipeline.device().synchronize();
    taken.seconds = seconds(CLOCK_MONOTONIC) - begin;
    taken.cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    taken.loss = result.loss;
  }
  std::vector<float> values(static_cast<std::size_t>(size));
  pipeline.device().download(values.data(), {gradient.get(), 0}, values.size() * sizeof(float));
  for (const float v : values) taken.gradient += static_cast<double>(v) * static_cast<double>(v);
  taken.gradient = std::sqrt(taken.gradient);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  taken.megabytes = static_cast<double>(usage.ru_maxrss) / 1024.0;
  return taken;
}

/// The same in a process of its own, whose peak memory is the step's.
Taken apart(const std::vector<std::string>& sets) {
  int ends[2];
  if (::pipe(ends) != 0) throw RunError("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const Taken taken = train_step(sets);
      ::_exit(::write(ends[1], &taken, sizeof taken) == sizeof taken ? 0 : 1);
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  Taken taken;
  const bool read = ::read(ends[0], &taken, sizeof taken) == sizeof taken;
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  if (!read) throw RunError("the step failed");
  return taken;
}

int measure_step(const Options& options) {
  const Images images;
  struct Row {
    std::string keep;
    int threads;
    std::vector<Taken> taken;
  };
  std::vector<Row> rows;
  for (const char* keep : {"residuals", "stages", "steps"}) {
    if (!options.keep.empty() && options.keep != keep) continue;
    for (const int threads :
         options.threads == 0 ? std::vector<int>{1, 2} : std::vector<int>{options.threads})
      rows.push_back({keep, threads, {}});
  }
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (Row& row : rows) {
      std::vector<std::string> sets = {"data.file=" + images.path(),
                                       "flow.gradient.keep=" + row.keep,
                                       "device.threads=" + std::to_string(row.threads)};
      sets.insert(sets.end(), options.sets.begin(), options.sets.end());
      row.taken.push_back(apart(sets));
    }
  }
  std::printf(
      "| keep | threads | s | CPU s | peak MB | loss | gradient's norm |\n|-|-|-|-|-|-|-|\n");
  for (const Row& row : rows) {
    std::vector<double> s, cpu;
    for (const Taken& t : row.taken) {
      s.push_back(t.seconds);
      cpu.push_back(t.cpu);
    }
    std::printf("| %s | %d | %.2f | %.2f | %.0f | %.9g | %.9g |\n", row.keep.c_str(), row.threads,
                median(s), median(cpu), row.taken[0].megabytes, row.taken[0].loss,
                row.taken[0].gradient);
  }
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "layers" || word == "step") {
      options.what = word;
    } else if (word == "--repeats" && more) {
      options.repeats = std::max(1, std::atoi(argv[++i]));
    } else if (word == "--threads" && more) {
      options.threads = std::atoi(argv[++i]);
    } else if (word == "--keep" && more) {
      options.keep = argv[++i];
    } else if (word == "--set" && more) {
      options.sets.emplace_back(argv[++i]);
    } else {
      throw ConfigError(
          "unknown word " + word +
          "; there are layers, step, --repeats N, --threads N, --keep WHAT, --set KEY=VALUE");
    }
  }
  plugin::set_plugin_path({ODEUM_PLUGINS});
  std::string command = "bench_convolutions";
  for (int i = 1; i < argc; ++i) command.append(" ").append(argv[i]);
  std::cout << page_head(command) << std::endl;
  if (options.what != "step") measure_layers(options);
  if (options.what != "layers") measure_step(options);
  return 0;
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  try {
    return odeum::bench::run(argc, argv);
  } catch (const odeum::ConfigError& error) {
    std::cerr << "bench_convolutions: " << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "bench_convolutions: " << error.what() << "\n";
    return 1;
  }
}
