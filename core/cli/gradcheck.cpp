// SPDX-License-Identifier: Apache-2.0
// odeum gradcheck: every gradient method against a tight reference.
#include <charconv>
#include <cstdio>

#include "cli/session.hpp"
#include "config/yaml.hpp"
#include "model/multiscale.hpp"
#include "train/gradient_check.hpp"
#include "train/schemas.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  Arguments all("CONFIG [options]",
                "Compares every gradient method that is installed, at the file's precision and "
                "tolerances, with a "
                "reference in float64 at 1e-12, and that with central differences. Of a solve "
                "file: the sum of the "
                "last state by initial state, parameters and times; with a terminal event, of the "
                "state there and its time. Of a training file: the loss "
                "of the first batch, at most 64 rows, by the parameters. Methods that cannot "
                "differentiate such a solve are listed with the reason. Warns where the "
                "discretised dynamics are not the equation's any more, and says why methods are "
                "off. Exit status 1 where a method is off that is not refused.");
  all.positional("CONFIG", "a solve file or a training file");
  add_set_option(all);
  all.option("allow", "ERROR",
             "relative error that passes; unless given 1000 times the larger of rtol and rounding, "
             "at most 1e-2; 1e-2 with given steps");
  return all;
}

double allowance(const Values& values) {
  if (!is_set(values, "allow")) return 0.0;
  const std::string text = text_of(values, "allow");
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number > 0.0)) {
    throw ConfigError("--allow wants a number above 0, this is '" + text + "'");
  }
  return number;
}

/// The method that a configuration names stays as it is configured, the others take their defaults.
std::vector<Config> methods(const Config* configured, plugin::Registry& plugins) {
  const Schema schema = Schema().component("gradient", "gradient", "a method");
  std::vector<Config> all;
  for (const std::string& name : plugins.names("gradient")) {
    if (configured != nullptr && configured->use() == name) {
      all.push_back(*configured);
      continue;
    }
    all.push_back(config::resolve(config::parse_yaml("{gradient: " + name + "}", "gradcheck"), {},
                                  schema, schemas(plugins).lookup(), ".")
                      .component("gradient"));
  }
  if (all.empty()) throw ConfigError("no gradient method is installed");
  return all;
}

train::GradientCheck check(const Values& values, plugin::Registry& plugins) {
  const std::string file = text_of(values, "CONFIG");
  const auto sets = list_of(values, "set");
  const double allowed = allowance(values);
  if (root_kind(file) == RootKind::solve) {
    const Config root = load(file, sets, train::gradcheck_schema(), plugins);
    const Config& configured = root.section("problem").component("gradient");
    return train::check_problem(root, methods(&configured, plugins), allowed, plugins);
  }
  const Config root = load(file, sets, train::root_schema(), plugins);
  const std::vector<Config> blocks = model::plain_blocks(root.components("model"));
  const Config* configured = nullptr;
  for (const Config& block : blocks) {
    if (block.use() == "ode") configured = &block.component("gradient");
  }
  if (configured == nullptr) throw ConfigError(Place{file}, "there is no solve in this model");
  return train::check_training(root, methods(configured, plugins), allowed, plugins);
}

io::Json to_json(const train::GradientCheck& check) {
  io::Json rows = io::Json::array();
  for (const train::GradientRow& row : check.rows) {
    io::Json json{{"method", row.method}};
    if (!row.refusal.empty()) json["refusal"] = row.refusal;
    if (!row.failure.empty()) json["failure"] = row.failure;
    if (row.has_gradient()) {
      json["relative_error"] = row.relative_error;
      json["evaluations"] = {{"forward", row.forward}, {"backward", row.backward}};
      json["seconds"] = row.seconds;
      json["kept_bytes"] = row.kept_bytes;
    }
    rows.push_back(std::move(json));
  }
  io::Json json{{"status", check.passed() ? "passed" : "failed"},
                {"variables", check.variables},
                {"allowed", check.allowed},
                {"reference",
                 {{"method", check.reference},
                  {"differences_error", check.differences_error},
                  {"directions", check.directions},
                  {"allowed", check.allowed_differences}}},
                {"methods", rows},
                {"remarks", check.remarks()}};
  if (check.growth > 0.0) json["growth"] = check.growth;
  if (check.halved) {
    json["halved"] = {{"of", check.halved->given_steps ? "step" : "tolerance"},
                      {"result", check.halved->result},
                      {"gradient", check.halved->gradient}};
  }
  if (check.round_trip) {
    const train::RoundTrip& trip = *check.round_trip;
    json["round_trip"] = trip.failure.empty() ? io::Json{{"mismatch", trip.mismatch},
                                                         {"tolerances", trip.tolerances}}
                                              : io::Json{{"failure", trip.failure}};
  }
  return json;
}

void print_table(const train::GradientCheck& check) {
  std::printf(
      "%lld variables; reference by %s, against central differences along %lld directions: %.2e\n",
      static_cast<long long>(check.variables), check.reference.c_str(),
      static_cast<long long>(check.directions), check.differences_error);
  std::printf("%-16s %15s %9s %9s %10s %12s\n", "method", "relative error", "forward", "backward",
              "seconds", "kept bytes");
  for (const train::GradientRow& row : check.rows) {
    if (!row.has_gradient()) {
      std::printf("%-16s %15s\n", row.method.c_str(), row.refusal.empty() ? "failed" : "refused");
      continue;
    }
    std::printf("%-16s %15.3e %9lld %9lld %10.4f %12zu%s\n", row.method.c_str(), row.relative_error,
                static_cast<long long>(row.forward), static_cast<long long>(row.backward),
                row.seconds, row.kept_bytes,
                row.relative_error <= check.allowed ? "" : "  too large");
  }
  for (const train::GradientRow& row : check.rows) {
    const std::string& reason = row.refusal.empty() ? row.failure : row.refusal;
    if (!reason.empty()) std::printf("\n%s: %s\n", row.method.c_str(), reason.c_str());
  }
  for (const std::string& remark : check.remarks()) std::printf("\nwarning: %s\n", remark.c_str());
  if (check.halved) {
    std::printf("\nwith half the %s the result moves by %.1e, its gradient by %.1e\n",
                check.halved->given_steps ? "step" : "tolerance", check.halved->result,
                check.halved->gradient);
  }
  std::printf("%s: relative errors up to %.1e pass\n", check.passed() ? "passed" : "failed",
              check.allowed);
}

int run(const Values& values) {
  const train::GradientCheck result = check(values, registry(values));
  if (is_set(values, "json")) {
    print_json(to_json(result));
  } else {
    print_table(result);
  }
  return result.passed() ? kDone : kFailed;
}

}  // namespace

Command gradcheck_command() {
  return {"gradcheck", "every gradient method against a tight reference", arguments, run};
}

}  // namespace odeum::cli
