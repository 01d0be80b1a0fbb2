// SPDX-License-Identifier: Apache-2.0
#include "plugin/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "odeum/error.hpp"

namespace odeum::plugin {
namespace {

// What the child's answer begins with.
constexpr char kText = 'T';
constexpr char kError = 'E';

void write_all(int descriptor, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(descriptor, text.data() + done, text.size() - done);
    if (n <= 0 && errno != EINTR) return;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void be_the_child(int descriptor, const std::function<std::string()>& work) {
  std::string answer;
  try {
    answer = kText + work();
  } catch (const std::exception& error) {
    answer = kError + std::string(error.what());
  } catch (...) {
    answer = kError + std::string("an exception of an unknown type");
  }
  write_all(descriptor, answer);
  ::_exit(0);
}

// Everything that the child writes, until it ends or the time is up (false).
bool read_all(int descriptor, std::chrono::steady_clock::time_point end, std::string& text) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{descriptor, POLLIN, 0};
    const int events = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (events < 0 && errno == EINTR) continue;
    if (events <= 0) return false;
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* name = ::sigabbrev_np(signal);
    return std::string("crashed (") + (name ? "SIG" + std::string(name) : std::to_string(signal)) +
           ")";
  }
  return "ended the process (status " + std::to_string(WEXITSTATUS(status)) + ")";
}

}  // namespace

std::string in_child(const std::string& what, const std::function<std::string()>& work,
                     std::chrono::seconds limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw RunError(std::string("no pipe to a child process: ") + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw RunError(std::string("no child process: ") + std::strerror(errno));
  }
  if (child == 0) {
    ::close(ends[0]);
    be_the_child(ends[1], work);
  }
  ::close(ends[1]);
  std::string answer;
  const bool in_time = read_all(ends[0], std::chrono::steady_clock::now() + limit, answer);
  ::close(ends[0]);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    throw ConfigError(what + " did not answer within " + std::to_string(limit.count()) +
                      " seconds");
  const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !answer.empty();
  if (!ended_well) throw ConfigError(what + " " + how_it_ended(status));
  if (answer[0] == kError) throw ConfigError(answer.substr(1));
  return answer.substr(1);
}

}  // namespace odeum::plugin
