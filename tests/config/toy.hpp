// SPDX-License-Identifier: Apache-2.0
// A small world of components for the tests of configurations, and ways to load a text in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "odeum/config.hpp"

namespace odeum::config::test {

inline Schema toy_plugin(const std::string& kind, const std::string& name) {
  if (kind == "solver" && name == "euler") return Schema("First order");
  if (kind == "solver" && name == "dopri5") {
    return Schema("Order five").number("safety", 0.9, "factor of the next step").above(0).below(1);
  }
  if (kind == "field") {
    return Schema("A network")
        .integers("hidden", {64, 64}, "widths of the hidden layers")
        .size(1, 8)
        .at_least(1)
        .text("activation", "softplus", "the nonlinearity")
        .choices({"softplus", "tanh", "relu"})
        .renamed("nonlinearity");
  }
  if (kind == "block") {
    return Schema("Solves an equation")
        .component("field", "field", "the right-hand side")
        .component("solver", "solver", "dopri5", "the method")
        .numbers("span", {0.0, 1.0}, "begin and end")
        .size(2, 2)
        .section("divergence",
                 Schema()
                     .text("estimator", "hutchinson", "how the trace is had")
                     .choices({"exact", "hutchinson"})
                     .integer("probes", 1, "how many")
                     .at_least(1),
                 "the rate of the log-density")
        .components("regularizers", "regularizer", "costs on the way");
  }
  if (kind == "dataset" && name == "csv")
    return Schema("A table").path("file", "the file").flag("header", true, "has a header");
  if (kind == "dataset") return Schema("Rings").number("noise", 0.1, "deviation").at_least(0);
  return Schema("Nothing to set");
}

inline KindSchemas toy_schemas() {
  const auto names = [](const std::string& kind) -> std::vector<std::string> {
    if (kind == "solver") return {"dopri5", "euler"};
    if (kind == "field") return {"mlp"};
    if (kind == "block") return {"ode"};
    if (kind == "dataset") return {"csv", "rings"};
    if (kind == "regularizer") return {"jacobian", "kinetic"};
    if (kind == "optimizer") return {"adam"};
    return {"cpu"};
  };
  SchemaLookup plugins;
  plugins.names = names;
  plugins.schema = [names](const std::string& kind, const std::string& name) -> const Schema* {
    if (name == "damaged")
      throw ConfigError("the plugin file /x/damaged.so cannot be used: it is old");
    const auto known = names(kind);
    if (std::find(known.begin(), known.end(), name) == known.end()) return nullptr;
    static std::map<std::string, Schema> all;
    return &all.try_emplace(kind + "/" + name, toy_plugin(kind, name)).first->second;
  };
  plugins.explain = [](const std::string& kind, const std::string&) {
    return "  looked in /plugins/" + kind;
  };
  const auto common = [](const std::string& kind) {
    if (kind == "solver") {
      return Schema()
          .number("rtol", 1e-5, "relative tolerance")
          .above(0)
          .numbers("atol", {1e-5}, "absolute tolerance")
          .at_least(0)
          .integer("max_steps", 10000, "of one solve")
          .at_least(1);
    }
    if (kind == "regularizer") return Schema().schedule("weight", 1.0, "factor").at_least(0);
    if (kind == "optimizer") return Schema().schedule("lr", 1e-3, "learning rate").above(0);
    if (kind == "device") return Schema().integer("threads", 0, "0: all").at_least(0);
    return Schema();
  };
  return KindSchemas(std::move(plugins), common);
}

inline Schema toy_root() {
  return Schema("A toy")
      .integer("seed", 0, "of everything random")
      .component("device", "device", "cpu", "where it runs")
      .text("precision", "float32", "of the state")
      .choices({"float32", "float64"})
      .component("data", "dataset", "what it learns from")
      .components("model", "block", "from data to base")
      .size(1)
      .component("optimizer", "optimizer", "adam", "how it learns")
      .section("train",
               Schema()
                   .integer("steps", "how many")
                   .at_least(1)
                   .number("clip", "of gradients")
                   .optional()
                   .number("max_time", std::numeric_limits<double>::infinity(), "[s]")
                   .above(0),
               "the loop")
      .sections("events", Schema().text("what", "the event").number("at", 0.0, "[s]"),
                "to stop at");
}

inline const char* const kGood = R"(seed: 7
data: rings
model:
  - use: ode
    name: flow
    field: mlp
    regularizers: [kinetic, {use: jacobian, weight: 0.01}]
train: {steps: 2000}
)";

/// Resolves a text as if it stood in configs/toy.yaml.
inline Config toy(const std::string& text, const std::vector<std::string>& sets = {}) {
  KindSchemas schemas = toy_schemas();
  return resolve(read_yaml_text(text, "configs/toy.yaml"), sets, toy_root(), schemas.lookup(),
                 "configs");
}

/// All that is wrong with it, as a user reads it; "" if nothing is.
inline std::string complaint(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    toy(text, sets);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

/// A folder for one test, removed at its end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "odeum-config-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace odeum::config::test
