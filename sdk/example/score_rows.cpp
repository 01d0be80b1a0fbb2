// SPDX-License-Identifier: Apache-2.0
// score_rows RUN N: draws N rows from a trained density and prints each with its log p.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "odeum/error.hpp"
#include "odeum/model.hpp"

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: score_rows RUN N\n");
    return 2;
  }
  odeum::TrainedModel model = odeum::TrainedModel::load(argv[1]);
  const auto n = static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10));
  const auto width = static_cast<std::size_t>(model.info().input_shape.elements(1));

  std::vector<double> rows(n * width), log_p(n);
  for (const odeum::SolveSummary& solves :
       {model.sample(/*seed=*/0, rows), model.log_density(rows, log_p)}) {
    if (solves.ok()) continue;
    std::fprintf(stderr, "score_rows: %s\n", solves.message.c_str());
    return 1;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < width; ++j) std::printf("%.9g,", rows[i * width + j]);
    std::printf("%.9g\n", log_p[i]);
  }
  return 0;
} catch (const odeum::ConfigError& error) {
  std::fprintf(stderr, "score_rows: %s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "score_rows: %s\n", error.what());
  return 1;
}
