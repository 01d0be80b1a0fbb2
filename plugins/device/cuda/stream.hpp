// SPDX-License-Identifier: Apache-2.0
// The driver, and the stream that all work on a device is queued in.
#pragma once

#include <string>

#include "api.hpp"
#include "compiler.hpp"

namespace odeum::cuda {

/// The driver, opened once. Its functions, or why there is none.
struct OpenedDriver {
  Driver api{};
  std::string trouble;
};
const OpenedDriver& driver();

/// RunError naming what failed, the driver's words, and what to try; DeviceLost where the driver
/// says that the device stopped working.
[[noreturn]] void fail(const std::string& what, CUresult result);
void check(CUresult result, const char* what);

/// A device's primary context and a stream.
class Stream {
 public:
  explicit Stream(int index);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  CUstream handle() const { return stream_; }
  const std::string& name() const { return name_; }
  Capability capability() const { return capability_; }
  /// Makes the context the calling thread's.
  void enter() const;
  CUresult try_enter() const noexcept;
  /// Until all that was queued is done.
  CUresult wait() const noexcept;
  /// DeviceLost if the device stopped working.
  void require_device() const;
  /// Gives memory back to the pool, in the stream's order. Of a device that is lost nothing is left
  /// to give back.
  void release(CUdeviceptr memory) const noexcept;

 private:
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  std::string name_;
  Capability capability_;
};

}  // namespace odeum::cuda
