// SPDX-License-Identifier: Apache-2.0
// A device whose memory is the host's and whose programs run through odeum's reference evaluator:
// correct, not fast. Put your own compiler behind `compile`, one operation after the other, and
// keep `odeum verify` passing.
#include <cstdlib>
#include <cstring>
#include <odeum/device.hpp>
#include <odeum/plugin.hpp>
#include <odeum/reference.hpp>

namespace {

using namespace odeum;

class Plain final : public Device {
 public:
  static Schema schema() { return Schema("The host's memory and the reference evaluator"); }

  std::string probe() const override { return ""; }  // usable everywhere
  bool host_addressable() const override { return true; }

  std::shared_ptr<void> allocate(std::size_t bytes) override {
    void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == nullptr) throw RunError("no memory left for " + std::to_string(bytes) + " bytes");
    return {memory, std::free};
  }
  void upload(View to, const void* from, std::size_t bytes) override {
    std::memcpy(to.host<char>(), from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    std::memcpy(to, from.host<char>(), bytes);
  }
  void copy(View to, View from, std::size_t bytes) override {
    std::memmove(to.host<char>(), from.host<char>(), bytes);
  }
  void fill_zero(View to, std::size_t bytes) override { std::memset(to.host<char>(), 0, bytes); }

  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override {
    return compile_for_reference(program, options);
  }
  void synchronize() override {}
};

}  // namespace

ODEUM_PLUGIN(device, "plain", Plain, "0.1.0", "Host memory, reference evaluator")
