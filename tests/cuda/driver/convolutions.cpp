// SPDX-License-Identifier: Apache-2.0
// A stand-in for cuDNN: convolutions of images with their two gradients. Of the algorithms that it
// proposes the fastest are a transform and one whose sums come in any order; only the last keeps
// its promises, and only it is computed.
#include <cudnn.h>

#include <cstring>
#include <functional>
#include <string>

#include "driver.hpp"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int extents[4] = {};
  std::size_t entries() const {
    std::size_t count = 1;
    for (const int extent : extents) count *= static_cast<std::size_t>(extent);
    return count;
  }
};
struct cudnnFilterStruct : cudnnTensorStruct {};
struct cudnnConvolutionStruct {
  int pad[2] = {}, stride[2] = {}, dilation[2] = {};
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

constexpr std::size_t kWorkspace = 1024;

/// Every product of an entry of x under the window with one of w, and the place in y it adds to.
template <class Visit>
void each(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
          const cudnnTensorStruct& y, const Visit& visit) {
  const auto at = [](const cudnnTensorStruct& t, int i, int j, int k, int l) {
    std::size_t place = 0;
    const int indices[4] = {i, j, k, l};
    for (int axis = 0; axis < 4; ++axis) {
      place = place * static_cast<std::size_t>(t.extents[axis]) +
              static_cast<std::size_t>(indices[axis]);
    }
    return place;
  };
  for (int n = 0; n < y.extents[0]; ++n) {
    for (int o = 0; o < y.extents[1]; ++o) {
      for (int i = 0; i < y.extents[2]; ++i) {
        for (int j = 0; j < y.extents[3]; ++j) {
          for (int ch = 0; ch < x.extents[1]; ++ch) {
            for (int p = 0; p < w.extents[2]; ++p) {
              for (int q = 0; q < w.extents[3]; ++q) {
                const int h = i * c.stride[0] + p * c.dilation[0] - c.pad[0];
                const int v = j * c.stride[1] + q * c.dilation[1] - c.pad[1];
                if (h < 0 || v < 0 || h >= x.extents[2] || v >= x.extents[3]) continue;
                visit(at(x, n, ch, h, v), at(w, o, ch, p, q), at(y, n, o, i, j));
              }
            }
          }
        }
      }
    }
  }
}

bool fits(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
          const cudnnTensorStruct& y) {
  for (int side = 0; side < 2; ++side) {
    const int reach = (w.extents[2 + side] - 1) * c.dilation[side] + 1;
    const int room = x.extents[2 + side] + 2 * c.pad[side] - reach;
    if (room < 0 || room / c.stride[side] + 1 != y.extents[2 + side]) return false;
  }
  return x.extents[0] == y.extents[0] && x.extents[1] == w.extents[1] &&
         y.extents[1] == w.extents[0] && x.type == w.type && x.type == y.type;
}

template <class T>
void clear(void* to, std::size_t entries) {
  std::memset(to, 0, entries * sizeof(T));
}

/// Queues work on memory that must be there.
cudnnStatus_t queued(const char* name, int algorithm, cudnnHandle_t handle, bool good,
                     std::function<void()> work) {
  const std::string call = std::string(name) + " " + std::to_string(algorithm);
  if (fake::enter(name) != CUDA_SUCCESS) return CUDNN_STATUS_EXECUTION_FAILED;
  if (fake::enter(call.c_str()) != CUDA_SUCCESS) return CUDNN_STATUS_EXECUTION_FAILED;
  if (!good || algorithm != 1) return CUDNN_STATUS_BAD_PARAM;
  const CUresult result = fake::queue(handle->stream, [work = std::move(work)] {
    work();
    return CUDA_SUCCESS;
  });
  return result == CUDA_SUCCESS ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

std::size_t bytes(const cudnnTensorStruct& x) {
  return x.entries() * (x.type == CUDNN_DATA_DOUBLE ? 8 : 4);
}

template <class Proposal, class Algorithm>
cudnnStatus_t propose(bool good, Algorithm transform, cudnnMathType_t math, int most, int* count,
                      Proposal* to) {
  *count = 0;
  if (!good || most < 3) return CUDNN_STATUS_BAD_PARAM;
  const auto add = [&](Algorithm algorithm, cudnnDeterminism_t determinism) {
    to[*count] = {};
    to[*count].algo = algorithm;
    to[*count].status = CUDNN_STATUS_SUCCESS;
    to[*count].memory = kWorkspace;
    to[*count].determinism = determinism;
    to[*count].mathType = math;
    ++*count;
  };
  add(transform, CUDNN_DETERMINISTIC);
  add(static_cast<Algorithm>(0), CUDNN_NON_DETERMINISTIC);
  add(static_cast<Algorithm>(1), CUDNN_DETERMINISTIC);
  return CUDNN_STATUS_SUCCESS;
}

template <class Descriptor>
cudnnStatus_t make(Descriptor** made) {
  *made = new Descriptor;
  return CUDNN_STATUS_SUCCESS;
}
template <class Descriptor>
cudnnStatus_t unmake(Descriptor* made) {
  delete made;
  return CUDNN_STATUS_SUCCESS;
}

/// x, w and y multiply-add into one of them, by type.
enum class To { x, w, y };
std::function<void()> sum(To to, const cudnnTensorStruct& x, const cudnnFilterStruct& w,
                          const cudnnConvolutionStruct& c, const cudnnTensorStruct& y,
                          const void* at_x, const void* at_w, const void* at_y) {
  const auto run = [=](auto zero) {
    using T = decltype(zero);
    auto* px = static_cast<T*>(const_cast<void*>(at_x));
    auto* pw = static_cast<T*>(const_cast<void*>(at_w));
    auto* py = static_cast<T*>(const_cast<void*>(at_y));
    if (to == To::x) clear<T>(px, x.entries());
    if (to == To::w) clear<T>(pw, w.entries());
    if (to == To::y) clear<T>(py, y.entries());
    each(x, w, c, y, [&](std::size_t i, std::size_t j, std::size_t k) {
      if (to == To::x) px[i] += pw[j] * py[k];
      if (to == To::w) pw[j] += px[i] * py[k];
      if (to == To::y) py[k] += px[i] * pw[j];
    });
  };
  if (x.type == CUDNN_DATA_DOUBLE) return [run] { run(0.0); };
  return [run] { run(0.0F); };
}

}  // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return unmake(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
const char* cudnnGetErrorString(cudnnStatus_t) { return "what cuDNN says"; }

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* made) { return make(made); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t x) { return unmake(x); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t x, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  *x = {type, {n, c, h, w}};
  return format == CUDNN_TENSOR_NCHW && x->entries() > 0 ? CUDNN_STATUS_SUCCESS
                                                         : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* made) { return make(made); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t w) { return unmake(w); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t w, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int v) {
  w->type = type;
  const int extents[4] = {k, c, h, v};
  std::memcpy(w->extents, extents, sizeof extents);
  return format == CUDNN_TENSOR_NCHW ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* made) {
  return make(made);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t c) {
  return unmake(c);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int pad_h, int pad_w,
                                              int u, int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t) {
  *c = {{pad_h, pad_w}, {u, v}, {dilation_h, dilation_w}, CUDNN_DEFAULT_MATH};
  return mode == CUDNN_CROSS_CORRELATION ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c, cudnnMathType_t math) {
  c->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t x,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t c,
                                                     const cudnnTensorDescriptor_t y,
                                                     const int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* to) {
  return propose(fits(*x, *w, *c, *y), CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, c->math, most, count,
                 to);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t y,
    const cudnnConvolutionDescriptor_t c, const cudnnTensorDescriptor_t x, const int most,
    int* count, cudnnConvolutionBwdDataAlgoPerf_t* to) {
  return propose(fits(*x, *w, *c, *y), CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, c->math, most,
                 count, to);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t y,
    const cudnnConvolutionDescriptor_t c, const cudnnFilterDescriptor_t w, const int most,
    int* count, cudnnConvolutionBwdFilterAlgoPerf_t* to) {
  return propose(fits(*x, *w, *c, *y), CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, c->math, most, count,
                 to);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void*,
                                      const cudnnTensorDescriptor_t x, const void* at_x,
                                      const cudnnFilterDescriptor_t w, const void* at_w,
                                      const cudnnConvolutionDescriptor_t c,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace,
                                      std::size_t room, const void*,
                                      const cudnnTensorDescriptor_t y, void* at_y) {
  const bool good = fits(*x, *w, *c, *y) && fake::lives(at_x, bytes(*x)) &&
                    fake::lives(at_w, bytes(*w)) && fake::lives(at_y, bytes(*y)) &&
                    room == kWorkspace && fake::lives(workspace, room);
  return queued("cudnnConvolutionForward", algorithm, handle, good,
                sum(To::y, *x, *w, *c, *y, at_x, at_w, at_y));
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void*,
                                           const cudnnFilterDescriptor_t w, const void* at_w,
                                           const cudnnTensorDescriptor_t y, const void* at_y,
                                           const cudnnConvolutionDescriptor_t c,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           std::size_t room, const void*,
                                           const cudnnTensorDescriptor_t x, void* at_x) {
  const bool good = fits(*x, *w, *c, *y) && fake::lives(at_x, bytes(*x)) &&
                    fake::lives(at_w, bytes(*w)) && fake::lives(at_y, bytes(*y)) &&
                    room == kWorkspace && fake::lives(workspace, room);
  return queued("cudnnConvolutionBackwardData", algorithm, handle, good,
                sum(To::x, *x, *w, *c, *y, at_x, at_w, at_y));
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void*,
                                             const cudnnTensorDescriptor_t x, const void* at_x,
                                             const cudnnTensorDescriptor_t y, const void* at_y,
                                             const cudnnConvolutionDescriptor_t c,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm,
                                             void* workspace, std::size_t room, const void*,
                                             const cudnnFilterDescriptor_t w, void* at_w) {
  const bool good = fits(*x, *w, *c, *y) && fake::lives(at_x, bytes(*x)) &&
                    fake::lives(at_w, bytes(*w)) && fake::lives(at_y, bytes(*y)) &&
                    room == kWorkspace && fake::lives(workspace, room);
  return queued("cudnnConvolutionBackwardFilter", algorithm, handle, good,
                sum(To::w, *x, *w, *c, *y, at_x, at_w, at_y));
}
