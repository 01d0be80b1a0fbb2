// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/generated_device.hpp"
#include "machine.hpp"
#include "odeum/config.hpp"
#include "odeum/device.hpp"
#include "odeum/error.hpp"
#include "odeum/plugin.hpp"
#include "odeum/schema.hpp"

namespace odeum::opencl {
namespace {

class OpenCl final : public kernelgen::GeneratedDevice {
 public:
  static Schema schema() {
    return Schema(
               "An accelerator with an OpenCL driver (1.2 or later, with float64): kernels are "
               "generated from the pipeline and built by the driver when they are first run. The "
               "same run gives the same bits")
        .integer("index", 0,
                 "which of the devices, accelerators before processors; `odeum doctor` says what "
                 "is wrong with it")
        .at_least(0)
        .text("cache", "automatic",
              "folder for built kernels; automatic: odeum/kernels in the user's cache folder (none "
              "on PoCL, which keeps built kernels itself); none: they are not kept")
        .text("products", "automatic",
              "who multiplies matrices: generated kernels; the library CLBlast wherever it can; "
              "automatic: CLBlast from 16 million multiplications on, where it is built in and "
              "the device is an accelerator")
        .choices({"automatic", "generated", "library"});
  }
  static constexpr const char* kNoClBlast =
      "products: library was asked for, but device/opencl was built without CLBlast "
      "(libclblast-dev); use products: automatic";

  explicit OpenCl(const Config& config)
      : GeneratedDevice("opencl"),
        index_(static_cast<std::size_t>(config.integer("index"))),
        cache_(config.text("cache")),
        products_(config.text("products")) {
    if (products_ == "library" && !has_library())
      throw ConfigError(config.place("products"), kNoClBlast);
  }

  std::string probe() const override {
    const std::vector<Found> all = all_devices();
    if (all.empty()) {
      return "no OpenCL platform has a device; install the accelerator's driver, or "
             "pocl-opencl-icd, which runs OpenCL on the processor";
    }
    if (index_ >= all.size()) {
      std::string names;
      for (std::size_t i = 0; i < all.size(); ++i)
        names += (i == 0 ? "" : "; ") + std::to_string(i) + ": " + all[i].name;
      return "there is no device of index " + std::to_string(index_) + " (" + names + ")";
    }
    const Found& found = all[index_];
    return found.unusable.empty() ? "" : found.name + " cannot be used: " + found.unusable;
  }

 private:
  std::shared_ptr<kernelgen::Machine> open() override {
    const Found found = all_devices()[index_];
    // To hand out a binary, PoCL builds every kernel once more.
    const bool keeps_itself =
        cache_ == "automatic" && found.name.find("Portable Computing Language") == 0;
    return std::make_shared<OpenClMachine>(
        found, kernelgen::Cache(kernelgen::cache_folder(keeps_itself ? "none" : cache_)),
        kernelgen::library_from(products_, large_for(found)));
  }

  /// Below, starting a library's kernels costs more than they save; on a processor its tuning for
  /// accelerators does.
  static std::int64_t large_for(const Found& found) {
    constexpr std::int64_t kLarge = 256 * 256 * 256;
    return has_library() && !found.processor ? kLarge : kernelgen::kNoLibrary;
  }

  std::size_t index_;
  std::string cache_, products_;
};

}  // namespace

ODEUM_PLUGIN(device, "opencl", OpenCl, "1.0.0", "An accelerator with an OpenCL driver")

}  // namespace odeum::opencl
