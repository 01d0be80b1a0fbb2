// SPDX-License-Identifier: Apache-2.0
#include "train/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace odeum::train {
namespace {

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

std::size_t terminal_width() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::fmax(seconds, 0.0)));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

ProgressLine::ProgressLine(std::int64_t steps, std::int64_t first)
    : steps_(steps), first_(first), terminal_(is_terminal()) {}

ProgressLine::~ProgressLine() { clear(); }

std::string ProgressLine::text(const Seen& seen) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const auto done = static_cast<double>(seen.step - first_);
  const double left = seconds / done * static_cast<double>(steps_ - seen.step);
  char text[256];
  std::snprintf(text, sizeof text,
                "step %lld/%lld  loss %.4g  evaluations/solve %.0f  samples/s %.0f  left %s",
                static_cast<long long>(seen.step), static_cast<long long>(steps_), seen.loss,
                seen.evaluations, static_cast<double>(samples_) / seconds,
                duration_text(left).c_str());
  return text;
}

void ProgressLine::step(const Seen& seen) {
  samples_ += seen.samples;
  const Clock::time_point now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  const bool bound = seen.step == first_ + 1 || seen.step == steps_;
  if (!bound && now - last_ < pause) return;
  last_ = now;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", text(seen).c_str());
    return;
  }
  std::string line = text(seen);
  line.resize(std::min(line.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::note(const std::string& text) {
  clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void ProgressLine::clear() {
  if (!drawn_) return;
  std::fprintf(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace odeum::train
