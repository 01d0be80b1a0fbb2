// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/plan.hpp"

#include <algorithm>
#include <numeric>

#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {
namespace {

std::int64_t tiles(const Size& size, std::int64_t tile, std::int64_t rows) {
  return (size.at(rows) + tile - 1) / tile;
}

}  // namespace

std::int64_t Parts::at(std::int64_t rows) const {
  if (each == 0) return 1;
  return std::clamp<std::int64_t>((entries.at(rows) + each - 1) / each, 1, most);
}

std::int64_t Launch::groups(std::int64_t rows) const {
  if (!joined.empty()) {
    return std::accumulate(
        joined.begin(), joined.end(), std::int64_t{0},
        [rows](std::int64_t sum, const Launch& one) { return sum + one.groups(rows); });
  }
  return tiles(m, tile_m, rows) * tiles(n, tile_n, rows) * z.at(rows) * parts.at(rows);
}

Plan make_plan(const Program& program, const CompileOptions& options,
               const std::vector<bool>& wanted, const Libraries& libraries,
               std::int64_t local_bytes) {
  Graph graph(program, options, wanted);
  if (libraries.biases && libraries.products != kNoLibrary) join_biases(graph, libraries.products);
  return Lowering(graph, libraries, local_bytes).finish();
}

}  // namespace odeum::kernelgen
