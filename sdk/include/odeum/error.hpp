// SPDX-License-Identifier: Apache-2.0
// The error types that cross the border between core and plugins.
//
// Three kinds of trouble, three answers: a user's mistake is a ConfigError (message, place, fix;
// exit status 2), a numerical outcome is a status value (odeum/solve.hpp), a bug is a failed
// ODEUM-side assertion, reported by `bug` with the values that show it.
#pragma once

#include <stdexcept>
#include <string>

namespace odeum::inline v1 {

/// Where a user wrote something: a file position, or the command line.
struct Place {
  std::string file;
  int line = 0;    ///< 1-based; 0: no line (a whole file, a command-line argument)
  int column = 0;  ///< 1-based; 0: no column

  /// "file:line:col", "file", or "" when nothing is known.
  std::string text() const;
};

/// A user's mistake: what is wrong, where it was written and what to do. Exit status 2.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const std::string& message);
  ConfigError(const Place& place, const std::string& message);
  ConfigError(const ConfigError&);
  ~ConfigError() override;
};

/// Something failed while running (a solve that must not fail, no memory). Exit status 1.
class RunError : public std::runtime_error {
 public:
  explicit RunError(const std::string& message);
  RunError(const RunError&);
  ~RunError() override;
};

/// A device stopped working: what lay in its memory is gone, and it takes no more work from this
/// process. Exit status 1; a training run goes on from its last checkpoint with --resume.
class DeviceLost : public RunError {
 public:
  explicit DeviceLost(const std::string& message);
  DeviceLost(const DeviceLost&);
  ~DeviceLost() override;
};

/// Reports a broken invariant of odeum or of a plugin: throws std::logic_error with `message`.
[[noreturn]] void bug(const std::string& message);

}  // namespace odeum::inline v1
