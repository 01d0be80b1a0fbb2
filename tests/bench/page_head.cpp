// SPDX-License-Identifier: Apache-2.0
#include "page_head.hpp"

#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

namespace odeum::bench {
namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  char buffer[256];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) text += buffer;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "unknown" : text;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string load() {
  std::ifstream file("/proc/loadavg");
  std::string one;
  file >> one;
  return one;
}

}  // namespace

std::string page_head(const std::string& command) {
  const std::string git = std::string("git -C '") + ODEUM_SOURCE + "' ";
  const bool changed = output_of(git + "status --porcelain 2>/dev/null") != "unknown";
  return "Command: `" + command +
         "`  \nCommit: " + output_of(git + "rev-parse --short HEAD 2>/dev/null") +
         (changed ? " with changes" : "") + "  \nCPU: " + processor() + ", " +
         std::to_string(std::thread::hardware_concurrency()) + " cores; load average at the end " +
         load() + "\n\n";
}

}  // namespace odeum::bench
