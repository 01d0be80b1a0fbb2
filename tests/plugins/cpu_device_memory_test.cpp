// SPDX-License-Identifier: Apache-2.0
// Runs of the CPU device allocate nothing once they have been run with as many rows.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "device/compare.hpp"
#include "device/programs.hpp"
#include "loaded.hpp"

namespace {

std::atomic<long>& allocations() {
  static std::atomic<long> count{0};
  return count;
}
void* counted(std::size_t bytes) {
  ++allocations();
  void* p = std::malloc(bytes == 0 ? 1 : bytes);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace

// Replaced for this whole executable: counts, and is otherwise the usual one.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes);
}
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace odeum {
namespace {

TEST(CpuDevice, AllocatesNothingAfterTheFirstRun) {
  for (const std::string yaml : {"threads: 1\nplan: rows\n", "threads: 1\nplan: tasks\n",
                                 "threads: 2\nplan: rows\n", "threads: 2\nplan: tasks\n"}) {
    const auto device = plugin_tests::make<Device>("cpu", yaml);
    const Program program = optimize(device_tests::flow_step(DType::f32, {2, 64, 64, 2}, 1));
    const auto executable = device->compile(program);
    const std::int64_t rows = 700;
    std::vector<std::vector<std::byte>> in, out;
    std::vector<View> inputs, outputs;
    for (const auto& array : device_tests::random_inputs(program, rows, 1))
      in.push_back(device_tests::bytes_of(array));
    for (const ValueId id : program.outputs)
      out.emplace_back(static_cast<std::size_t>(program[id].shape.elements(rows)) * 4);
    for (auto& bytes : in) inputs.push_back({bytes.data()});
    for (auto& bytes : out) outputs.push_back({bytes.data()});
    executable->run(rows, inputs, outputs);
    EXPECT_GT(executable->scratch_bytes(rows), 0U);
    const long before = allocations();
    const auto held = mallinfo2();
    for (const std::int64_t fewer : {rows, std::int64_t{300}, std::int64_t{1}, rows})
      executable->run(fewer, inputs, outputs);
    EXPECT_EQ(allocations(), before) << yaml;
    // What bypasses operator new would show as memory in use, in the heap or mapped; the threads'
    // own caches may move between runs, so only one thread is held to it.
    if (yaml.find("threads: 1") != std::string::npos) {
      EXPECT_EQ(mallinfo2().uordblks, held.uordblks) << yaml;
      EXPECT_EQ(mallinfo2().hblkhd, held.hblkhd) << yaml;
    }
  }
}

}  // namespace
}  // namespace odeum
