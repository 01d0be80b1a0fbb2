// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment, then --resume: parameters, optimizer state and metrics.jsonl are those of
// the undisturbed run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "odeum/random.hpp"

namespace odeum::testing_tool {
namespace {

constexpr int kKills = 10;

/// A checkpoint is written every few steps, so that kills fall near and into them.
std::string job(int steps) {
  std::string text = tiny_training(steps);
  const auto replace = [&](const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
  };
  replace("hidden: [8]", "hidden: [48, 48]");
  replace("checkpoint_every: 5", "checkpoint_every: 7");
  replace("evaluate_every: 8", "evaluate_every: 50");
  return text;
}

class Killed : public testing::Test {
 protected:
  fs::path run_folder(const std::string& name) const { return folder_ / name; }

  bool is_writing_a_checkpoint(const std::string& name) const {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(run_folder(name) / "checkpoints", gone)) {
      if (entry.path().extension() == ".partial") return true;
    }
    return false;
  }

  /// Halts the process with a checkpoint half written; where the write was over first, the next one
  /// is waited for.
  void stop_in_a_write(Process& process, const std::string& name) const {
    while (!process.ended()) {
      while (!process.ended() && !is_writing_a_checkpoint(name)) {
      }
      process.signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // until it has stopped
      if (is_writing_a_checkpoint(name)) return;
      process.signal(SIGCONT);
    }
  }

  std::string newest_checkpoint(const std::string& name) const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(run_folder(name) / "checkpoints")) {
      if (entry.path().filename().string().rfind("step-", 0) == 0) all.push_back(entry.path());
    }
    std::sort(all.begin(), all.end());
    return all.empty() ? "" : all.back().filename().string() + "\n" + read(all.back());
  }

  Folder folder_;
};

TEST_F(Killed, AtTenSeededMomentsAJobResumesToTheUndisturbedResult) {
  // As many steps as this machine does in about ten seconds.
  constexpr int kTrial = 200;
  write(folder_ / "job.yaml", job(kTrial));
  ASSERT_EQ(run({"train", "job.yaml", "--out", "trial"}, folder_.path()).status, 0);
  const fs::path trial = run_folder("trial") / "summary.json";
  const double trial_seconds = io::parse_json(read(trial), trial)["train_seconds"].get<double>();
  const int steps = std::clamp(static_cast<int>(10.0 / trial_seconds * kTrial), 500, 20000);
  write(folder_ / "job.yaml", job(steps));

  const auto whole = std::chrono::steady_clock::now();
  ASSERT_EQ(run({"train", "job.yaml", "--out", "undisturbed"}, folder_.path()).status, 0);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - whole).count();

  RandomStream random(stream_key(2026, Purpose::user, 0), 0);
  int killed = 0;
  int killed_while_writing = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    Process process({"train", "job.yaml", "--out", "killed", "--resume"}, folder_.path());
    // Anywhere from the start of the process to a tenth of the job; the sixth one during a write.
    const std::chrono::duration<double> moment(random.uniform() * seconds / kKills);
    const auto start = std::chrono::steady_clock::now();
    while (!process.ended() && std::chrono::steady_clock::now() - start < moment) {
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    if (kill == 5) stop_in_a_write(process, "killed");
    process.signal(SIGKILL);
    killed += process.wait().status == 128 + SIGKILL ? 1 : 0;
    if (kill == 5 && is_writing_a_checkpoint("killed")) ++killed_while_writing;
  }
  EXPECT_EQ(killed, kKills) << "the job was over before all kills";
  EXPECT_EQ(killed_while_writing, 1) << "the write was over before the kill";

  const Result last = run({"train", "job.yaml", "--out", "killed", "--resume"}, folder_.path());
  ASSERT_EQ(last.status, 0) << last.err;
  EXPECT_EQ(newest_checkpoint("killed"), newest_checkpoint("undisturbed"));
  EXPECT_EQ(read(run_folder("killed") / "checkpoints" / "best.safetensors"),
            read(run_folder("undisturbed") / "checkpoints" / "best.safetensors"));
  const std::string metrics = read(run_folder("killed") / "metrics.jsonl");
  EXPECT_EQ(metrics, read(run_folder("undisturbed") / "metrics.jsonl"));
  int step = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const io::Json json = io::parse_json(line, "metrics.jsonl");
    if (json.contains("validation")) continue;
    EXPECT_EQ(json["step"].get<int>(), std::min(step + 3, steps));
    step = json["step"].get<int>();
  }
  EXPECT_EQ(step, steps);
  // Nothing of the killed writers is left.
  EXPECT_FALSE(is_writing_a_checkpoint("killed"));
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().filename().string().find(".partial-"), std::string::npos);
  }
}

}  // namespace
}  // namespace odeum::testing_tool
