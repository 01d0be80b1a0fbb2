// SPDX-License-Identifier: Apache-2.0
// A device for tests that runs programs through the reference interpreter.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "odeum/device.hpp"
#include "odeum/reference.hpp"

namespace odeum::testing {

class InterpreterDevice : public Device {
 public:
  std::string probe() const override { return ""; }
  bool host_addressable() const override { return true; }
  std::shared_ptr<void> allocate(std::size_t bytes) override {
    ++allocations;
    const std::size_t rounded = (bytes + 63) / 64 * 64;
    *held_ += rounded;
    peak_bytes = std::max(peak_bytes, *held_);
    return {std::aligned_alloc(64, rounded), [held = held_, rounded](void* memory) {
              *held -= rounded;
              std::free(memory);
            }};
  }
  void upload(View to, const void* from, std::size_t bytes) override {
    std::memcpy(to.host<char>(), from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    ++downloads;
    std::memcpy(to, from.host<char>(), bytes);
  }
  void copy(View to, View from, std::size_t bytes) override {
    std::memcpy(to.host<char>(), from.host<char>(), bytes);
  }
  void fill_zero(View to, std::size_t bytes) override { std::memset(to.host<char>(), 0, bytes); }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override {
    return compile_for_reference(program, options);
  }
  void synchronize() override {}

  int allocations = 0;
  int downloads = 0;
  std::size_t peak_bytes = 0;  ///< the most that was allocated at once

 private:
  std::shared_ptr<std::size_t> held_ = std::make_shared<std::size_t>(0);
};

}  // namespace odeum::testing
