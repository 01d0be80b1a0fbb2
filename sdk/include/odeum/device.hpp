// SPDX-License-Identifier: Apache-2.0
// Device: where programs run. Five verbs: allocate, copy, compile, run, synchronize; and `probe`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::inline v1 {

/// A place in a device's memory: an allocation's handle and a byte offset. On a device whose
/// memory the host can address (`cpu`) the handle is the address.
struct View {
  void* base = nullptr;
  std::size_t offset = 0;

  explicit operator bool() const { return base != nullptr; }
  View operator+(std::size_t bytes) const { return {base, offset + bytes}; }
  template <class T>
  T* host() const {  ///< only where Device::host_addressable()
    return reinterpret_cast<T*>(static_cast<std::byte*>(base) + offset);
  }
};

enum class OutputMode : std::uint8_t { overwrite, accumulate };

struct CompileOptions {
  std::string name;                 ///< shows in errors and profiles
  std::vector<OutputMode> outputs;  ///< empty: all overwrite
};

/// A compiled program. `run` is called from one thread at a time; it allocates nothing when the
/// same or a smaller number of rows has been run before.
class Executable {
 public:
  virtual ~Executable();
  /// Inputs and outputs in the program's order, contiguous and row-major. Outputs do not overlap
  /// inputs nor each other. A null view as output: that output is not wanted. Results
  /// may be awaited with Device::synchronize. Non-finite numbers are values, not errors.
  virtual void run(std::int64_t rows, std::span<const View> inputs,
                   std::span<const View> outputs) = 0;
  /// Bytes of scratch memory for a number of rows.
  virtual std::size_t scratch_bytes(std::int64_t rows) const = 0;
};

/// What a device has been asked for since it was opened. Zeros where there is nothing to count:
/// work that runs where it is asked for.
struct DeviceTraffic {
  std::int64_t launches = 0;  ///< kernels and library calls that were queued one by one
  std::int64_t replays = 0;   ///< queued sequences of them that had been recorded before
  /// Times the host waited: downloads included, readbacks and uploads only where they did.
  std::int64_t synchronizations = 0;
  std::int64_t uploads = 0;
  std::int64_t downloads = 0;
};

/// Host memory that a device's results come to while the host goes on. It does not outlive its
/// device; what is still on its way when it ends is given up.
class Readback {
 public:
  virtual ~Readback();
  /// Queues a transfer to `at`, in bytes from the beginning: of what `from` holds once all that was
  /// queued before is done. Whatever is queued behind it may write to `from`.
  virtual void read(std::size_t at, View from, std::size_t bytes) = 0;
  /// Returns when all that was read is there: the first byte, valid until the next `read`.
  virtual const std::byte* wait() = 0;
};

/// Where a device stopped working while it was used, every verb throws DeviceLost.
class Device {
 public:
  virtual ~Device();

  /// Why this device cannot be used here; empty when it can. Called before anything else.
  virtual std::string probe() const = 0;
  virtual bool host_addressable() const { return false; }

  /// Memory, aligned to 64 bytes, released with the last owner. Throws RunError when there is
  /// none left, naming the size.
  virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
  virtual void upload(View to, const void* from, std::size_t bytes) = 0;
  virtual void download(void* to, View from, std::size_t bytes) = 0;  ///< waits for the value
  virtual void copy(View to, View from, std::size_t bytes) = 0;
  virtual void fill_zero(View to, std::size_t bytes) = 0;

  /// The program is optimised (odeum/program.hpp), with calls inlined and without host calls.
  /// An operation that the device lacks is a ConfigError naming it.
  virtual std::unique_ptr<Executable> compile(const Program& program,
                                              const CompileOptions& options = {}) = 0;
  virtual void synchronize() = 0;
  virtual DeviceTraffic traffic() const;
  /// Room for so many bytes (> 0). Where a device has nothing better, reading waits.
  virtual std::unique_ptr<Readback> readback(std::size_t bytes);
};

}  // namespace odeum::inline v1
