// SPDX-License-Identifier: Apache-2.0
// odeum tune: measures a device's kernels on this machine and writes the table that it chooses by.
#include <cstdio>
#include <filesystem>

#include "cli/output.hpp"
#include "cli/session.hpp"
#include "config/yaml.hpp"
#include "io/file.hpp"
#include "odeum/device.hpp"
#include "odeum/error.hpp"
#include "odeum/tuning.hpp"
#include "train/fingerprint.hpp"

namespace odeum::cli {
namespace {

namespace fs = std::filesystem;

Arguments arguments() {
  Arguments all("[options]",
                "Measures on this machine which kernel is the fastest for which shape and writes a "
                "table, for the device's key `table`. The table decides last bits of results: a "
                "training is resumed with the one it began with.");
  all.option("device", "NAME", "the device, as a configuration writes it; cpu unless given");
  all.option("out", "FILE", "the table's file; NAME.table.yaml unless given");
  all.flag("show", "print the table in use instead of measuring one");
  return all;
}

std::shared_ptr<Device> device(const std::string& written, plugin::Registry& plugins) {
  const Schema schema = Schema().component("device", "device", "to be tuned");
  const Config config =
      config::resolve(config::parse_yaml("device: " + written + "\n", "--device " + written), {},
                      schema, schemas(plugins).lookup(), fs::current_path());
  std::shared_ptr<Device> made = plugins.create<Device>(config.component("device"));
  if (const std::string absent = made->probe(); !absent.empty())
    throw ConfigError("device " + written + " cannot be used here: " + absent);
  return made;
}

int run(const Values& values) {
  const std::string name = is_set(values, "device") ? text_of(values, "device") : "cpu";
  const std::shared_ptr<Device> made = device(name, registry(values));
  auto* const tuned = dynamic_cast<TunedDevice*>(made.get());
  if (tuned == nullptr)
    throw ConfigError("device " + name +
                      " chooses no kernels by a table: there is nothing to tune");
  if (is_set(values, "show")) {
    const std::string table = tuned->table();
    if (is_set(values, "json")) {
      print_json({{"table", table}, {"hash", train::fingerprint(table)}});
    } else {
      std::printf("# hash %s\n%s", train::fingerprint(table).c_str(), table.c_str());
    }
    return kDone;
  }
  const fs::path out = is_set(values, "out") ? text_of(values, "out") : name + ".table.yaml";
  if (fs::exists(out)) throw ConfigError(out.string() + " exists already; --out names another");
  require_writable("--out", out.string());
  const std::string table =
      tuned->tune([](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
  io::write_atomically(out, table);
  if (is_set(values, "json")) {
    print_json({{"file", out.string()}});
  } else {
    std::printf("wrote %s; use it with device: {use: %s, table: %s}\n", out.c_str(), name.c_str(),
                out.c_str());
  }
  return kDone;
}

}  // namespace

Command tune_command() {
  return {"tune", "measure a device's kernels and write its table", arguments, run};
}

}  // namespace odeum::cli
