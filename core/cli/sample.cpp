// SPDX-License-Identifier: Apache-2.0
// odeum sample: draws from a trained model.
#include <algorithm>
#include <cstdio>
#include <span>

#include "cli/output.hpp"
#include "cli/run_model.hpp"
#include "io/npy.hpp"
#include "train/inference.hpp"

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

std::vector<std::string> column_names(const Run& run, std::int64_t width,
                                      const plugin::Registry& plugins) {
  std::vector<std::string> names =
      embed::names_of_row(run, embed::input_of(run, plugins).position, width);
  for (std::int64_t i = 0; names.size() < static_cast<std::size_t>(width); ++i)
    names.push_back("x" + std::to_string(i));
  return names;
}

/// A batch after the other.
std::vector<double> draw(train::Inference& model, std::int64_t number, std::uint64_t seed) {
  const std::int64_t width = model.input_shape().elements(1);
  std::vector<double> samples(static_cast<std::size_t>(number * width));
  for (std::int64_t begin = 0; begin < number; begin += model.samples_at_once()) {
    const std::int64_t count = std::min(model.samples_at_once(), number - begin);
    model.sample(seed, begin,
                 std::span(samples).subspan(static_cast<std::size_t>(begin * width),
                                            static_cast<std::size_t>(count * width)));
  }
  return samples;
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
  train::Inference model(trained.root, trained.checkpoint, plugins);
  const std::vector<double> samples = draw(model, number, static_cast<std::uint64_t>(seed));
  const Shape& shape = model.input_shape();
  const std::int64_t width = shape.elements(1);
  if (shape.rank() > 1 && out.ends_with(".npy")) {
    std::vector<std::int64_t> extents = shape.extents();
    extents.insert(extents.begin(), number);
    io::write_npy(out, io::make_array(model.precision(), extents, samples));
  } else {
    write_table(out, column_names(trained, width, plugins), samples, model.precision());
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
