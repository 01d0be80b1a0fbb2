// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <utility>

#include "kernelgen/machine.hpp"
#include "kernelgen/plan.hpp"
#include "kernelgen/replays.hpp"
#include "odeum/error.hpp"
#include "odeum/successive.hpp"

namespace odeum::kernelgen {
namespace {

/// Both halves of a state, for every step of a solve whose steps are kept: a few hundred.
constexpr std::size_t kMostReplays = 256;
/// Runs that are recorded together: the rows of attempts of some solves.
constexpr std::size_t kMostRows = 64;

Source assemble(const Plan& plan, const std::string& program, Dialect dialect, IndexWidth width) {
  Source source{program, {}, {}, {}};
  for (std::size_t i = 0; i < plan.kernels.size(); ++i) {
    std::string text = plan.kernels[i].text;
    const std::string name = "k" + std::to_string(i);
    text.replace(text.find("NAME"), 4, name);
    source.text += text;
    source.kernels.push_back(name);
    source.threads.push_back(plan.kernels[i].threads);
  }
  source.text.insert(0, prelude(dialect, width, source.text));
  return source;
}

/// A program with one set of wanted outputs.
class Variant {
 public:
  Variant(Plan plan, std::string name, std::shared_ptr<Machine> machine)
      : plan_(std::move(plan)),
        name_(std::move(name)),
        machine_(std::move(machine)),
        views_(plan_.slots.size()) {
    std::size_t most = 0;
    for (const Launch& launch : plan_.launches) most = std::max(most, launch.slots.size());
    places_.resize(most);
  }

  std::size_t scratch_bytes(std::int64_t rows) const { return plan_.scratch_bytes(rows); }

  /// Has memory for a run, and its arguments in `views`.
  void prepare(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) {
    reserve(rows);
    bind(rows, inputs, outputs);
  }
  std::span<const View> views() const { return views_; }

  void run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) {
    if (plan_.launches.empty()) return;
    prepare(rows, inputs, outputs);
    if (machine_->records() && plan_.launches.size() >= kWorthRecording) {
      replays_.run(*machine_, rows, views_, [this, rows] { queue(rows); });
    } else {
      queue(rows);
    }
  }

  /// What was prepared last.
  void queue(std::int64_t rows) {
    for (const Launch& launch : plan_.launches) {
      if (launch.product >= 0) {
        multiply(launch, rows);
        continue;
      }
      if (launch.convolution >= 0) {
        convolve(launch, rows);
        continue;
      }
      const std::int64_t groups = launch.groups(rows);
      if (groups == 0) continue;
      for (std::size_t i = 0; i < launch.slots.size(); ++i)
        places_[i] = views_[static_cast<std::size_t>(launch.slots[i])];
      ++machine_->counts().launches;
      built(rows).launch(launch.kernel, groups, rows, launch.parts.at(rows),
                         std::span(places_).first(launch.slots.size()));
    }
  }

 private:
  /// Fewer launches cost no more than to launch what was recorded.
  static constexpr std::size_t kWorthRecording = 4;

  void multiply(const Launch& launch, std::int64_t rows) {
    const LibraryProduct& p = plan_.products[static_cast<std::size_t>(launch.product)];
    const auto view = [&](std::size_t i) {
      return views_[static_cast<std::size_t>(launch.slots[i])];
    };
    const std::size_t size = size_of(p.type);
    const std::int64_t entries = p.m.at(rows) * p.n.at(rows) * p.batch.at(rows);
    if (entries == 0) return;
    if (p.k.at(rows) == 0) {
      machine_->fill_zero(view(2), static_cast<std::size_t>(entries) * size);
      return;
    }
    ++machine_->counts().launches;
    const View a = view(0) + static_cast<std::size_t>(p.offset_a) * size;
    const View b = view(1) + static_cast<std::size_t>(p.offset_b) * size;
    if (!p.biased) return machine_->multiply(p, rows, a, b, view(2));
    machine_->multiply_and_add(p, rows, a, b,
                               view(3) + static_cast<std::size_t>(p.offset_bias) * size, view(2));
  }

  void convolve(const Launch& launch, std::int64_t rows) {
    const LibraryConvolution& c = plan_.convolutions[static_cast<std::size_t>(launch.convolution)];
    const auto view = [&](std::size_t i) {
      return views_[static_cast<std::size_t>(launch.slots[i])];
    };
    const std::size_t size = size_of(c.type);
    const Slot& result = plan_.slots[static_cast<std::size_t>(launch.slots[2])];
    const auto entries = static_cast<std::size_t>(result.size.at(rows));
    if (entries == 0) return;
    if (c.images.at(rows) * c.channels * c.out_channels == 0)
      return machine_->fill_zero(view(2), entries * size);
    ++machine_->counts().launches;
    machine_->convolve(c, rows, view(0) + static_cast<std::size_t>(c.offset_first) * size,
                       view(1) + static_cast<std::size_t>(c.offset_second) * size, view(2));
  }

  /// The module whose indices hold every count of this run.
  Module& built(std::int64_t rows) {
    constexpr std::int64_t kRoom = std::numeric_limits<std::int32_t>::max() / 4;
    const bool narrow =
        plan_.widest_fixed <= kRoom && (plan_.widest_row == 0 || rows <= kRoom / plan_.widest_row);
    std::unique_ptr<Module>& module = modules_[narrow ? 0 : 1];
    if (!module) {
      const IndexWidth width = narrow ? IndexWidth::bits32 : IndexWidth::bits64;
      module = machine_->build(assemble(plan_, name_, machine_->dialect(), width));
    }
    return *module;
  }

  void reserve(std::int64_t rows) {
    if (!constants_ && !plan_.constants.empty()) {
      constants_ = machine_->allocate(plan_.constants.size());
      machine_->upload({constants_.get(), 0}, plan_.constants.data(), plan_.constants.size());
    }
    const std::size_t bytes = plan_.scratch_bytes(rows);
    if (bytes <= capacity_) return;
    replays_.clear();
    scratch_.reset();
    capacity_ = 0;
    scratch_ = machine_->allocate(bytes);
    capacity_ = bytes;
  }

  void bind(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) {
    const View scratch{scratch_.get(), 0}, constants{constants_.get(), 0};
    const auto padded = static_cast<std::size_t>(Plan::padded_rows(rows));
    for (std::size_t i = 0; i < views_.size(); ++i) {
      const Slot& slot = plan_.slots[i];
      switch (slot.home) {
        case Home::input:
          views_[i] = inputs[slot.place];
          break;
        case Home::output:
          views_[i] = outputs[slot.place];
          break;
        case Home::constant:
          views_[i] = constants + slot.place;
          break;
        case Home::scratch:
          views_[i] = scratch;
          break;
        case Home::fixed:
          views_[i] = scratch + slot.place;
          break;
        case Home::rows:
          views_[i] = scratch + (plan_.fixed_bytes + slot.place * padded);
          break;
      }
    }
  }

  Plan plan_;
  std::string name_;
  std::shared_ptr<Machine> machine_;
  std::unique_ptr<Module> modules_[2];
  std::shared_ptr<void> constants_, scratch_;
  std::size_t capacity_ = 0;
  std::vector<View> views_, places_;
  Replays replays_{kMostReplays};
};

class GeneratedExecutable final : public Executable, public Successive {
 public:
  GeneratedExecutable(Program program, CompileOptions options, std::shared_ptr<Machine> machine)
      : program_(std::move(program)), options_(std::move(options)), machine_(std::move(machine)) {
    if (!options_.outputs.empty() && options_.outputs.size() != program_.outputs.size()) {
      bug(std::to_string(options_.outputs.size()) + " output modes for the " +
          std::to_string(program_.outputs.size()) + " outputs of program '" + options_.name + "'");
    }
    add(std::vector<bool>(program_.outputs.size(), true));
  }

  void run(std::int64_t rows, std::span<const View> inputs,
           std::span<const View> outputs) override {
    check(rows, inputs, outputs);
    variant(outputs).run(rows, inputs, outputs);
  }

  void run_successively(std::int64_t rows, std::span<const RunArguments> runs) override {
    const auto one_by_one = [&] {
      for (const RunArguments& each : runs)
        variant(each.outputs).run(rows, each.inputs, each.outputs);
    };
    for (const RunArguments& each : runs) check(rows, each.inputs, each.outputs);
    if (runs.size() < 2 || !machine_->records()) return one_by_one();
    together_views_.clear();
    for (const RunArguments& each : runs) {
      Variant& made = variant(each.outputs);
      made.prepare(rows, each.inputs, each.outputs);
      together_views_.push_back({nullptr, last_});
      together_views_.insert(together_views_.end(), made.views().begin(), made.views().end());
    }
    together_.run(*machine_, rows, together_views_, one_by_one, [&] {
      for (const RunArguments& each : runs) {
        Variant& made = variant(each.outputs);
        made.prepare(rows, each.inputs, each.outputs);
        made.queue(rows);
      }
    });
  }

  std::size_t scratch_bytes(std::int64_t rows) const override {
    return variants_.front().second.scratch_bytes(rows);
  }

 private:
  void check(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) const {
    if (rows < 0 || inputs.size() != program_.inputs.size() ||
        outputs.size() != program_.outputs.size()) {
      bug("program '" + options_.name + "' takes " + std::to_string(program_.inputs.size()) +
          " inputs and " + std::to_string(program_.outputs.size()) + " outputs; given are " +
          std::to_string(inputs.size()) + " and " + std::to_string(outputs.size()) + ", with " +
          std::to_string(rows) + " rows");
    }
  }

  Variant& variant(std::span<const View> outputs) {
    const auto matches = [&outputs](const std::vector<bool>& wanted) {
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        if (wanted[k] != static_cast<bool>(outputs[k])) return false;
      }
      return true;
    };
    if (matches(variants_[last_].first)) return variants_[last_].second;
    for (last_ = 0; last_ < variants_.size(); ++last_) {
      if (matches(variants_[last_].first)) return variants_[last_].second;
    }
    std::vector<bool> wanted;
    for (const View& output : outputs) wanted.push_back(static_cast<bool>(output));
    return add(std::move(wanted));
  }

  Variant& add(std::vector<bool> wanted) {
    Plan plan = make_plan(program_, options_, wanted,
                          {.products = machine_->library_from(),
                           .biases = machine_->adds_biases(),
                           .convolutions = machine_->convolutions_from()},
                          machine_->local_bytes());
    variants_.emplace_back(std::move(wanted), Variant(std::move(plan), options_.name, machine_));
    return variants_.back().second;
  }

  Program program_;
  CompileOptions options_;
  std::shared_ptr<Machine> machine_;
  std::vector<std::pair<std::vector<bool>, Variant>> variants_;
  std::size_t last_ = 0;
  std::vector<View> together_views_;  ///< of all runs, each behind which variant it is
  Replays together_{kMostRows};
};

}  // namespace

void Machine::multiply(const LibraryProduct&, std::int64_t, View, View, View) {
  bug("a machine without a library was given a product");
}

void Machine::multiply_and_add(const LibraryProduct&, std::int64_t, View, View, View, View) {
  bug("a machine whose library adds no bias was given one");
}

void Machine::convolve(const LibraryConvolution&, std::int64_t, View, View, View) {
  bug("a machine without a library was given a convolution");
}

std::unique_ptr<Recorded> Machine::record(const std::function<void()>&) {
  bug("a machine that does not record was asked to");
}

std::unique_ptr<Executable> compile(const Program& program, const CompileOptions& options,
                                    std::shared_ptr<Machine> machine) {
  return std::make_unique<GeneratedExecutable>(program, options, std::move(machine));
}

Source source_of(const Program& program, const CompileOptions& options, Dialect dialect,
                 IndexWidth width) {
  const std::vector<bool> wanted(program.outputs.size(), true);
  return assemble(make_plan(program, options, wanted), options.name, dialect, width);
}

}  // namespace odeum::kernelgen
