// SPDX-License-Identifier: Apache-2.0
// The functions of cuDNN that the device calls, opened at run time like those of api.hpp. Only
// where its headers were there to build with.
#pragma once

#ifdef ODEUM_WITH_CUDNN

#include <cudnn.h>

#include <string>
#include <vector>

namespace odeum::cuda {

struct Cudnn {
  decltype(&::cudnnCreate) create;
  decltype(&::cudnnDestroy) destroy;
  decltype(&::cudnnSetStream) set_stream;
  decltype(&::cudnnGetErrorString) error_text;
  decltype(&::cudnnCreateTensorDescriptor) tensor_create;
  decltype(&::cudnnSetTensor4dDescriptor) tensor_set;
  decltype(&::cudnnDestroyTensorDescriptor) tensor_destroy;
  decltype(&::cudnnCreateFilterDescriptor) filter_create;
  decltype(&::cudnnSetFilter4dDescriptor) filter_set;
  decltype(&::cudnnDestroyFilterDescriptor) filter_destroy;
  decltype(&::cudnnCreateConvolutionDescriptor) convolution_create;
  decltype(&::cudnnSetConvolution2dDescriptor) convolution_set;
  decltype(&::cudnnSetConvolutionMathType) convolution_math;
  decltype(&::cudnnDestroyConvolutionDescriptor) convolution_destroy;
  decltype(&::cudnnGetConvolutionForwardAlgorithm_v7) forward_algorithms;
  decltype(&::cudnnGetConvolutionBackwardDataAlgorithm_v7) input_algorithms;
  decltype(&::cudnnGetConvolutionBackwardFilterAlgorithm_v7) weight_algorithms;
  decltype(&::cudnnConvolutionForward) forward;
  decltype(&::cudnnConvolutionBackwardData) input_gradient;
  decltype(&::cudnnConvolutionBackwardFilter) weight_gradient;

  template <class Visit>
  void each(Visit&& visit) {
    visit(create, "cudnnCreate");
    visit(destroy, "cudnnDestroy");
    visit(set_stream, "cudnnSetStream");
    visit(error_text, "cudnnGetErrorString");
    visit(tensor_create, "cudnnCreateTensorDescriptor");
    visit(tensor_set, "cudnnSetTensor4dDescriptor");
    visit(tensor_destroy, "cudnnDestroyTensorDescriptor");
    visit(filter_create, "cudnnCreateFilterDescriptor");
    visit(filter_set, "cudnnSetFilter4dDescriptor");
    visit(filter_destroy, "cudnnDestroyFilterDescriptor");
    visit(convolution_create, "cudnnCreateConvolutionDescriptor");
    visit(convolution_set, "cudnnSetConvolution2dDescriptor");
    visit(convolution_math, "cudnnSetConvolutionMathType");
    visit(convolution_destroy, "cudnnDestroyConvolutionDescriptor");
    visit(forward_algorithms, "cudnnGetConvolutionForwardAlgorithm_v7");
    visit(input_algorithms, "cudnnGetConvolutionBackwardDataAlgorithm_v7");
    visit(weight_algorithms, "cudnnGetConvolutionBackwardFilterAlgorithm_v7");
    visit(forward, "cudnnConvolutionForward");
    visit(input_gradient, "cudnnConvolutionBackwardData");
    visit(weight_gradient, "cudnnConvolutionBackwardFilter");
  }
  static std::vector<std::string> names() {
    return {"libcudnn.so." + std::to_string(CUDNN_MAJOR), "libcudnn.so"};
  }
};

}  // namespace odeum::cuda

#endif
