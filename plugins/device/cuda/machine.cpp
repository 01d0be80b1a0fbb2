// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "library.hpp"
#include "odeum/error.hpp"

namespace odeum::cuda {
namespace {

CUdeviceptr address_of(View view) { return reinterpret_cast<CUdeviceptr>(view.base) + view.offset; }

class CudaModule final : public kernelgen::Module {
 public:
  CudaModule(const kernelgen::Source& source, const std::string& code,
             std::shared_ptr<Stream> stream)
      : name_(source.program), threads_(source.threads), stream_(std::move(stream)) {
    const Driver& api = driver().api;
    check(api.module_load(&module_, code.data()), "cuModuleLoadData");
    for (const std::string& kernel : source.kernels) {
      CUfunction function = nullptr;
      check(api.function(&function, module_, kernel.c_str()), "cuModuleGetFunction");
      functions_.push_back(function);
    }
  }
  ~CudaModule() override {
    // Kernels that are still queued keep the module until they are done.
    if (stream_->wait() == CUDA_SUCCESS) driver().api.module_unload(module_);
  }
  CudaModule(const CudaModule&) = delete;
  CudaModule& operator=(const CudaModule&) = delete;

  void launch(int kernel, std::int64_t groups, std::int64_t rows, std::int64_t parts,
              std::span<const View> places) override {
    if (groups > std::numeric_limits<std::int32_t>::max())
      throw RunError("device cuda: program '" + name_ +
                     "' is too large: " + std::to_string(groups) + " blocks; take smaller batches");
    stream_->enter();
    counts_[0] = rows;
    counts_[1] = parts;
    addresses_.resize(2 * places.size());
    arguments_.assign({&counts_[0], &counts_[1]});
    for (std::size_t i = 0; i < places.size(); ++i) {
      addresses_[2 * i] = address_of(places[i]);
      addresses_[2 * i + 1] = 0;  // the kernel's offset, which the address holds already
      arguments_.push_back(&addresses_[2 * i]);
      arguments_.push_back(&addresses_[2 * i + 1]);
    }
    const auto k = static_cast<std::size_t>(kernel);
    const CUresult result = driver().api.launch(functions_[k], static_cast<unsigned>(groups), 1, 1,
                                                static_cast<unsigned>(threads_[k]), 1, 1, 0,
                                                stream_->handle(), arguments_.data(), nullptr);
    if (result != CUDA_SUCCESS)
      fail("a kernel of program '" + name_ + "' could not be run", result);
  }

 private:
  std::string name_;
  std::vector<int> threads_;
  std::shared_ptr<Stream> stream_;
  CUmodule module_ = nullptr;
  std::vector<CUfunction> functions_;
  std::int64_t counts_[2] = {};
  std::vector<std::uint64_t> addresses_;
  std::vector<void*> arguments_;
};

class Graph final : public kernelgen::Recorded {
 public:
  Graph(CUgraphExec instance, std::shared_ptr<Stream> stream)
      : instance_(instance), stream_(std::move(stream)) {}
  ~Graph() override {
    if (stream_->try_enter() == CUDA_SUCCESS) driver().api.instance_destroy(instance_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void replay() override {
    stream_->enter();
    check(driver().api.graph_launch(instance_, stream_->handle()), "cuGraphLaunch");
  }

 private:
  CUgraphExec instance_;
  std::shared_ptr<Stream> stream_;
};

/// A stream that is being captured: what is queued goes into a graph, until `end`.
class Capture {
 public:
  explicit Capture(const Stream& stream) : stream_(stream) {
    // Other threads may go on with what is theirs.
    check(driver().api.capture_begin(stream.handle(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
          "cuStreamBeginCapture");
  }
  ~Capture() {
    if (!ended_) finish();
    if (graph_ != nullptr) driver().api.graph_destroy(graph_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  CUgraphExec end() {
    check(finish(), "cuStreamEndCapture");
    CUgraphExec instance = nullptr;
    check(driver().api.graph_instantiate(&instance, graph_, 0), "cuGraphInstantiate");
    return instance;
  }

 private:
  CUresult finish() {
    ended_ = true;
    return driver().api.capture_end(stream_.handle(), &graph_);
  }

  const Stream& stream_;
  CUgraph graph_ = nullptr;
  bool ended_ = false;
};

}  // namespace

CudaMachine::CudaMachine(const Settings& settings)
    : settings_(settings),
      stream_(std::make_shared<Stream>(settings.index)),
      cache_(settings.cache),
      staging_(stream_, counts()) {}

std::unique_ptr<kernelgen::Recorded> CudaMachine::record(const std::function<void()>& queue) {
  stream_->enter();
  Capture capture(*stream_);
  queue();
  return std::make_unique<Graph>(capture.end(), stream_);
}

void CudaMachine::multiply(const kernelgen::LibraryProduct& product, std::int64_t rows, View a,
                           View b, View c) {
  products().multiply(product, rows, address_of(a), address_of(b), 0, address_of(c));
}

void CudaMachine::multiply_and_add(const kernelgen::LibraryProduct& product, std::int64_t rows,
                                   View a, View b, View bias, View c) {
  products().multiply(product, rows, address_of(a), address_of(b), address_of(bias), address_of(c));
}

Products& CudaMachine::products() {
  stream_->enter();
  if (!products_) products_ = std::make_unique<Products>(stream_, settings_.rounding);
  return *products_;
}

void CudaMachine::convolve(const kernelgen::LibraryConvolution& convolution, std::int64_t rows,
                           View first, View second, View result) {
  stream_->enter();
  if (!convolutions_) convolutions_ = std::make_unique<Convolutions>(stream_, settings_.rounding);
  convolutions_->convolve(convolution, rows, address_of(first), address_of(second),
                          address_of(result));
}

CudaMachine::~CudaMachine() = default;

std::shared_ptr<void> CudaMachine::allocate(std::size_t bytes) {
  stream_->enter();
  CUdeviceptr memory = 0;
  const CUresult result = driver().api.allocate(&memory, bytes, stream_->handle());
  if (result != CUDA_SUCCESS)
    fail("no memory for " + std::to_string(bytes) + " bytes on " + stream_->name(), result);
  return {std::bit_cast<void*>(memory), [stream = stream_](void* released) {
            stream->release(reinterpret_cast<CUdeviceptr>(released));
          }};
}

void CudaMachine::upload(View to, const void* from, std::size_t bytes) {
  stream_->enter();
  staging_.upload(address_of(to), from, bytes);
}

void CudaMachine::download(void* to, View from, std::size_t bytes) {
  stream_->enter();
  staging_.download(to, address_of(from), bytes);
}

std::unique_ptr<Readback> CudaMachine::readback(std::size_t bytes) {
  return make_readback(stream_, counts(), bytes);
}

void CudaMachine::copy(View to, View from, std::size_t bytes) {
  stream_->enter();
  check(driver().api.on_device(address_of(to), address_of(from), bytes, stream_->handle()),
        "copying on the device");
}

void CudaMachine::fill_zero(View to, std::size_t bytes) {
  stream_->enter();
  check(driver().api.set_bytes(address_of(to), 0, bytes, stream_->handle()),
        "clearing on the device");
}

void CudaMachine::synchronize() { check(stream_->wait(), "waiting for the device"); }

std::unique_ptr<kernelgen::Module> CudaMachine::build(const kernelgen::Source& source) {
  stream_->enter();
  const Capability capability = stream_->capability();
  const std::string key =
      "nvrtc " + compiler_version() + " " + capability.text() + "\n" + source.text;
  if (const auto kept = cache_.find(key))
    return std::make_unique<CudaModule>(source, *kept, stream_);
  const std::string code = machine_code(source, capability);
  auto module = std::make_unique<CudaModule>(source, code, stream_);
  cache_.keep(key, code);
  return module;
}

}  // namespace odeum::cuda
