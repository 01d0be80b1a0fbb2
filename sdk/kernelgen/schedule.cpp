// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/schedule.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace odeum::kernelgen {
namespace {

/// Places beside scratch memory that a kernel has parameters for, within the 1024 bytes that every
/// device takes; and sorts of work in one.
constexpr std::size_t kMostPlaces = 60, kMostSorts = 24;
/// Bytes of scratch without rows that are written at once: pieces of wide layers' gradients come
/// one after another, in the same memory.
constexpr std::size_t kMostWritten = std::size_t{32} << 20U;

bool is_written(const Slot& slot) {
  return slot.home == Home::fixed || slot.home == Home::rows || slot.home == Home::output;
}
bool in_scratch(const Slot& slot) { return slot.home == Home::fixed || slot.home == Home::rows; }

/// How many launches each work waits for, one after another; more where too much would be written
/// at once.
std::vector<int> stages_of(const std::vector<Work>& works, const Plan& plan) {
  std::vector<int> writer(plan.slots.size(), -1), stages;
  std::map<int, std::size_t> written;
  for (std::size_t i = 0; i < works.size(); ++i) {
    int stage = 0;
    std::size_t bytes = 0;
    for (const int slot : works[i].slots()) {
      int& first = writer[static_cast<std::size_t>(slot)];
      const Slot& place = plan.slots[static_cast<std::size_t>(slot)];
      if (!is_written(place)) continue;
      if (first < 0) {
        first = static_cast<int>(i);
        bytes += place.home == Home::fixed ? place.bytes() : 0;
      }
      if (first != static_cast<int>(i))
        stage = std::max(stage, stages[static_cast<std::size_t>(first)] + 1);
    }
    while (written[stage] > 0 && written[stage] + bytes > kMostWritten) ++stage;
    written[stage] += bytes;
    stages.push_back(stage);
  }
  return stages;
}

/// Works with the same text and groups, which differ in the memory that they are called with.
using Alike = std::vector<const Work*>;

/// Do its threads wait for each other? Such works are joined with their like alone: all groups of a
/// kernel meet the same barriers (PoCL computes wrong numbers behind barriers in a branch).
bool waits(const Alike& alike) { return !alike.front()->text->arrays().empty(); }

std::string groups_text(const Launch& launch) {
  const auto tiles = [](const Size& size, std::int64_t tile) {
    if (!size.rows) return text_of((size.count + tile - 1) / tile);
    return "((" + text_of(size.count) + " * (idx)rows + " + text_of(tile - 1) + ") / " +
           text_of(tile) + ")";
  };
  return tiles(launch.m, launch.tile_m) + " * " + tiles(launch.n, launch.tile_n) + " * " +
         tiles(launch.z, 1) + " * (idx)parts";
}

std::string parts_text(const Parts& parts) {
  if (parts.each == 0 || !parts.entries.rows) return text_of(parts.at(1));
  const std::string wanted = "(" + text_of(parts.entries.count) + " * rows + " +
                             text_of(parts.each - 1) + ") / " + text_of(parts.each);
  const std::string most = text_of(parts.most);
  return wanted + " < 1 ? 1 : (" + wanted + " > " + most + " ? " + most + " : " + wanted + ")";
}

/// One kernel of several works. Where they are of several sorts, it goes through these: each takes
/// the groups that those before it leave over.
class Joined {
 public:
  Joined(const Plan& plan, const std::vector<Alike>& sorts) : plan_(plan) {
    for (const Alike& alike : sorts) add(alike);
    if (sorts.size() == 1) {
      write_only(sorts.front());
    } else {
      body_ = "  idx next = GROUP_ID;\n";
      for (const Alike& alike : sorts) write_section(alike);
    }
  }

  std::string text(int threads) const {
    std::string result =
        "KERNEL(" + std::to_string(threads) + ") NAME(const long rows, const long all_parts";
    for (std::size_t i = 0; i < launch_.slots.size(); ++i) {
      const std::string number = std::to_string(i);
      result += joined({",\n    GLOBAL uchar* RESTRICT p", number, ", const long o", number});
    }
    if (!launch_.inner.empty()) result += kScratchParameter;
    result += ") {\n";
    if (!launch_.inner.empty()) result += kScratchRows;
    return result + body_ + "}\n";
  }
  const Launch& launch() const { return launch_; }

 private:
  void add(const Alike& alike) {
    for (const Work* work : alike) {
      for (const int slot : work->slots()) note(slot);
      launch_.joined.push_back(work->launch);
    }
  }

  /// All groups are those of the works, which are alike.
  void write_only(const Alike& alike) {
    body_ = alike.front()->text->array_lines() + counts(alike, "  ") +
            "  const idx which = GROUP_ID / groups, group = GROUP_ID % groups;\n" +
            places(alike, "  ") + alike.front()->text->body(1);
  }

  /// The groups that come next are those of these works.
  void write_section(const Alike& alike) {
    const std::string count = std::to_string(alike.size());
    body_ += "  if (next >= 0) {\n" + counts(alike, "    ") + "    if (next < groups * " + count +
             ") {\n      const idx which = next / groups, group = next % groups;\n" +
             places(alike, "      ") + alike.front()->text->body(3) +
             "    }\n    next -= groups * " + count + ";\n  }\n";
  }

  static std::string counts(const Alike& alike, const std::string& indent) {
    const Launch& one = alike.front()->launch;
    return indent + "const long parts = " + parts_text(one.parts) + ";\n" + indent +
           "const idx groups = " + groups_text(one) + ";\n";
  }

  std::string places(const Alike& alike, const std::string& indent) const {
    const KernelText& text = *alike.front()->text;
    std::string lines;
    for (std::size_t i = 0; i < text.slots().size(); ++i) {
      const std::string array = joined({"GLOBAL ", c_type(text.types()[i]), "*"});
      lines += joined({indent, array, " a", std::to_string(i), " = (", array, ")(",
                       selected(alike, i), ");\n"});
    }
    return lines;
  }

  void note(int slot) {
    std::vector<int>& list =
        in_scratch(plan_.slots[static_cast<std::size_t>(slot)]) ? launch_.inner : launch_.slots;
    if (std::find(list.begin(), list.end(), slot) == list.end()) list.push_back(slot);
  }

  std::string place(int slot) const {
    if (in_scratch(plan_.slots[static_cast<std::size_t>(slot)])) return place_in_scratch(slot);
    const auto at = std::find(launch_.slots.begin(), launch_.slots.end(), slot);
    const std::string number = std::to_string(at - launch_.slots.begin());
    return "p" + number + " + o" + number;
  }

  /// Place i of the works, by `which`.
  std::string selected(const Alike& alike, std::size_t i) const {
    std::string result;
    for (auto work = alike.begin(); work != alike.end(); ++work) {
      const int slot = (*work)->slots()[i];
      const bool settled = std::all_of(
          work, alike.end(), [&](const Work* other) { return other->slots()[i] == slot; });
      if (settled) return result + place(slot);
      result += "which == " + std::to_string(work - alike.begin()) + " ? " + place(slot) + " : ";
    }
    return result;
  }

  const Plan& plan_;
  std::string body_;
  Launch launch_;
};

class Scheduler {
 public:
  explicit Scheduler(Plan& plan) : plan_(plan) {}

  void run(const std::vector<Work>& works) {
    const std::vector<int> stages = stages_of(works, plan_);
    const int last = stages.empty() ? -1 : *std::max_element(stages.begin(), stages.end());
    for (int stage = 0; stage <= last; ++stage) {
      std::map<int, std::vector<const Work*>> by_threads;
      for (std::size_t i = 0; i < works.size(); ++i) {
        if (stages[i] != stage) continue;
        if (works[i].text && !works[i].alone) {
          by_threads[works[i].threads].push_back(&works[i]);
        } else {
          add_alone(works[i]);
        }
      }
      for (const auto& [threads, list] : by_threads) add(list, threads);
    }
  }

 private:
  void add_alone(const Work& work) {
    Launch launch = work.launch;
    if (work.text && work.alone) {
      const auto inner = [this](int slot) {
        return in_scratch(plan_.slots[static_cast<std::size_t>(slot)]);
      };
      launch.kernel = add_kernel(work.text->finish(work.threads, inner), work.threads);
      for (const int slot : work.slots())
        (inner(slot) ? launch.inner : launch.slots).push_back(slot);
    } else if (work.text) {
      launch.kernel = add_kernel(work.text->finish(work.threads), work.threads);
      launch.slots = work.slots();
    }
    add_launch(std::move(launch));
  }

  /// Works of one number of threads that do not wait for each other: as few kernels as have room.
  void add(const std::vector<const Work*>& works, int threads) {
    std::map<std::string, std::size_t> sort_of;
    std::vector<Alike> sorts;
    for (const Work* work : works) {
      const std::string sort = work->text->finish(threads) + parts_text(work->launch.parts) + ";" +
                               groups_text(work->launch);
      const auto [known, is_new] = sort_of.try_emplace(sort, sorts.size());
      if (is_new) sorts.emplace_back();
      sorts[known->second].push_back(work);
    }
    std::vector<Alike> chosen;
    std::set<int> places;
    const auto add_places = [this](const Work& work, std::set<int>& to) {
      for (const int slot : work.slots()) {
        if (!in_scratch(plan_.slots[static_cast<std::size_t>(slot)])) to.insert(slot);
      }
    };
    for (const Alike& alike : sorts) {
      bool is_new = true;
      for (const Work* work : alike) {
        std::set<int> with = places;
        add_places(*work, with);
        if (with.size() > kMostPlaces || (is_new && chosen.size() >= kMostSorts) ||
            (is_new && !chosen.empty() && (waits(chosen.back()) || waits(alike)))) {
          join(std::exchange(chosen, {}), threads);
          with.clear();
          add_places(*work, with);
          is_new = true;
        }
        if (is_new) chosen.emplace_back();
        is_new = false;
        chosen.back().push_back(work);
        places = std::move(with);
      }
    }
    if (!chosen.empty()) join(chosen, threads);
  }

  void join(const std::vector<Alike>& sorts, int threads) {
    if (sorts.size() == 1 && sorts.front().size() == 1) return add_alone(*sorts.front().front());
    const Joined joined(plan_, sorts);
    Launch launch = joined.launch();
    launch.kernel = add_kernel(joined.text(threads), threads);
    add_launch(std::move(launch));
  }

  void add_launch(Launch launch) {
    if (!launch.inner.empty()) launch.slots.push_back(scratch_slot());
    plan_.launches.push_back(std::move(launch));
  }

  int add_kernel(const std::string& text, int threads) {
    const auto [known, is_new] = kernel_of_.try_emplace({text, threads}, 0);
    if (is_new) {
      known->second = static_cast<int>(plan_.kernels.size());
      plan_.kernels.push_back({text, threads});
    }
    return known->second;
  }

  int scratch_slot() {
    if (scratch_slot_ < 0) {
      scratch_slot_ = static_cast<int>(plan_.slots.size());
      plan_.slots.push_back({Home::scratch, DType::f32, {0, false}});
    }
    return scratch_slot_;
  }

  Plan& plan_;
  int scratch_slot_ = -1;
  std::map<std::pair<std::string, int>, int> kernel_of_;
};

}  // namespace

void schedule(const std::vector<Work>& works, Plan& plan) { Scheduler(plan).run(works); }

void resolve_places(Plan& plan) {
  const std::string mark = "PLACE(";
  for (Kernel& kernel : plan.kernels) {
    std::string text;
    std::size_t from = 0;
    for (std::size_t at = kernel.text.find(mark); at != std::string::npos;
         at = kernel.text.find(mark, from)) {
      const std::size_t end = kernel.text.find(')', at);
      const int number = std::stoi(kernel.text.substr(at + mark.size()));
      const Slot& slot = plan.slots[static_cast<std::size_t>(number)];
      text += kernel.text.substr(from, at - from);
      text += slot.home == Home::fixed ? std::to_string(slot.place)
                                       : joined({std::to_string(plan.fixed_bytes), " + ",
                                                 std::to_string(slot.place), " * padded"});
      from = end + 1;
    }
    kernel.text = text + kernel.text.substr(from);
  }
}

}  // namespace odeum::kernelgen
