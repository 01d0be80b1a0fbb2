// SPDX-License-Identifier: Apache-2.0
// bench_floors: rates of this machine, for the comparison with peers.
//
//   bench_floors THREADS SECONDS [BLAS_LIBRARY]
//   bench_floors DEVICE SECONDS                    as a configuration has it, `cuda`
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

std::shared_ptr<Device> open(const std::string& device) {
  const Schema schema = Schema().component("device", "device", "");
  const Config root = config::resolve(config::parse_yaml("device: " + device, "bench"), {}, schema,
                                      cli::schemas(plugin::registry()).lookup(), ".");
  auto opened = plugin::registry().create<Device>(root.component("device"));
  if (const std::string absent = opened->probe(); !absent.empty()) throw ConfigError(absent);
  return opened;
}

bool is_number(const std::string& word) {
  return word.find_first_not_of("0123456789") == std::string::npos;
}

Product::Role role(const std::string& name) {
  if (name == "forward") return Product::Role::forward;
  if (name == "input_cotangent") return Product::Role::input_cotangent;
  if (name == "weight_cotangent") return Product::Role::weight_cotangent;
  throw ConfigError("no such product: " + name);
}

void serve(int argc, char** argv) {
  if (argc < 3) throw ConfigError("bench_floors THREADS|DEVICE SECONDS [BLAS_LIBRARY]");
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const std::string what = argv[1];
  const int threads = is_number(what) ? std::stoi(what) : 1;
  const auto device = open(is_number(what) ? "{use: cpu, threads: " + what + "}" : what);
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
