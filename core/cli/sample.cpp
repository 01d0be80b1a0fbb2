// SPDX-License-Identifier: Apache-2.0
// odeum sample: draws from a trained model.
#include <cstdio>

#include "cli/output.hpp"
#include "cli/run_model.hpp"
#include "io/npy.hpp"
#include "train/checkpoint.hpp"
#include "train/trained_model.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  Arguments all("RUN -n N -o FILE [options]",
                "Draws samples from a trained model, in the units of its data. Sample i of a seed "
                "is the same "
                "whatever N is.");
  all.positional("RUN", "a run folder");
  all.option("number,n", "N", "how many");
  all.option("out,o", "FILE", ".npy or .csv: a row per sample");
  all.option("seed", "S", "of the draws; 0 unless given");
  add_set_option(all);
  return all;
}

std::vector<std::string> column_names(const Run& run, std::int64_t width) {
  const std::vector<std::string> columns = train::trained_on(run.checkpoint).columns;
  // A CSV file's columns: all together, then each under its own name.
  if (static_cast<std::int64_t>(columns.size()) == width + 1)
    return {columns.begin() + 1, columns.end()};
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < width; ++i) names.push_back("x" + std::to_string(i));
  return names;
}

int run(const Values& values) {
  if (!is_set(values, "number")) throw ConfigError("-n N is missing: how many samples");
  if (!is_set(values, "out")) throw ConfigError("-o FILE is missing: where the samples go");
  const long long number = whole_number(values, "number", 1);
  const long long seed = is_set(values, "seed") ? whole_number(values, "seed", 0) : 0;
  const std::string out = text_of(values, "out");
  require_table_file(out);
  plugin::Registry& plugins = registry(values);
  const Run trained = open_run(values, plugins);
  train::TrainedModel model(trained.root, trained.checkpoint, plugins);
  const std::vector<double> samples = model.pipeline().sample(
      number, static_cast<std::uint64_t>(seed), model.parameters(), model.buffers());
  const Shape shape = model.pipeline().sample_shape();
  const std::int64_t width = shape.elements(1);
  if (shape.rank() > 1 && out.ends_with(".npy")) {
    std::vector<std::int64_t> extents = shape.extents();
    extents.insert(extents.begin(), number);
    io::write_npy(out, io::make_array(model.pipeline().precision(), extents, samples));
  } else {
    write_table(out, column_names(trained, width), samples, model.pipeline().precision());
  }
  if (is_set(values, "json")) {
    print_json({{"samples", number}, {"columns", width}, {"seed", seed}, {"file", out}});
  } else {
    std::printf("%lld samples in %s\n", number, out.c_str());
  }
  return kDone;
}

}  // namespace

Command sample_command() { return {"sample", "draw from a trained model", arguments, run}; }

}  // namespace odeum::cli
