// SPDX-License-Identifier: Apache-2.0
#include "steps/product_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "odeum/config_file.hpp"
#include "odeum/schema.hpp"

namespace odeum::cpu {
namespace {

constexpr std::int64_t kAlong = 4;  ///< columns

Schema table_schema() {
  const Schema product = Schema("One measured product C[m, n] = A[m, k] B[k, n]")
                             .text("type", "of the numbers")
                             .choices({"float32", "float64"})
                             .text("instructions", "the instruction set it was measured with")
                             .choices({"generic", "avx2", "avx512"})
                             .integer("m", "rows of C; 0: as many as there are samples")
                             .at_least(0)
                             .integer("n", "columns of C")
                             .at_least(1)
                             .integer("k", "what is added up; 0: over the samples")
                             .at_least(0)
                             .text("kernel", "blocks: register blocks of C; along: vectors along k")
                             .choices({"blocks", "along"})
                             .integer("depth", 256, "of k, that blocks add up at once")
                             .at_least(16)
                             .at_most(65536)
                             .integer("tile_rows", 144, "rows of C that a task takes")
                             .at_least(8)
                             .at_most(4096);
  return Schema("Which kernel of the cpu device takes a matrix product")
      .text("processor", "", "where it was measured")
      .sections("products", product,
                "what is faster than the usual choice; each holds for shapes whose extents are at "
                "most twice or half of its own, the nearest first");
}

/// How far apart two extents are, in factors of two; infinite where only one is the samples'.
double distance(std::int64_t x, std::int64_t y) {
  if (x == 0 || y == 0) return x == y ? 0.0 : HUGE_VAL;
  return std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y)));
}

}  // namespace

ProductChoice usual_choice(const ProductShape& shape) {
  ProductChoice choice;
  if (shape.n > 0 && shape.n <= kAlong) choice.kernel = ProductKernel::along;
  return choice;
}

ProductChoice ProductTable::choose(const ProductShape& shape,
                                   const std::string& instructions) const {
  ProductChoice choice = usual_choice(shape);
  double nearest = HUGE_VAL;
  const auto apart = [&shape](const ProductShape& x) {
    const std::array far{distance(shape.m, x.m), distance(shape.n, x.n), distance(shape.k, x.k)};
    return *std::max_element(far.begin(), far.end()) > 1.0 ? HUGE_VAL : far[0] + far[1] + far[2];
  };
  for (const ProductEntry& entry : entries_) {
    if (entry.shape.type != shape.type || entry.instructions != instructions) continue;
    const double far = apart(entry.shape);
    if (far >= nearest) continue;
    nearest = far;
    choice = entry.choice;
  }
  return choice;
}

ProductTable read_product_table(const std::string& file) {
  const Config config = read_config(file, table_schema());
  std::vector<ProductEntry> entries;
  for (const Config& x : config.sections("products")) {
    const DType type = x.text("type") == "float32" ? DType::f32 : DType::f64;
    if (x.integer("m") == 0 && x.integer("k") == 0)
      x.fail("m", "m and k cannot both be the samples");
    entries.push_back({x.text("instructions"),
                       {type, x.integer("m"), x.integer("n"), x.integer("k")},
                       {x.text("kernel") == "along" ? ProductKernel::along : ProductKernel::blocks,
                        x.integer("depth"), x.integer("tile_rows")}});
  }
  return ProductTable(std::move(entries));
}

std::string text_of(const ProductTable& table, const std::string& processor) {
  std::string text;
  if (!processor.empty()) text = "processor: '" + processor + "'\n";
  text += table.entries().empty() ? "products: []\n" : "products:\n";
  for (const ProductEntry& x : table.entries()) {
    text += "  - {type: ";
    text += name(x.shape.type);
    text += ", instructions: " + x.instructions + ", m: " + std::to_string(x.shape.m) +
            ", n: " + std::to_string(x.shape.n) + ", k: " + std::to_string(x.shape.k) +
            ", kernel: " + (x.choice.kernel == ProductKernel::along ? "along" : "blocks") +
            ", depth: " + std::to_string(x.choice.depth) +
            ", tile_rows: " + std::to_string(x.choice.tile_rows) + "}\n";
  }
  return text;
}

}  // namespace odeum::cpu
