// SPDX-License-Identifier: Apache-2.0
// bench_speeds: how long a training step takes on the workloads that peers were measured on, by
// odeum alone: for perf, and for two builds beside each other. tests/bench/compare measures peers
// in the same run.
//
//   env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE build/release/bench/bench_speeds
//       [--only TEXT] [--repeats N] [--out FILE]
//
// --only takes the cases whose "workload mode" contains the text and prints instead of writing.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "bench.hpp"
#include "io/npy.hpp"
#include "odeum/error.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "speed_report.hpp"

namespace odeum::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string only;
  int repeats = 7;
  std::string out = std::string(ODEUM_SOURCE) + "/docs/results/first-speeds.md";
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw ConfigError(name + " needs a value");
    if (name == "--only") {
      options.only = argv[i + 1];
    } else if (name == "--repeats") {
      options.repeats = std::max(1, std::atoi(argv[i + 1]));
    } else if (name == "--out") {
      options.out = argv[i + 1];
    } else {
      throw ConfigError("unknown option " + name + "; there are --only, --repeats, --out");
    }
  }
  return options;
}

/// These halve OpenBLAS where they do not fit the processor.
void require_plain_blas() {
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    if (std::getenv(name) != nullptr)
      throw ConfigError(std::string(name) + " is set, which changes the speed: env -u " + name);
  }
}

/// A file of 43 standard normal columns, removed at the end.
class WideFile {
 public:
  WideFile() {
    std::string folder = (fs::temp_directory_path() / "odeum_bench_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw RunError("no temporary folder can be made");
    folder_ = folder;
    RandomStream random(43, 0);
    std::vector<double> values(2000 * 43);
    for (double& value : values) value = random.normal();
    io::write_npy(path(), io::make_array(DType::f32, {2000, 43}, values));
  }
  ~WideFile() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  WideFile(const WideFile&) = delete;
  WideFile& operator=(const WideFile&) = delete;
  std::string path() const { return (folder_ / "wide.npy").string(); }

 private:
  fs::path folder_;
};

double process_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double timed_ms(const Prepared& prepared, Run& run) {
  const auto begin = Clock::now();
  run = prepared.run();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Repeats run round after round over all cases, so that a disturbance of the machine hits all.
void measure(std::vector<Measured>& all, int repeats) {
  std::vector<Prepared> prepared;
  for (Measured& m : all) {
    prepared.push_back(prepare(m.what));
    m.assembly_ms = 1e3 * prepared.back().assembly_seconds;
    m.first_run_ms = timed_ms(prepared.back(), m.run);
    std::cerr << m.what.workload << " " << m.what.mode << ", threads " << m.what.threads
              << ": first step " << m.first_run_ms << " ms" << std::endl;
  }
  constexpr int kWideRepeats = 3;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].what.workload == "W3" && repeat >= kWideRepeats) continue;
      const double before = process_ms();
      all[i].ms.push_back(timed_ms(prepared[i], all[i].run));
      all[i].cpu_ms.push_back(process_ms() - before);
    }
  }
}

}  // namespace

void run(int argc, char** argv) {
  require_plain_blas();
  const Options options = parse(argc, argv);
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const WideFile wide;
  std::vector<Measured> all;
  for (const Case& one : cases(wide.path())) {
    if ((one.workload + " " + one.mode).find(options.only) == std::string::npos) continue;
    all.emplace_back();
    all.back().what = one;
  }
  if (all.empty()) throw ConfigError("no case contains '" + options.only + "'");
  measure(all, options.repeats);
  const std::string page =
      report(all, "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE bench_speeds --repeats " +
                      std::to_string(options.repeats));
  std::cout << page;
  if (!options.only.empty()) return;
  fs::create_directories(fs::path(options.out).parent_path());
  std::ofstream(options.out) << page;
}

}  // namespace odeum::bench
