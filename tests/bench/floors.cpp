// SPDX-License-Identifier: Apache-2.0
// bench_floors: rates of this machine, for the comparison with peers.
//
//   bench_floors THREADS SECONDS [BLAS_LIBRARY]
//
// Answers each line with a line of JSON of GFLOP/s:
//
//   peak                                              {"peak"}
//   forward|input_cotangent|weight_cotangent ROWS OUT IN [SIDE]   {"odeum", "blas"}
//
// With a SIDE above 0 the products are 3 x 3 convolutions, which a BLAS library has not.
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "cli/session.hpp"
#include "config/load.hpp"
#include "config/yaml.hpp"
#include "floor_products.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"

namespace odeum::bench {
namespace {

std::shared_ptr<Device> cpu(const std::string& threads) {
  const Schema schema = Schema().component("device", "device", "");
  const Config root =
      config::resolve(config::parse_yaml("device: {use: cpu, threads: " + threads + "}", "bench"),
                      {}, schema, cli::schemas(plugin::registry()).lookup(), ".");
  return plugin::registry().create<Device>(root.component("device"));
}

Product::Role role(const std::string& name) {
  if (name == "forward") return Product::Role::forward;
  if (name == "input_cotangent") return Product::Role::input_cotangent;
  if (name == "weight_cotangent") return Product::Role::weight_cotangent;
  throw ConfigError("no such product: " + name);
}

void serve(int argc, char** argv) {
  if (argc < 3) throw ConfigError("bench_floors THREADS SECONDS [BLAS_LIBRARY]");
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const std::shared_ptr<Device> device = cpu(argv[1]);
  const int threads = std::stoi(argv[1]);
  const double seconds = std::stod(argv[2]);
  std::optional<Blas> blas;
  if (argc > 3) blas.emplace(argv[3]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "peak") {
      std::cout << "{\"peak\": " << peak_rate(threads, seconds) << "}" << std::endl;
      continue;
    }
    Product product{.role = role(name)};
    words >> product.rows >> product.out >> product.in >> product.side;
    std::cout << "{\"odeum\": " << device_rate(*device, product, seconds);
    if (blas && product.side == 0)
      std::cout << ", \"blas\": " << blas->rate(product, threads, seconds);
    std::cout << "}" << std::endl;
  }
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  try {
    odeum::bench::serve(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_floors: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
