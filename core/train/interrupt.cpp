// SPDX-License-Identifier: Apache-2.0
#include "train/interrupt.hpp"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace odeum::train {
namespace {

volatile std::sig_atomic_t signals = 0;
struct sigaction previous_interrupt;
struct sigaction previous_terminate;

extern "C" void on_signal(int number) {
  signals = 1;
  // From here on the signal does what it does to any process.
  std::signal(number, SIG_DFL);
  const char text[] = "\nstopping after this step; once more to stop at once\n";
  const ssize_t ignored = ::write(STDERR_FILENO, text, sizeof text - 1);
  (void)ignored;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  signals = 0;
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &previous_interrupt);
  sigaction(SIGTERM, &action, &previous_terminate);
}

InterruptWatch::~InterruptWatch() {
  sigaction(SIGINT, &previous_interrupt, nullptr);
  sigaction(SIGTERM, &previous_terminate, nullptr);
}

bool InterruptWatch::requested() const { return signals != 0; }

}  // namespace odeum::train
