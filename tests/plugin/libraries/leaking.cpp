// SPDX-License-Identifier: Apache-2.0
// Controllers that keep something of every object for good: a block of memory, an open file, a
// thread.
#include <fcntl.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "odeum/controller.hpp"
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

class Leaking : public Controller {
 public:
  static Schema schema() { return Schema("Keeps what it takes"); }
  ControlOutputs decide(const ControlInputs& in) const override {
    return {ones_like(in.h), in.h, {}};
  }
  bool adaptive() const override { return false; }
};

struct LeaksMemory final : Leaking {
  LeaksMemory() {
    static std::vector<std::unique_ptr<char[]>> kept;
    kept.push_back(std::make_unique<char[]>(40));
  }
};
struct LeaksFiles final : Leaking {
  LeaksFiles() { ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
};
struct LeaksThreads final : Leaking {
  LeaksThreads() {
    std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).detach();
  }
};

ODEUM_PLUGIN(controller, "leaks_memory", LeaksMemory, "1.0.0", "Keeps memory")
ODEUM_PLUGIN(controller, "leaks_files", LeaksFiles, "1.0.0", "Keeps files open")
ODEUM_PLUGIN(controller, "leaks_threads", LeaksThreads, "1.0.0", "Keeps threads")

}  // namespace
}  // namespace odeum::test
