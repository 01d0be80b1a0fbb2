// SPDX-License-Identifier: Apache-2.0
// Programs with host calls on a device: cut where host functions run (stages.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "odeum/device.hpp"
#include "odeum/program.hpp"
#include "program/stages.hpp"

namespace odeum::program {

class Staged final : public Executable {
 public:
  /// Optimises the program with calls inlined, cuts it and compiles the pieces. The device outlives
  /// this. A program without host calls is one piece that reads and writes the caller's memory.
  /// Throws what Device::compile throws.
  Staged(const Program& program, Device& device, const CompileOptions& options = {});
  ~Staged() override;

  /// As Executable::run. A program with host calls waits for the device at each of them; what a
  /// host function throws passes through. Memory for values that cross between stages belongs to
  /// this object; it grows with the row count and never shrinks.
  void run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) override;
  std::size_t scratch_bytes(std::int64_t rows) const override;

  /// 1: no host calls.
  std::size_t pieces() const { return pieces_.size(); }

 private:
  /// Memory of one value: the device's, and the host's where the host cannot read the device's.
  struct Memory {
    std::shared_ptr<void> device;
    std::size_t capacity = 0;
    std::vector<std::byte> host;
  };
  struct Piece {
    Stage stage;
    std::unique_ptr<Executable> executable;  ///< null: nothing to compute
  };

  void reserve(std::int64_t rows);
  void run_host(const HostStep& step, std::int64_t rows, std::span<const View> inputs);
  void run_with_copies(const HostStep& step, std::int64_t rows);
  void gather_views(const HostStep& step, std::span<const View> inputs);
  View view(const Source& source, std::span<const View> inputs) const;

  Device& device_;
  std::vector<HostFunction::Value> crossings_;
  std::vector<Memory> memory_;
  std::vector<Piece> pieces_;
  std::vector<View> from_, to_;
  std::vector<const void*> host_from_;
  std::vector<void*> host_to_;
  std::vector<std::vector<std::byte>> arguments_;
};

}  // namespace odeum::program
