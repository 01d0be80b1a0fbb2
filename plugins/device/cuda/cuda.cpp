// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/generated_device.hpp"
#include "machine.hpp"
#include "odeum/config.hpp"
#include "odeum/device.hpp"
#include "odeum/error.hpp"
#include "odeum/plugin.hpp"
#include "odeum/schema.hpp"

namespace odeum::cuda {
namespace {

class Cuda final : public kernelgen::GeneratedDevice {
 public:
  static Schema schema() {
    return Schema(
               "An NVIDIA graphics card: kernels are generated from the pipeline and built by "
               "NVRTC "
               "of the CUDA toolkit when they are first run. The driver and the toolkit's "
               "libraries "
               "are opened when the device is used. The same run gives the same bits")
        .integer("index", 0, "which of the cards, in the driver's order (CUDA_VISIBLE_DEVICES)")
        .at_least(0)
        .text("cache", "automatic",
              "folder for built kernels; automatic: odeum/kernels in the user's cache folder; "
              "none: they are not kept")
        .text("products", "automatic",
              "who multiplies matrices: generated kernels; cuBLAS wherever it can; automatic: "
              "cuBLAS from 2 million multiplications on")
        .choices({"automatic", "generated", "library"})
        .text("convolutions", "automatic",
              "who convolves: generated kernels; cuDNN wherever a window pads both ends of a side "
              "alike; automatic: cuDNN, where it can be opened, from 2 million multiplications on")
        .choices({"automatic", "generated", "library"})
        .text("rounding", "float32",
              "what the libraries round float32 factors to before they multiply (sums are "
              "float32): tf32 has 11 significant bits, bfloat16 8 (in products; convolutions take "
              "tf32 then); both use the tensor cores")
        .choices({"float32", "tf32", "bfloat16"})
        .flag("graphs", true,
              "record the launches of a program that runs again in the same memory as a CUDA "
              "graph, and launch that");
  }
  explicit Cuda(const Config& config)
      : GeneratedDevice("cuda"),
        settings_{.index = static_cast<int>(config.integer("index")),
                  .cache = kernelgen::cache_folder(config.text("cache")),
                  .library_from = kernelgen::library_from(config.text("products"), kLarge),
                  .rounding = rounding(config.text("rounding")),
                  .graphs = config.flag("graphs")},
        convolutions_(config.text("convolutions")) {
    if (settings_.library_from == kernelgen::kNoLibrary && convolutions_ == "generated" &&
        settings_.rounding != Rounding::float32) {
      throw ConfigError(config.place("rounding"),
                        "rounding is what the libraries do, and products: generated with "
                        "convolutions: generated never calls them; leave one of the three out");
    }
  }

  std::string probe() const override {
    const OpenedDriver& opened = driver();
    if (!opened.trouble.empty()) return opened.trouble;
    int count = 0;
    if (opened.api.device_count(&count) != CUDA_SUCCESS || count == 0)
      return "the NVIDIA driver finds no graphics card";
    if (settings_.index >= count) {
      return "there is no graphics card of index " + std::to_string(settings_.index) +
             ": the driver finds " + std::to_string(count);
    }
    try {
      compiler();
    } catch (const RunError& error) {
      return error.what();
    }
    const std::string no_products =
        settings_.library_from == kernelgen::kNoLibrary ? "" : why_no_products();
    if (!no_products.empty()) return no_products + "; or use products: generated";
    if (convolutions_ != "library" || why_no_convolutions().empty()) return "";
    return why_no_convolutions() + "; or use convolutions: automatic";
  }

 private:
  static constexpr std::int64_t kLarge = 128 * 128 * 128;
  static Rounding rounding(const std::string& name) {
    if (name == "tf32") return Rounding::tf32;
    return name == "bfloat16" ? Rounding::bfloat16 : Rounding::float32;
  }

  std::shared_ptr<kernelgen::Machine> open() override {
    CudaMachine::Settings settings = settings_;
    // Asked for by name cuDNN must be there (`probe`), else it is used where it is.
    const bool wanted = convolutions_ == "library" ||
                        (convolutions_ == "automatic" && why_no_convolutions().empty());
    if (wanted) settings.convolutions_from = kernelgen::library_from(convolutions_, kLarge);
    return std::make_shared<CudaMachine>(settings);
  }

  CudaMachine::Settings settings_;
  std::string convolutions_;
};

}  // namespace

ODEUM_PLUGIN(device, "cuda", Cuda, "1.0.0", "An NVIDIA graphics card")

}  // namespace odeum::cuda
