// SPDX-License-Identifier: Apache-2.0
// The cpu device's table of products: whichever kernel it chooses, products are those of the
// reference, on odd sizes and tails.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "device/compare.hpp"
#include "loaded.hpp"
#include "odeum/tensor.hpp"
#include "odeum/tuning.hpp"

namespace odeum {
namespace {

using device_tests::expect_reference;
using device_tests::random_inputs;

/// A table that says the same of every shape of the test.
class TableFile {
 public:
  TableFile(const std::string& choice, const std::vector<std::int64_t>& widths) {
    std::string folder = (std::filesystem::temp_directory_path() / "odeum_table_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    std::ofstream file(path());
    file << "products:\n";
    for (const char* type : {"float32", "float64"}) {
      for (const char* instructions : {"generic", "avx2", "avx512"}) {
        for (const std::int64_t n : widths) {
          for (const std::int64_t other : widths) {
            const std::string line = std::string("  - {type: ") + type +
                                     ", instructions: " + instructions +
                                     ", n: " + std::to_string(n) + ", " + choice;
            file << line << ", m: 0, k: " << other << "}\n"
                 << line << ", k: 0, m: " << other << "}\n";
          }
        }
      }
    }
  }
  ~TableFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;
  std::string path() const { return (folder_ / "table.yaml").string(); }

 private:
  std::filesystem::path folder_;
};

TEST(CpuDeviceTable, ChangesWhichKernelRunsAndNotWhatItComputes) {
  const std::vector<std::int64_t> widths{1, 5, 33, 70};
  // Sums of up to 200 products of numbers up to 1, in any order.
  constexpr device_tests::Tolerance kSums{2e-5, 1e-13};
  for (const char* choice : {"kernel: along", "kernel: blocks, depth: 16, tile_rows: 8",
                             "kernel: blocks, depth: 4096, tile_rows: 4096"}) {
    const TableFile table(choice, widths);
    std::vector<std::shared_ptr<Device>> devices;
    for (const char* instructions : {"generic", "avx2", "avx512"}) {
      for (const char* plan : {"rows", "tasks"}) {
        devices.push_back(plugin_tests::make<Device>(
            "cpu", "threads: 2\nplan: " + std::string(plan) + "\ninstructions: " + instructions +
                       "\ntable: " + table.path() + "\n"));
      }
    }
    for (const DType type : {DType::f32, DType::f64}) {
      for (const std::int64_t in : widths) {
        for (const std::int64_t out : widths) {
          const std::vector<InputSpec> specs{
              {"x", {kRows, in}, type}, {"w", {out, in}, type}, {"y", {kRows, out}, type}};
          const Program program = record(specs, [](std::span<const Tensor> of) {
            return std::vector<Tensor>{dot("ri,oi->ro", of[0], of[1]),
                                       dot("ro,oi->ri", of[2], of[1]),
                                       dot("ro,ri->oi", of[2], of[0])};
          });
          const std::int64_t rows = in == 33 ? 200 : 19;
          expect_reference(devices, program, rows, random_inputs(program, rows, 3), kSums, choice);
        }
      }
    }
  }
}

TEST(CpuDeviceTable, IsReadByTheDeviceAndTellsOfItself) {
  const TableFile table("kernel: along", {8});
  const auto device =
      plugin_tests::make<Device>("cpu", "threads: 1\ntable: " + table.path() + "\n");
  const auto* const tuned = dynamic_cast<const TunedDevice*>(device.get());
  ASSERT_NE(tuned, nullptr);
  EXPECT_NE(tuned->table().find("n: 8, k: 8, kernel: along"), std::string::npos) << tuned->table();
  const auto usual = plugin_tests::make<Device>("cpu", "threads: 1\n");
  EXPECT_NE(dynamic_cast<const TunedDevice*>(usual.get())->table(), tuned->table());
}

}  // namespace
}  // namespace odeum
