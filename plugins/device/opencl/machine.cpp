// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <vector>

#include "error.hpp"
#include "odeum/error.hpp"
#include "products.hpp"

namespace odeum::opencl {
namespace {

/// Comparisons must see NaN and infinities, so none of the fast-math options.
constexpr const char* kOptions = "-cl-std=CL1.2";

cl_mem memory_of(View view) { return static_cast<const Buffer*>(view.base)->memory; }

class OpenClModule final : public kernelgen::Module {
 public:
  OpenClModule(const kernelgen::Source& source, cl_program program,
               std::shared_ptr<_cl_command_queue> queue)
      : name_(source.program),
        threads_(source.threads),
        queue_(std::move(queue)),
        program_(program, clReleaseProgram) {
    for (const std::string& kernel : source.kernels) {
      cl_int code = CL_SUCCESS;
      kernels_.emplace_back(clCreateKernel(program, kernel.c_str(), &code), clReleaseKernel);
      check(code, "clCreateKernel");
    }
  }

  void launch(int kernel, std::int64_t groups, std::int64_t rows, std::int64_t parts,
              std::span<const View> places) override {
    const auto k = static_cast<std::size_t>(kernel);
    cl_uint argument = 0;
    const auto pass = [&](const void* value, std::size_t bytes) {
      check(clSetKernelArg(kernels_[k].get(), argument++, bytes, value), "clSetKernelArg");
    };
    const cl_long counts[2] = {rows, parts};
    pass(&counts[0], sizeof(cl_long));
    pass(&counts[1], sizeof(cl_long));
    for (const View& place : places) {
      cl_mem memory = memory_of(place);
      const auto offset = static_cast<cl_long>(place.offset);
      pass(&memory, sizeof(cl_mem));
      pass(&offset, sizeof offset);
    }
    const auto threads = static_cast<std::size_t>(threads_[k]);
    const std::size_t total = static_cast<std::size_t>(groups) * threads;
    const cl_int code = clEnqueueNDRangeKernel(queue_.get(), kernels_[k].get(), 1, nullptr, &total,
                                               &threads, 0, nullptr, nullptr);
    if (code != CL_SUCCESS) fail("a kernel of program '" + name_ + "' could not be run", code);
  }

 private:
  std::string name_;
  std::vector<int> threads_;
  std::shared_ptr<_cl_command_queue> queue_;
  std::shared_ptr<_cl_program> program_;
  std::vector<std::shared_ptr<_cl_kernel>> kernels_;
};

}  // namespace

OpenClMachine::OpenClMachine(const Found& found, kernelgen::Cache cache, std::int64_t library_from)
    : device_(found.device),
      name_(found.name),
      cache_(std::move(cache)),
      library_from_(library_from) {
  cl_int code = CL_SUCCESS;
  cl_context context = clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &code);
  check(code, "clCreateContext");
  queues_.context.reset(context, clReleaseContext);
  for (auto* queue : {&queues_.work, &queues_.mapping}) {
    cl_command_queue made = clCreateCommandQueue(context, device_, 0, &code);
    check(code, "clCreateCommandQueue");
    queue->reset(made, clReleaseCommandQueue);
  }
  staging_ = std::make_unique<Staging>(queues_, counts());
}

OpenClMachine::~OpenClMachine() { clFinish(queues_.work.get()); }

std::int64_t OpenClMachine::local_bytes() const {
  cl_ulong bytes = 0;
  check(clGetDeviceInfo(device_, CL_DEVICE_LOCAL_MEM_SIZE, sizeof bytes, &bytes, nullptr),
        "clGetDeviceInfo");
  // More than every device has would leave fewer groups at once.
  return std::min(static_cast<std::int64_t>(bytes), kernelgen::kLocalBytes);
}

std::shared_ptr<void> OpenClMachine::allocate(std::size_t bytes) {
  cl_ulong most = 0;
  check(clGetDeviceInfo(device_, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most, nullptr),
        "clGetDeviceInfo");
  const std::string wanted = std::to_string(bytes) + " bytes on " + name_;
  if (bytes > most) {
    throw RunError("device opencl: no memory for " + wanted + ", which gives at most " +
                   std::to_string(most) + " at once");
  }
  cl_int code = CL_SUCCESS;
  cl_mem memory = clCreateBuffer(queues_.context.get(), CL_MEM_READ_WRITE, bytes, nullptr, &code);
  if (code != CL_SUCCESS) fail("no memory for " + wanted, code);
  auto buffer = std::make_unique<Buffer>(Buffer{memory, bytes});
  return {buffer.release(), [context = queues_.context](void* released) {
            const std::unique_ptr<Buffer> last(static_cast<Buffer*>(released));
            clReleaseMemObject(last->memory);
          }};
}

void OpenClMachine::upload(View to, const void* from, std::size_t bytes) {
  staging_->write(memory_of(to), to.offset, from, bytes);
}

void OpenClMachine::download(void* to, View from, std::size_t bytes) {
  check(clEnqueueReadBuffer(queues_.work.get(), memory_of(from), CL_TRUE, from.offset, bytes, to, 0,
                            nullptr, nullptr),
        "reading from the device");
}

std::unique_ptr<Readback> OpenClMachine::readback(std::size_t bytes) {
  return make_readback(queues_, counts(), bytes);
}

void OpenClMachine::copy(View to, View from, std::size_t bytes) {
  check(clEnqueueCopyBuffer(queues_.work.get(), memory_of(from), memory_of(to), from.offset,
                            to.offset, bytes, 0, nullptr, nullptr),
        "copying on the device");
}

void OpenClMachine::fill_zero(View to, std::size_t bytes) {
  const unsigned char zero = 0;
  check(clEnqueueFillBuffer(queues_.work.get(), memory_of(to), &zero, 1, to.offset, bytes, 0,
                            nullptr, nullptr),
        "clearing on the device");
}

void OpenClMachine::synchronize() { check(clFinish(queues_.work.get()), "waiting for the device"); }

void OpenClMachine::multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, View a,
                             View b, View c) {
  const auto place = [&](View view) {
    return Matrix{static_cast<const Buffer*>(view.base)->memory,
                  view.offset / size_of(product.type)};
  };
  multiply_by_library(product, rows, place(a), place(b), place(c), queues_.work.get());
}

std::string OpenClMachine::built_binary(cl_program program) const {
  std::size_t size = 0;
  if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS)
    return "";
  std::string binary(size, '\0');
  auto* to = reinterpret_cast<unsigned char*>(binary.data());
  const cl_int code = clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof to, &to, nullptr);
  return code == CL_SUCCESS ? binary : "";
}

/// Null where the driver does not take its own binary back.
cl_program OpenClMachine::from_cache(const std::string& kept) const {
  const std::size_t size = kept.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(kept.data());
  cl_int code = CL_SUCCESS, status = CL_SUCCESS;
  cl_program program =
      clCreateProgramWithBinary(queues_.context.get(), 1, &device_, &size, &bytes, &status, &code);
  if (code != CL_SUCCESS) return nullptr;
  if (clBuildProgram(program, 1, &device_, kOptions, nullptr, nullptr) == CL_SUCCESS)
    return program;
  clReleaseProgram(program);
  return nullptr;
}

std::unique_ptr<kernelgen::Module> OpenClMachine::build(const kernelgen::Source& source) {
  const std::string key = name_ + "\n" + text(device_, CL_DEVICE_VERSION) + "\n" +
                          text(device_, CL_DRIVER_VERSION) + "\n" + kOptions + "\n" + source.text;
  if (const auto kept = cache_.find(key)) {
    if (cl_program program = from_cache(*kept))
      return std::make_unique<OpenClModule>(source, program, queues_.work);
  }
  const char* text = source.text.c_str();
  const std::size_t size = source.text.size();
  cl_int code = CL_SUCCESS;
  cl_program program = clCreateProgramWithSource(queues_.context.get(), 1, &text, &size, &code);
  check(code, "clCreateProgramWithSource");
  code = clBuildProgram(program, 1, &device_, kOptions, nullptr, nullptr);
  if (code != CL_SUCCESS) {
    std::size_t length = 0;
    clGetProgramBuildInfo(program, device_, CL_PROGRAM_BUILD_LOG, 0, nullptr, &length);
    std::string log(length, '\0');
    clGetProgramBuildInfo(program, device_, CL_PROGRAM_BUILD_LOG, length, log.data(), nullptr);
    clReleaseProgram(program);
    throw RunError("device opencl: the kernels of program '" + source.program +
                   "' do not build on " + name_ + " (" + name_of(code) + "):\n" + log.c_str());
  }
  auto module = std::make_unique<OpenClModule>(source, program, queues_.work);
  if (cache_.keeps()) cache_.keep(key, built_binary(program));
  return module;
}

}  // namespace odeum::opencl
