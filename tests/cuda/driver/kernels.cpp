// SPDX-License-Identifier: Apache-2.0
// The stand-in driver: modules and kernels. A module is a shared library that the stand-in for
// NVRTC made of the kernels' text (compiler.cpp); a block's threads are fibers that take turns at
// its barriers.
#include <dlfcn.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "driver.hpp"
#include "state.hpp"

struct CUmod_st {
  void* library = nullptr;
};
struct CUfunc_st {
  int parameters = 0;
  bool waits = false;  ///< has barriers
  void (*run)(const std::uint64_t*) = nullptr;
  unsigned *thread = nullptr, *block = nullptr, *threads = nullptr;
  void (**barrier)() = nullptr;
};

namespace fake {
namespace {

template <class T>
T find(void* library, const std::string& name) {
  return reinterpret_cast<T>(dlsym(library, name.c_str()));
}

/// One block whose threads wait for each other.
class Fibers {
 public:
  void run(const CUfunc_st& kernel, unsigned threads, const std::uint64_t* arguments) {
    kernel_ = &kernel;
    arguments_ = arguments;
    fibers_.resize(threads);
    active_ = this;
    *kernel.barrier = [] { active_->leave(); };
    for (unsigned t = 0; t < threads; ++t) begin(t);
    for (bool any = true; any;) {
      any = false;
      for (unsigned t = 0; t < threads; ++t) {
        if (fibers_[t].done) continue;
        any = true;
        now_ = t;
        *kernel.thread = t;
        swapcontext(&host_, &fibers_[t].context);
      }
    }
  }

 private:
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool done = false;
  };
  void begin(unsigned t) {
    constexpr std::size_t kStack = std::size_t{32} << 10U;
    Fiber& fiber = fibers_[t];
    if (!fiber.stack) fiber.stack = std::make_unique<char[]>(kStack);
    fiber.done = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = &host_;
    makecontext(
        &fiber.context,
        [] {
          active_->kernel_->run(active_->arguments_);
          active_->fibers_[active_->now_].done = true;
        },
        0);
  }
  void leave() {
    const unsigned t = now_;
    swapcontext(&fibers_[t].context, &host_);
    *kernel_->thread = t;
  }

  static Fibers* active_;
  const CUfunc_st* kernel_ = nullptr;
  const std::uint64_t* arguments_ = nullptr;
  std::vector<Fiber> fibers_;
  ucontext_t host_ = {};
  unsigned now_ = 0;
};
Fibers* Fibers::active_ = nullptr;

CUresult run(const CUfunc_st& kernel, unsigned blocks, unsigned threads,
             const std::vector<std::uint64_t>& arguments) {
  // (rows, parts, then an address and an offset for every place)
  for (std::size_t i = 2; i < arguments.size(); i += 2) {
    if (!lives(arguments[i] + arguments[i + 1], 1)) return CUDA_ERROR_ILLEGAL_ADDRESS;
  }
  static Fibers fibers;
  *kernel.threads = threads;
  for (unsigned block = 0; block < blocks; ++block) {
    *kernel.block = block;
    if (kernel.waits) {
      fibers.run(kernel, threads, arguments.data());
      continue;
    }
    for (unsigned t = 0; t < threads; ++t) {
      *kernel.thread = t;
      kernel.run(arguments.data());
    }
  }
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace fake

CUresult cuModuleLoadData(CUmodule* module, const void* code) {
  const CUresult result = fake::enter("cuModuleLoadData");
  if (result != CUDA_SUCCESS) return result;
  std::uint64_t head[2];  // "fakecuda", bytes
  std::memcpy(head, code, sizeof head);
  if (std::memcmp(head, "fakecuda", 8) != 0) return CUDA_ERROR_INVALID_IMAGE;
  char file[] = "/tmp/fake_cuda_XXXXXX";
  const int descriptor = mkstemp(file);
  const auto* from = static_cast<const char*>(code) + sizeof head;
  std::size_t written = 0;
  while (descriptor >= 0 && written < head[1]) {
    const ssize_t more = write(descriptor, from + written, head[1] - written);
    if (more <= 0) break;
    written += static_cast<std::size_t>(more);
  }
  close(descriptor);
  void* library = written == head[1] ? dlopen(file, RTLD_NOW | RTLD_LOCAL) : nullptr;
  unlink(file);
  if (library == nullptr) return CUDA_ERROR_INVALID_IMAGE;
  *module = new CUmod_st{library};
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule module) {
  dlclose(module->library);
  delete module;  // functions are left: a few bytes
  return fake::enter("cuModuleUnload");
}
CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  const CUresult result = fake::enter("cuModuleGetFunction");
  if (result != CUDA_SUCCESS) return result;
  void* library = module->library;
  const std::string kernel = name;
  auto found = std::make_unique<CUfunc_st>();
  found->run = fake::find<void (*)(const std::uint64_t*)>(library, kernel + "_run");
  if (found->run == nullptr) return CUDA_ERROR_NOT_FOUND;
  found->parameters = *fake::find<int*>(library, kernel + "_parameters");
  found->waits = *fake::find<bool*>(library, kernel + "_waits");
  found->thread = fake::find<unsigned*>(library, "fake_thread");
  found->block = fake::find<unsigned*>(library, "fake_block");
  found->threads = fake::find<unsigned*>(library, "fake_threads");
  found->barrier = fake::find<void (**)()>(library, "fake_barrier");
  *function = found.release();
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned blocks, unsigned y, unsigned z,
                        unsigned threads, unsigned ty, unsigned tz, unsigned shared,
                        CUstream stream, void** parameters, void** extra) {
  const CUresult result = fake::enter("cuLaunchKernel");
  if (result != CUDA_SUCCESS) return result;
  constexpr unsigned kMostThreads = 1024;
  if (blocks == 0 || threads == 0 || threads > kMostThreads || y * z * ty * tz != 1 ||
      shared != 0 || extra != nullptr)
    return CUDA_ERROR_INVALID_VALUE;
  std::vector<std::uint64_t> arguments(static_cast<std::size_t>(function->parameters));
  for (std::size_t i = 0; i < arguments.size(); ++i)
    std::memcpy(&arguments[i], parameters[i], sizeof(std::uint64_t));
  return fake::queue(stream, [kernel = *function, blocks, threads, arguments] {
    return fake::run(kernel, blocks, threads, arguments);
  });
}
