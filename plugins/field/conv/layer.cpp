// SPDX-License-Identifier: Apache-2.0
#include "layer.hpp"

#include <cmath>
#include <vector>

namespace odeum::fields {
namespace {

/// [extent, kernel]: whether tap i of the window around position p lies inside.
Tensor inside(Tensor like, std::int64_t extent, std::int64_t kernel) {
  std::vector<double> mask;
  for (std::int64_t p = 0; p < extent; ++p) {
    for (std::int64_t i = 0; i < kernel; ++i) {
      const std::int64_t at = p + i - kernel / 2;
      mask.push_back(at >= 0 && at < extent ? 1.0 : 0.0);
    }
  }
  return constant(like, {extent, kernel}, std::move(mask));
}

/// Parameters of one layer by name, each starting as it should.
class Parameters {
 public:
  Parameters(Scope& scope, const ConvLayer& layer, std::int64_t in)
      : scope_(scope), layer_(layer), in_(in) {}

  Tensor kernels(const std::string& name, Initializer start) const {
    const std::int64_t k = layer_.kernel;
    return get(name, {layer_.out, in_, k, k}, kernel_start(start));
  }
  /// Kernels of one channel, [out, kernel, kernel].
  Tensor time_kernels(const std::string& name, Initializer start) const {
    return get(name, {layer_.out, layer_.kernel, layer_.kernel}, kernel_start(start));
  }
  /// One number a channel, [out, 1, 1].
  Tensor channels(const std::string& name, Initializer start) const {
    return reshape(get(name, {layer_.out}, start), {layer_.out, 1, 1});
  }

 private:
  Initializer kernel_start(Initializer start) const {
    return layer_.start == ConvStart::zero_kernel ? Initializer::constant(0.0) : start;
  }
  Tensor get(const std::string& name, Shape shape, Initializer start) const {
    return scope_.parameter(layer_.name + "." + name, std::move(shape), start);
  }

  Scope& scope_;
  const ConvLayer& layer_;
  std::int64_t in_;
};

}  // namespace

ConvTime conv_time(const std::string& name) {
  if (name == "ignore") return ConvTime::ignore;
  if (name == "concat") return ConvTime::concat;
  if (name == "squash") return ConvTime::squash;
  if (name == "concatsquash") return ConvTime::concatsquash;
  if (name == "blend") return ConvTime::blend;
  return ConvTime::hyper;
}

Tensor ones_response(Tensor kernels, std::int64_t height, std::int64_t width) {
  const Tensor down = inside(kernels, height, kernels.extent(1));
  const Tensor across = inside(kernels, width, kernels.extent(2));
  return dot("ojy,xj->oyx", dot("oij,yi->ojy", kernels, down), across);
}

Tensor ConvLayer::operator()(Scope& scope, Tensor t, Tensor x) const {
  const std::int64_t in = x.extent(1);
  const std::int64_t height = x.extent(2);
  const std::int64_t width = x.extent(3);
  const std::int64_t side = (kernel - 1) / 2;
  const Window window{
      .kernel = {kernel, kernel}, .pad_before = {side, side}, .pad_after = {side, side}};
  const auto convolved = [&](Tensor kernels) { return conv(x, kernels, window); };
  const Parameters theta(scope, *this, in);
  const auto uniform = [](std::int64_t fan_in) {
    return Initializer::uniform(1.0 / std::sqrt(static_cast<double>(fan_in)));
  };
  const Initializer usual = uniform(in * kernel * kernel);
  const auto affine = [&](const std::string& suffix) {
    return convolved(theta.kernels("weight" + suffix, usual)) +
           theta.channels("bias" + suffix, usual);
  };
  const auto gate = [&](Tensor time) {
    return sigmoid(time * theta.channels("gate", uniform(1)) +
                   theta.channels("gate_bias", uniform(1)));
  };
  const bool shared = !t.shape().has_rows();
  const Tensor time = reshape(t, shared ? Shape{1, 1, 1} : Shape{kRows, 1, 1, 1});

  switch (time_use) {
    case ConvTime::ignore:
      return affine("");
    case ConvTime::concat: {
      const Initializer with_time = uniform((in + 1) * kernel * kernel);
      const Tensor response = ones_response(theta.time_kernels("time", with_time), height, width);
      return convolved(theta.kernels("weight", with_time)) +
             (theta.channels("bias", with_time) + time * response);
    }
    case ConvTime::squash:
      return affine("") * gate(time);
    case ConvTime::concatsquash:
      return affine("") * gate(time) + time * theta.channels("time", uniform(1));
    case ConvTime::blend:
      return affine("0") * (1.0 - time) + affine("1") * time;
    case ConvTime::hyper: {
      const Initializer small = Initializer::normal(0.01);
      const Initializer zero = Initializer::constant(0.0);
      const Tensor weight = theta.kernels("weight", small);
      const Tensor weight_rate = theta.kernels("weight_rate", zero);
      const Tensor shift = theta.channels("bias", small) + time * theta.channels("bias_rate", zero);
      // One convolution where all samples share a time; else, being linear, the sum of two.
      const Tensor product = shared ? convolved(weight + reshape(t, {1, 1, 1, 1}) * weight_rate)
                                    : convolved(weight) + time * convolved(weight_rate);
      return product + shift;
    }
  }
  bug("conv: no such use of time");
}

}  // namespace odeum::fields
