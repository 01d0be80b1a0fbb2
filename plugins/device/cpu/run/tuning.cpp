// SPDX-License-Identifier: Apache-2.0
// Measuring which kernel takes which product. Times are the thread's own processor time, which
// other work on the machine disturbs least, and candidates take turns.
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "odeum/tensor.hpp"
#include "run/device.hpp"
#include "run/executable.hpp"

namespace odeum::cpu {
namespace {

constexpr std::int64_t kRows = 512;  ///< samples; as many as a task's block
constexpr std::array<std::int64_t, 7> kWidths{2, 5, 16, 64, 256, 860, 2000};
constexpr std::int64_t kMostAlong = 16;  ///< columns for which `along` is tried
constexpr std::array<std::int64_t, 3> kDepths{128, 256, 512};
constexpr std::array<std::int64_t, 3> kTileRows{72, 144, 288};
constexpr int kRounds = 5;
constexpr double kMeasured = 1e-3;  ///< seconds of one measurement, at least
/// Another choice than the usual one must be faster by this factor: noise decides nothing.
constexpr double kWorthwhile = 0.9;

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string processor() {
  std::ifstream information("/proc/cpuinfo");
  for (std::string line; std::getline(information, line);) {
    const std::size_t colon = line.find(':');
    if (line.rfind("model name", 0) != 0 || colon == std::string::npos) continue;
    std::string model = line.substr(std::min(line.size(), colon + 2));
    std::erase(model, '\'');
    return model;
  }
  return "";
}

Program product(const ProductShape& x) {
  Recording recording;
  if (x.m == 0) {
    const Tensor a = recording.input("a", {odeum::kRows, x.k}, x.type);
    const Tensor b = recording.input("b", {x.n, x.k}, x.type);
    const Tensor c = dot("rk,nk->rn", a, b);
    return recording.program(std::span(&c, 1));
  }
  const Tensor a = recording.input("a", {odeum::kRows, x.m}, x.type);
  const Tensor b = recording.input("b", {odeum::kRows, x.n}, x.type);
  const Tensor c = dot("rm,rn->mn", a, b);
  return recording.program(std::span(&c, 1));
}

/// One product with one choice, ready to be timed.
class Candidate {
 public:
  Candidate(const ProductShape& shape, const ProductChoice& choice, const Kernels& kernels,
            const std::shared_ptr<Threads>& threads)
      : choice_(choice) {
    // Whatever the shape becomes when the step is made, this is the nearest entry.
    const auto only = std::make_shared<Kernels>(kernels);
    const std::string instructions = kernels.instruction_set;
    std::vector<ProductEntry> entries{{instructions, shape, choice}};
    if (shape.k == 0) entries.push_back({instructions, {shape.type, shape.n, shape.m, 0}, choice});
    only->products = std::make_shared<const ProductTable>(std::move(entries));
    const std::int64_t k = shape.k == 0 ? kRows : shape.k, m = shape.m == 0 ? kRows : shape.m;
    for (const std::int64_t elements : {m * k, k * shape.n, m * shape.n}) {
      memory_.push_back(allocate_memory(static_cast<std::size_t>(elements) * size_of(shape.type)));
      fill(memory_.back().get(), shape.type, elements);
      views_.push_back({memory_.back().get()});
    }
    executable_ =
        std::make_unique<CpuExecutable>(product(shape), CompileOptions{}, Schedule::automatic,
                                        MachineCodeUse::never, only, threads);
    run();
    const double once = std::max(1e-8, seconds(1));
    calls_ = static_cast<int>(std::clamp(kMeasured / once, 1.0, 1e5));
  }

  void measure() { best_ = std::min(best_, seconds(calls_) / calls_); }
  double best() const { return best_; }
  const ProductChoice& choice() const { return choice_; }

 private:
  static void fill(std::byte* to, DType type, std::int64_t elements) {
    for (std::int64_t i = 0; i < elements; ++i) {
      const double x = 1.0 / static_cast<double>(1 + i % 97);
      if (type == DType::f32) {
        reinterpret_cast<float*>(to)[i] = static_cast<float>(x);
      } else {
        reinterpret_cast<double*>(to)[i] = x;
      }
    }
  }
  void run() { executable_->run(kRows, std::span(views_).first(2), std::span(views_).last(1)); }
  double seconds(int calls) {
    const double begin = thread_seconds();
    for (int i = 0; i < calls; ++i) run();
    return thread_seconds() - begin;
  }

  ProductChoice choice_;
  std::vector<Memory> memory_;
  std::vector<View> views_;
  std::unique_ptr<CpuExecutable> executable_;
  int calls_ = 1;
  double best_ = HUGE_VAL;
};

/// The fastest of the choices; the first unless another is faster by far.
ProductChoice fastest(const ProductShape& shape, const std::vector<ProductChoice>& choices,
                      const Kernels& kernels, const std::shared_ptr<Threads>& threads) {
  if (choices.size() == 1) return choices.front();
  std::vector<Candidate> candidates;
  candidates.reserve(choices.size());
  for (const ProductChoice& choice : choices)
    candidates.emplace_back(shape, choice, kernels, threads);
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) candidate.measure();
  }
  const auto best =
      std::min_element(candidates.begin(), candidates.end(),
                       [](const Candidate& x, const Candidate& y) { return x.best() < y.best(); });
  const Candidate& usual = candidates.front();
  return best->best() < kWorthwhile * usual.best() ? best->choice() : usual.choice();
}

/// One property after another: the kernel, then its depth, then the rows of a task.
ProductChoice measured(const ProductShape& shape, const Kernels& kernels,
                       const std::shared_ptr<Threads>& threads) {
  ProductChoice choice = usual_choice(shape);
  std::vector<ProductChoice> choices{choice};
  if (shape.k != 0 && shape.n <= kMostAlong) {
    choices.push_back(choice);
    choices.back().kernel =
        choice.kernel == ProductKernel::along ? ProductKernel::blocks : ProductKernel::along;
  }
  choice = fastest(shape, choices, kernels, threads);
  if (choice.kernel == ProductKernel::along) return choice;

  choices = {choice};
  for (const std::int64_t depth : kDepths) {
    if (depth == choice.depth || (shape.k != 0 && std::min(depth, choice.depth) >= shape.k))
      continue;
    choices.push_back(choice);
    choices.back().depth = depth;
  }
  choice = fastest(shape, choices, kernels, threads);

  choices = {choice};
  for (const std::int64_t rows : kTileRows) {
    if (rows == choice.tile_rows || (shape.m != 0 && std::min(rows, choice.tile_rows) >= shape.m))
      continue;
    choices.push_back(choice);
    choices.back().tile_rows = rows;
  }
  return fastest(shape, choices, kernels, threads);
}

}  // namespace

std::string CpuDevice::tune(const Progress& progress) {
  const auto one = std::make_shared<Threads>(1);
  std::vector<ProductEntry> found;
  std::string before;
  for (int limit = settings_.instructions; limit > 0; --limit) {
    const Kernels& set = kernels(limit);
    const std::string instructions = set.instruction_set;
    if (instructions == "generic" || instructions == before) continue;
    before = instructions;
    for (const DType type : {DType::f32, DType::f64}) {
      for (const std::int64_t first : kWidths) {
        progress(instructions + " " + name(type) + ", products of width " + std::to_string(first));
        for (const std::int64_t second : kWidths) {
          for (const ProductShape& shape :
               {ProductShape{type, 0, first, second}, ProductShape{type, first, second, 0}}) {
            const ProductChoice choice = measured(shape, set, one);
            if (choice != usual_choice(shape)) found.push_back({instructions, shape, choice});
          }
        }
      }
    }
  }
  return text_of(ProductTable(std::move(found)), processor());
}

}  // namespace odeum::cpu
