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
        .text("rounding", "float32",
              "what cuBLAS rounds float32 factors to before it multiplies (sums are float32): tf32 "
              "has 11 significant bits, bfloat16 8; both use the tensor cores")
        .choices({"float32", "tf32", "bfloat16"});
  }
  explicit Cuda(const Config& config)
      : GeneratedDevice("cuda"),
        index_(static_cast<int>(config.integer("index"))),
        cache_(kernelgen::cache_folder(config.text("cache"))),
        library_from_(kernelgen::library_from(config.text("products"), kLarge)),
        rounding_(rounding(config.text("rounding"))) {
    if (library_from_ == kernelgen::kNoLibrary && rounding_ != Rounding::float32) {
      throw ConfigError(config.place("rounding"),
                        "rounding is what cuBLAS does, and products: generated never calls it; "
                        "leave one of the two out");
    }
  }

  std::string probe() const override {
    const OpenedDriver& opened = driver();
    if (!opened.trouble.empty()) return opened.trouble;
    int count = 0;
    if (opened.api.device_count(&count) != CUDA_SUCCESS || count == 0)
      return "the NVIDIA driver finds no graphics card";
    if (index_ >= count) {
      return "there is no graphics card of index " + std::to_string(index_) +
             ": the driver finds " + std::to_string(count);
    }
    try {
      compiler();
    } catch (const RunError& error) {
      return error.what();
    }
    return library_from_ == kernelgen::kNoLibrary ? "" : why_no_products();
  }

 private:
  static constexpr std::int64_t kLarge = 128 * 128 * 128;
  static Rounding rounding(const std::string& name) {
    if (name == "tf32") return Rounding::tf32;
    return name == "bfloat16" ? Rounding::bfloat16 : Rounding::float32;
  }

  std::shared_ptr<kernelgen::Machine> open() override {
    return std::make_shared<CudaMachine>(index_, kernelgen::Cache(cache_), library_from_,
                                         rounding_);
  }

  int index_;
  std::filesystem::path cache_;
  std::int64_t library_from_;
  Rounding rounding_;
};

}  // namespace

ODEUM_PLUGIN(device, "cuda", Cuda, "1.0.0", "An NVIDIA graphics card")

}  // namespace odeum::cuda
