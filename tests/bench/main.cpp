// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include <exception>
#include <iostream>

#include "bench.hpp"
#include "odeum/error.hpp"

int main(int argc, char** argv) {
  try {
    odeum::bench::run(argc, argv);
  } catch (const odeum::ConfigError& error) {
    std::cerr << program_invocation_short_name << ": " << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << program_invocation_short_name << ": " << error.what() << "\n";
    return 1;
  }
  return 0;
}
