// SPDX-License-Identifier: Apache-2.0
// Machine: what a device of generated kernels must be able to do. The rest, from program to
// launches, is shared: `compile` makes an Executable for any machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernelgen/dialect.hpp"
#include "kernelgen/plan.hpp"
#include "odeum/device.hpp"

namespace odeum::kernelgen {

/// A module's text and the kernels in it.
struct Source {
  std::string program;  ///< its name, for errors
  std::string text;
  std::vector<std::string> kernels;
  std::vector<int> threads;  ///< of a group, by kernel
};

/// A built module.
class Module {
 public:
  virtual ~Module() = default;
  /// Queues kernel number `kernel` with `groups` (> 0) groups of its threads. Launches run in
  /// order.
  virtual void launch(int kernel, std::int64_t groups, std::int64_t rows, std::int64_t parts,
                      std::span<const View> places) = 0;
};

/// What was queued, to be queued again with the same arguments.
class Recorded {
 public:
  virtual ~Recorded() = default;
  virtual void replay() = 0;
};

/// Device::traffic, while it goes on.
struct Counts {
  std::atomic<std::int64_t> launches{0}, replays{0}, synchronizations{0}, uploads{0}, downloads{0};
  DeviceTraffic traffic() const {
    return {launches, replays, synchronizations, uploads, downloads};
  }
};

/// Every size in bytes is above 0. What fails because the device stopped working is DeviceLost.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Dialect dialect() const = 0;
  /// Local memory that the threads of a group can share.
  virtual std::int64_t local_bytes() const { return kLocalBytes; }
  /// As Device's; RunError without memory. Memory may be released in any thread.
  virtual std::shared_ptr<void> allocate(std::size_t bytes) = 0;
  /// Adds to the counts' synchronizations where it has to wait.
  virtual void upload(View to, const void* from, std::size_t bytes) = 0;
  /// Returns when the bytes are there.
  virtual void download(void* to, View from, std::size_t bytes) = 0;
  /// As Device's. It counts its downloads itself, and a wait only where it has to wait.
  virtual std::unique_ptr<Readback> readback(std::size_t bytes) = 0;
  /// The two places do not overlap.
  virtual void copy(View to, View from, std::size_t bytes) = 0;
  virtual void fill_zero(View to, std::size_t bytes) = 0;
  /// Returns when all that was queued is done.
  virtual void synchronize() = 0;
  /// From how many multiplications on a contraction goes to `multiply`; kNoLibrary: none does.
  virtual std::int64_t library_from() const { return kNoLibrary; }
  /// Queues C = A B for this many rows; every extent is above 0, places are where A, B, C begin.
  virtual void multiply(const LibraryProduct& product, std::int64_t rows, View a, View b, View c);
  /// Does it add a bias to a float32 product?
  virtual bool adds_biases() const { return false; }
  /// As `multiply`, of a product that is biased.
  virtual void multiply_and_add(const LibraryProduct& product, std::int64_t rows, View a, View b,
                                View bias, View c);
  /// From how many multiplications on a convolution goes to `convolve`; kNoLibrary: none does.
  virtual std::int64_t convolutions_from() const { return kNoLibrary; }
  /// Queues the convolution for this many rows; no extent is 0, places are where the operands and
  /// the result begin.
  virtual void convolve(const LibraryConvolution& convolution, std::int64_t rows, View first,
                        View second, View result);
  /// Throws RunError with the compiler's words where the text does not build.
  virtual std::unique_ptr<Module> build(const Source& source) = 0;

  /// Can it record?
  virtual bool records() const { return false; }
  /// What `queue` queues, to be replayed; it is not run. `queue` has been called before, allocates
  /// and builds nothing, and launches, multiplies and clears only.
  virtual std::unique_ptr<Recorded> record(const std::function<void()>& queue);

  Counts& counts() { return counts_; }

 private:
  Counts counts_;
};

/// The program as an executable of the machine. Kernels are built at the first run that needs them,
/// all of a program and a set of wanted outputs as one module.
std::unique_ptr<Executable> compile(const Program& program, const CompileOptions& options,
                                    std::shared_ptr<Machine> machine);

/// All modules of a program, for whoever builds without running: text for indices of this width.
Source source_of(const Program& program, const CompileOptions& options, Dialect dialect,
                 IndexWidth width = IndexWidth::bits32);

}  // namespace odeum::kernelgen
