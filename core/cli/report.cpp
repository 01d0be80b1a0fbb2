// SPDX-License-Identifier: Apache-2.0
// odeum report: the page of a training.
#include <cstdio>

#include "cli/run_model.hpp"
#include "report/run_report.hpp"
#include "train/run_folder.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  Arguments all("RUN [options]",
                "Writes RUN/report.html anew: loss, evaluations, times, learning rate, pictures of "
                "the model. `train` does so at its end. The page opens in any browser and loads "
                "nothing from elsewhere.");
  all.positional("RUN", "a run folder");
  add_set_option(all);
  return all;
}

int run(const Values& values) {
  plugin::Registry& plugins = registry(values);
  const Run trained = open_run(values, plugins);
  const train::RunFolder folder = train::RunFolder::open(text_of(values, "RUN"));
  report::write_report(folder, trained.root, plugins);
  if (is_set(values, "json")) {
    print_json({{"file", folder.report().string()}});
  } else {
    std::printf("%s\n", folder.report().c_str());
  }
  return kDone;
}

}  // namespace

Command report_command() { return {"report", "write the page of a training", arguments, run}; }

}  // namespace odeum::cli
