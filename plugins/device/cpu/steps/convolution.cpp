// SPDX-License-Identifier: Apache-2.0
#include "steps/convolution.hpp"

#include <utility>

#include "steps/unfolding.hpp"
#include "steps/winograd.hpp"

namespace odeum::cpu {
namespace {

/// `Algorithm`: images [begin, end) of a spec.
template <class Algorithm>
class ConvolutionStep final : public Step {
 public:
  ConvolutionStep(const ConvolutionSpec& spec, Algorithm algorithm)
      : rowful_(spec.rowful),
        together_(spec.role == ConvolutionRole::weight_gradient),
        images_(spec.images),
        algorithm_(std::move(algorithm)) {}

  // All images of a weight gradient without rows add into one result.
  std::int64_t units(std::int64_t rows) const override {
    if (rowful_) return rows;
    return together_ ? 1 : images_;
  }
  std::int64_t grain(std::int64_t) const override { return 1; }
  bool sharded() const override { return rowful_ && together_; }
  std::size_t scratch(std::int64_t) const override { return algorithm_.scratch(); }
  double work(std::int64_t rows) const override {
    return algorithm_.products() * static_cast<double>(images_ * (rowful_ ? rows : 1)) / 16.0;
  }
  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const std::int64_t unit = rowful_ || together_ ? images_ : 1;
    algorithm_.run(context, begin * unit, end * unit, context.scratch);
  }

 private:
  bool rowful_, together_;
  std::int64_t images_;
  Algorithm algorithm_;
};

template <class Algorithm>
std::unique_ptr<Step> step_of(const ConvolutionSpec& spec, Algorithm algorithm) {
  return std::make_unique<ConvolutionStep<Algorithm>>(spec, std::move(algorithm));
}

}  // namespace

std::unique_ptr<Step> make_convolution(const ConvolutionSpec& spec, const Kernels& kernels) {
  if (spec.type == DType::f64) return step_of(spec, Unfolding<double>(spec, kernels.f64));
  if (suits_winograd(spec)) return step_of(spec, Winograd(spec, kernels));
  return step_of(spec, Unfolding<float>(spec, kernels.f32));
}

}  // namespace odeum::cpu
