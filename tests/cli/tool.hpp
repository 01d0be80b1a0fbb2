// SPDX-License-Identifier: Apache-2.0
// The odeum tool as tests run it: a child process with its own output and exit status.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace odeum::testing_tool {

namespace fs = std::filesystem;

inline std::string read(const fs::path& file) {
  std::ifstream input(file, std::ios::binary);
  std::ostringstream text;
  text << input.rdbuf();
  return text.str();
}

inline void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

/// A folder that disappears with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "odeum-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// Seconds before a child that hangs is killed, so that a test fails instead of waiting.
inline constexpr int kPatience = 300;

struct Result {
  int status = -1;  ///< exit status; 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

/// A running tool.
class Process {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  Process(std::vector<std::string> arguments, const fs::path& folder,
          const Environment& environment = {})
      : out_(folder / "stdout.txt"), err_(folder / "stderr.txt") {
    const char* tool = std::getenv("ODEUM_TOOL");
    arguments.insert(arguments.begin(), tool == nullptr ? "" : tool);
    id_ = ::fork();
    if (id_ != 0) return;
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    redirect(out_, STDOUT_FILENO);
    redirect(err_, STDERR_FILENO);
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    std::vector<char*> words;
    words.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  ~Process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const { ::kill(id_, number); }
  /// Whether it has ended; then `wait` returns at once.
  bool ended() {
    if (id_ > 0 && ::waitpid(id_, &raw_, WNOHANG) == id_) id_ = 0;
    return id_ == 0;
  }
  Result wait() {
    const auto begin = std::chrono::steady_clock::now();
    while (!ended()) {
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(kPatience)) {
        ADD_FAILURE() << "the tool hangs";
        signal(SIGKILL);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const int status = WIFEXITED(raw_) ? WEXITSTATUS(raw_) : 128 + WTERMSIG(raw_);
    return {status, read(out_), read(err_)};
  }

 private:
  static void redirect(const fs::path& file, int to) {
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(opened, to);
    ::close(opened);
  }

  pid_t id_ = 0;
  int raw_ = 0;
  fs::path out_, err_;
};

/// Runs the tool in `folder` until it ends.
inline Result run(std::vector<std::string> arguments, const fs::path& folder,
                  const Process::Environment& environment = {}) {
  return Process(std::move(arguments), folder, environment).wait();
}

/// A training that takes a fraction of a second: a small field, given steps.
inline std::string tiny_training(int steps = 20) {
  return "seed: 3\n"
         "data: {use: eight_gaussians, batch: 32}\n"
         "model:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    field: {use: mlp, hidden: [8], activation: softplus, time: concat}\n"
         "    solver: {use: rk4, steps: 2}\n"
         "    divergence: {estimator: hutchinson, evaluate: {estimator: exact}}\n"
         "    regularizers:\n"
         "      - {use: kinetic, weight: 0.01}\n"
         "objective: likelihood\n"
         "optimizer: {use: adam, lr: 1e-2, schedule: cosine}\n"
         "train: {steps: " +
         std::to_string(steps) +
         ", log_every: 3, evaluate_every: 8, evaluate_samples: 64, test_samples: 200, "
         "checkpoint_every: 5}\n";
}

/// What other devices train beside cpu: 20 steps of a flow by the 3/8 rule, a line of metrics each.
inline std::string kutta38_training() {
  return "seed: 3\n"
         "data: {use: eight_gaussians, batch: 32}\n"
         "model:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    field: {use: mlp, hidden: [8], activation: softplus, time: concatsquash}\n"
         "    solver: {use: kutta38, steps: 2}\n"
         "    divergence: {estimator: hutchinson, evaluate: {estimator: exact}}\n"
         "objective: likelihood\n"
         "optimizer: {use: adam, lr: 5e-3}\n"
         "train: {steps: 20, log_every: 1, checkpoint_every: 10, test_samples: 32}\n";
}

/// The last line of a text that ends in a newline.
inline std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

}  // namespace odeum::testing_tool
