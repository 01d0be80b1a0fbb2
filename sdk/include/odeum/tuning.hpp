// SPDX-License-Identifier: Apache-2.0
// TunedDevice: what a device is as well, if it chooses its kernels from a table of measurements.
// The choice may change the last bits of results, so it must never depend on the clock of the run
// at hand: the table is fixed when the device is made, checkpoints carry its fingerprint, and a
// training is not resumed under another.
#pragma once

#include <functional>
#include <string>

namespace odeum::inline v1 {

class TunedDevice {
 public:
  virtual ~TunedDevice();

  /// The table in use, as text in one canonical form: equal choices, equal texts.
  virtual std::string table() const = 0;

  /// Measures on this machine (seconds to minutes) and returns the table of what was fastest, as
  /// a file that the device can be given. `progress` is told what is being measured, a line each.
  using Progress = std::function<void(const std::string& line)>;
  virtual std::string tune(const Progress& progress) = 0;
};

}  // namespace odeum::inline v1
