// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../layers/convolution.hpp"
#include "../../layers/time_norm.hpp"
#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Unet final : public VectorField {
 public:
  static Schema schema() {
    return Schema(
               "A U-net on images [channels, height, width]: two layers relu(norm(t, conv(t, x))) "
               "a "
               "scale with max-pooling between scales, and back up by transposed convolutions "
               "(normalised, with relu), each beside what its scale was on the way down. Kernels "
               "of "
               "3, t as one more channel; the last convolution leads back to the state's channels, "
               "normalised, without relu")
        .cite(
            "Zheng, Gao, Sun, Boning, Yu, Wong, NeurIPS 2024, section 5: the network of 18 layers")
        .cite("Ronneberger, Fischer, Brox, U-Net, MICCAI 2015, arXiv 1505.04597")
        .integers("channels", {32, 64, 128, 256}, "by scale, the finest first")
        .at_least(1)
        .size(1)
        .section("norm", layers::TimeNorm::schema(), "behind each convolution");
  }

  explicit Unet(const Config& config)
      : channels_(config.integers("channels")), norm_(config.section("norm")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    layers::require_images("unet", z);
    const std::int64_t reduction = std::int64_t{1} << (channels_.size() - 1);
    if (z.extent(2) % reduction != 0 || z.extent(3) % reduction != 0) {
      throw std::invalid_argument("unet halves images " + std::to_string(channels_.size() - 1) +
                                  " times, so height and width must be multiples of " +
                                  std::to_string(reduction) + ", and these are " +
                                  z.shape().text() + ": fewer scales, or pad the images");
    }
    const Window halves{.kernel = {2, 2}, .stride = {2, 2}};
    std::vector<Tensor> skips;
    Tensor x = z;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      if (i > 0) x = max_pool(x, halves);
      x = pair(scope, "down" + std::to_string(i), channels_[i], t, x);
      skips.push_back(x);
    }
    for (std::size_t i = channels_.size() - 1; i-- > 0;) {
      const std::string name = "up" + std::to_string(i);
      const layers::Convolution up{name + ".up", channels_[i], {}};
      x = relu(norm_(scope, up.name, t, layers::deconvolve(scope, up, t, x)));
      x = pair(scope, name, channels_[i], t, concat({skips[i], x}, 1));
    }
    const layers::Convolution last{"last", z.extent(1), layers::square_window(3, 1, 1)};
    return norm_(scope, last.name, t, layers::convolve(scope, last, t, x));
  }

  std::vector<double> kinks() const override { return norm_.kinks(); }

 private:
  Tensor pair(Scope& scope, const std::string& name, std::int64_t out, Tensor t, Tensor x) const {
    for (const char* number : {".conv1", ".conv2"}) {
      const layers::Convolution layer{name + number, out, layers::square_window(3, 1, 1)};
      x = relu(norm_(scope, layer.name, t, layers::convolve(scope, layer, t, x)));
    }
    return x;
  }

  std::vector<std::int64_t> channels_;
  layers::TimeNorm norm_;
};

ODEUM_PLUGIN(field, "unet", Unet, "1.0.0", "A U-net, normalised over the batch")

}  // namespace
}  // namespace odeum::fields
