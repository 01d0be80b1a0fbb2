// SPDX-License-Identifier: Apache-2.0
#include "convolutions.hpp"

#include <bit>
#include <limits>

#include "cudnn_api.hpp"
#include "library.hpp"
#include "odeum/error.hpp"

namespace odeum::cuda {

#ifdef ODEUM_WITH_CUDNN

namespace {

/// Algorithms that unfold an image need as much; fixed, so that a shape's algorithm is too.
constexpr std::size_t kWorkspace = std::size_t{64} << 20U;

struct OpenedCudnn {
  cuda::Library library{Cudnn::names(), toolkit_folders()};
  Cudnn api{};
  std::string trouble;

  OpenedCudnn() {
    if (!library) {
      trouble = "cuDNN cannot be opened: " + library.trouble();
      return;
    }
    const auto missing = resolve(api, library);
    if (!missing.empty()) trouble = library.name() + " has no function " + missing.front();
  }
};

const OpenedCudnn& cudnn() {
  static const OpenedCudnn opened;
  return opened;
}

void check(cudnnStatus_t status, const char* what, const Stream& stream) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  stream.require_device();
  throw RunError(std::string("device cuda: ") + what + ": " + cudnn().api.error_text(status) +
                 "; convolutions: generated does without cuDNN");
}

bool transforms(cudnnConvolutionFwdAlgo_t algorithm) {
  return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_FFT ||
         algorithm == CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING ||
         algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD ||
         algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED;
}
bool transforms(cudnnConvolutionBwdDataAlgo_t algorithm) {
  return algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 &&
         algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
}
bool transforms(cudnnConvolutionBwdFilterAlgo_t algorithm) {
  return algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 &&
         algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 &&
         algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

/// The first of the library's proposals that keeps the promises of the header.
template <class Proposal, class Ask>
Proposal chosen(const Ask& ask, cudnnMathType_t math, const Stream& stream) {
  Proposal proposals[10] = {};
  int count = 0;
  check(ask(static_cast<int>(std::size(proposals)), &count, proposals),
        "cuDNN's choice of an algorithm", stream);
  for (int i = 0; i < count; ++i) {
    const Proposal& one = proposals[i];
    const bool rounds = one.mathType != CUDNN_FMA_MATH && math == CUDNN_FMA_MATH &&
                        one.mathType != CUDNN_DEFAULT_MATH;
    if (one.status == CUDNN_STATUS_SUCCESS && one.memory <= kWorkspace &&
        one.determinism == CUDNN_DETERMINISTIC && !transforms(one.algo) && !rounds)
      return one;
  }
  throw RunError(
      "device cuda: cuDNN has no algorithm for a convolution of this pipeline that gives the same "
      "bits in every run; use convolutions: generated");
}

}  // namespace

std::string why_no_convolutions() { return cudnn().trouble; }

struct Convolutions::Library {
  const Stream& stream;
  cudnnHandle_t handle = nullptr;
  CUdeviceptr workspace = 0;

  explicit Library(const Stream& of) : stream(of) {
    check(cudnn().api.create(&handle), "cudnnCreate", stream);
    check(cudnn().api.set_stream(handle, stream.handle()), "cudnnSetStream", stream);
    cuda::check(driver().api.allocate(&workspace, kWorkspace, stream.handle()), "memory for cuDNN");
  }
  ~Library() {
    if (workspace != 0) stream.release(workspace);
    if (handle != nullptr) cudnn().api.destroy(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

struct Convolutions::Prepared {
  const Stream& stream;
  cudnnTensorDescriptor_t x = nullptr, y = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
  int algorithm = 0;
  std::size_t workspace = 0;

  Prepared(const kernelgen::LibraryConvolution& c, std::int64_t images, Rounding rounding,
           const Convolutions::Library& library)
      : stream(library.stream) {
    const Cudnn& api = cudnn().api;
    const cudnnDataType_t type = c.type == DType::f32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
    const auto tensor = [&](cudnnTensorDescriptor_t& made, std::int64_t channels,
                            std::int64_t height, std::int64_t width) {
      check(api.tensor_create(&made), "cudnnCreateTensorDescriptor", stream);
      check(api.tensor_set(made, CUDNN_TENSOR_NCHW, type, static_cast<int>(images),
                           static_cast<int>(channels), static_cast<int>(height),
                           static_cast<int>(width)),
            "cudnnSetTensor4dDescriptor", stream);
    };
    tensor(x, c.channels, c.height, c.width);
    tensor(y, c.out_channels, c.out_height, c.out_width);
    check(api.filter_create(&w), "cudnnCreateFilterDescriptor", stream);
    check(api.filter_set(w, type, CUDNN_TENSOR_NCHW, static_cast<int>(c.out_channels),
                         static_cast<int>(c.channels), static_cast<int>(c.window.kernel[0]),
                         static_cast<int>(c.window.kernel[1])),
          "cudnnSetFilter4dDescriptor", stream);
    check(api.convolution_create(&convolution), "cudnnCreateConvolutionDescriptor", stream);
    const auto of_window = [&c](const std::array<std::int64_t, 2> Window::*which,
                                std::size_t side) {
      return static_cast<int>((c.window.*which)[side]);
    };
    check(api.convolution_set(convolution, of_window(&Window::pad_before, 0),
                              of_window(&Window::pad_before, 1), of_window(&Window::stride, 0),
                              of_window(&Window::stride, 1), of_window(&Window::dilation, 0),
                              of_window(&Window::dilation, 1), CUDNN_CROSS_CORRELATION, type),
          "cudnnSetConvolution2dDescriptor", stream);
    // cuDNN rounds float32 to TF32 at most.
    const cudnnMathType_t math =
        c.type == DType::f32 && rounding != Rounding::float32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
    check(api.convolution_math(convolution, math), "cudnnSetConvolutionMathType", stream);
    choose(c.role, math, library.handle);
  }
  ~Prepared() {
    const Cudnn& api = cudnn().api;
    for (cudnnTensorDescriptor_t tensor : {x, y}) {
      if (tensor != nullptr) api.tensor_destroy(tensor);
    }
    if (w != nullptr) api.filter_destroy(w);
    if (convolution != nullptr) api.convolution_destroy(convolution);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

 private:
  void choose(Op role, cudnnMathType_t math, cudnnHandle_t handle) {
    const Cudnn& api = cudnn().api;
    const auto take = [this](const auto& proposal) {
      algorithm = static_cast<int>(proposal.algo);
      workspace = proposal.memory;
    };
    if (role == Op::conv) {
      take(chosen<cudnnConvolutionFwdAlgoPerf_t>(
          [&](int most, int* count, auto* to) {
            return api.forward_algorithms(handle, x, w, convolution, y, most, count, to);
          },
          math, stream));
    } else if (role == Op::conv_input_gradient) {
      take(chosen<cudnnConvolutionBwdDataAlgoPerf_t>(
          [&](int most, int* count, auto* to) {
            return api.input_algorithms(handle, w, y, convolution, x, most, count, to);
          },
          math, stream));
    } else {
      take(chosen<cudnnConvolutionBwdFilterAlgoPerf_t>(
          [&](int most, int* count, auto* to) {
            return api.weight_algorithms(handle, x, y, convolution, w, most, count, to);
          },
          math, stream));
    }
  }
};

Convolutions::Convolutions(std::shared_ptr<Stream> stream, Rounding rounding)
    : stream_(std::move(stream)), rounding_(rounding) {
  if (!cudnn().trouble.empty()) throw RunError("device cuda: " + cudnn().trouble);
  library_ = std::make_unique<Library>(*stream_);
}

Convolutions::~Convolutions() = default;

Convolutions::Prepared& Convolutions::prepared(const kernelgen::LibraryConvolution& c,
                                               std::int64_t images) {
  const Window& window = c.window;
  const Sizes sizes = {static_cast<std::int64_t>(c.role),
                       static_cast<std::int64_t>(c.type),
                       images,
                       c.channels,
                       c.height,
                       c.width,
                       c.out_channels,
                       c.out_height,
                       c.out_width,
                       window.kernel[0],
                       window.kernel[1],
                       window.stride[0],
                       window.stride[1],
                       window.pad_before[0],
                       window.pad_before[1],
                       window.dilation[0],
                       window.dilation[1]};
  std::unique_ptr<Prepared>& known = prepared_[sizes];
  if (!known) known = std::make_unique<Prepared>(c, images, rounding_, *library_);
  return *known;
}

void Convolutions::convolve(const kernelgen::LibraryConvolution& c, std::int64_t rows,
                            CUdeviceptr first, CUdeviceptr second, CUdeviceptr result) {
  const std::int64_t images = c.images.at(rows);
  if (images > std::numeric_limits<std::int32_t>::max())
    throw RunError("device cuda: cuDNN takes no " + std::to_string(images) +
                   " images at once; take smaller batches");
  const Prepared& known = prepared(c, images);
  const Cudnn& api = cudnn().api;
  const bool single = c.type == DType::f32;
  const float one_single = 1, zero_single = 0;
  const double one_double = 1, zero_double = 0;
  const void* one = single ? static_cast<const void*>(&one_single) : &one_double;
  const void* zero = single ? static_cast<const void*>(&zero_single) : &zero_double;
  const auto* a = std::bit_cast<const void*>(first);
  const auto* b = std::bit_cast<const void*>(second);
  auto* to = std::bit_cast<void*>(result);
  auto* workspace = std::bit_cast<void*>(library_->workspace);
  switch (c.role) {
    case Op::conv:
      return check(api.forward(library_->handle, one, known.x, a, known.w, b, known.convolution,
                               static_cast<cudnnConvolutionFwdAlgo_t>(known.algorithm), workspace,
                               known.workspace, zero, known.y, to),
                   "cudnnConvolutionForward", *stream_);
    case Op::conv_input_gradient:
      return check(
          api.input_gradient(library_->handle, one, known.w, b, known.y, a, known.convolution,
                             static_cast<cudnnConvolutionBwdDataAlgo_t>(known.algorithm), workspace,
                             known.workspace, zero, known.x, to),
          "cudnnConvolutionBackwardData", *stream_);
    default:
      return check(
          api.weight_gradient(library_->handle, one, known.x, a, known.y, b, known.convolution,
                              static_cast<cudnnConvolutionBwdFilterAlgo_t>(known.algorithm),
                              workspace, known.workspace, zero, known.w, to),
          "cudnnConvolutionBackwardFilter", *stream_);
  }
}

#else

std::string why_no_convolutions() { return "this odeum was built without cuDNN's headers"; }

struct Convolutions::Library {};
struct Convolutions::Prepared {};

Convolutions::Convolutions(std::shared_ptr<Stream> stream, Rounding rounding)
    : stream_(std::move(stream)), rounding_(rounding) {
  throw RunError("device cuda: " + why_no_convolutions());
}
Convolutions::~Convolutions() = default;
void Convolutions::convolve(const kernelgen::LibraryConvolution&, std::int64_t, CUdeviceptr,
                            CUdeviceptr, CUdeviceptr) {}

#endif

}  // namespace odeum::cuda
