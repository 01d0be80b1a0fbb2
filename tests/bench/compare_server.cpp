// SPDX-License-Identifier: Apache-2.0
// bench_compare: odeum's side of the comparison with peers. tests/bench/compare starts it and says
// line by line, in fields divided by tabs, what to do; the answer is a line of JSON.
//
//   step  FILE GAIN [SET]...   opens a training step: {"seconds": recorded and compiled}
//   solve FILE ROWS [SET]...   opens an initial value problem
//   run                        once: {"ms", "cpu_ms", "forward", "backward", "loss"}
//   problem FOLDER             writes parameters, data and probe, or initial states
//   result FOLDER              writes the last gradient, or the last state
//   memory                     {"peak": MiB of resident memory, "kept": MiB between the passes}
//
// Opening closes what was open.
#include <time.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "initial_value_solve.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"
#include "training_step.hpp"

namespace odeum::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double process_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024.0;
  }
  return 0.0;
}

Words split(const std::string& line) {
  Words words;
  std::istringstream text(line);
  for (std::string word; std::getline(text, word, '\t');) words.push_back(word);
  return words;
}

class Session {
 public:
  std::string answer(const Words& words) {
    if (words.at(0) == "step" || words.at(0) == "solve") return open(words);
    if (words[0] == "run") return run();
    if (words[0] == "memory") return memory();
    const bool problem = words[0] == "problem";
    if (!problem && words[0] != "result") throw ConfigError("no such request: " + words[0]);
    if (step_) problem ? step_->write_problem(words.at(1)) : step_->write_gradient(words.at(1));
    if (solve_) problem ? solve_->write_problem(words.at(1)) : solve_->write_end(words.at(1));
    return "{}";
  }

 private:
  std::string open(const Words& words) {
    step_.reset();
    solve_.reset();
    const Words sets(words.begin() + 3, words.end());
    const auto begin = Clock::now();
    if (words[0] == "step") {
      step_ = std::make_unique<TrainingStep>(words.at(1), sets);
    } else {
      solve_ = std::make_unique<InitialValueSolve>(words.at(1), sets, std::stol(words.at(2)));
    }
    const double ms = ms_since(begin);
    if (step_) step_->fill(std::stod(words.at(2)));
    if (solve_) solve_->fill();
    return "{\"seconds\": " + std::to_string(1e-3 * ms) + "}";
  }

  std::string run() {
    std::ostringstream out;
    out.precision(17);
    const double cpu = process_ms();
    const auto begin = Clock::now();
    model::StepResult result;
    if (step_) result = step_->run();
    if (solve_) result.evaluations.forward = solve_->run();
    out << "{\"ms\": " << ms_since(begin) << ", \"cpu_ms\": " << process_ms() - cpu
        << ", \"forward\": " << result.evaluations.forward
        << ", \"backward\": " << result.evaluations.backward << ", \"loss\": " << result.loss
        << "}";
    return out.str();
  }

  std::string memory() const {
    const double kept = step_ ? static_cast<double>(step_->kept_bytes()) : 0.0;
    return "{\"peak\": " + std::to_string(peak_mib()) +
           ", \"kept\": " + std::to_string(kept / 1048576.0) + "}";
  }

  std::unique_ptr<TrainingStep> step_;
  std::unique_ptr<InitialValueSolve> solve_;
};

}  // namespace
}  // namespace odeum::bench

int main() {
  try {
    odeum::plugin::set_plugin_path({ODEUM_PLUGINS});
    odeum::bench::Session session;
    for (std::string line; std::getline(std::cin, line);)
      std::cout << session.answer(odeum::bench::split(line)) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "bench_compare: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
