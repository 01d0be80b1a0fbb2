// SPDX-License-Identifier: Apache-2.0
#include "run/execution.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace odeum::cpu {
namespace {

/// Work (about a tenth of a nanosecond each) below which a second thread costs more than it gives.
constexpr double kWorthThreads = 3e5;
/// Rows that the tasks plan takes through a phase at once: values of 860 columns then stay in the
/// third-level cache; measured from 256 to 2048, 512 is level with the best.
constexpr std::int64_t kBlockRows = 512;
/// Shards of the tasks plan, and the memory for those of the rows plan.
constexpr std::int64_t kTaskShards = 16;
constexpr std::size_t kShardMemory = std::size_t{4} << 20U;
constexpr std::int64_t kMostShards = 64;

std::int64_t round_rows(std::int64_t rows) { return ceil_div(rows, 16) * 16; }

/// Where a slot of a tile starts. Were that the offset times the rows alone, the same element of
/// every slot would often fall into the same set of the first-level cache, which then holds eight.
std::size_t tile_place(const Plan& plan, std::size_t offset, std::size_t block) {
  return offset * block + (plan.images ? 0 : offset / kPadding * kPadding);
}
std::size_t tile_bytes(const Plan& plan, std::int64_t block) {
  return tile_place(plan, plan.tile_row_bytes, static_cast<std::size_t>(block)) + kPadding;
}

/// Part i of n of [0, total), cut at multiples of `grain`.
std::pair<std::int64_t, std::int64_t> part(std::int64_t total, std::int64_t grain, std::int64_t i,
                                           std::int64_t n) {
  const std::int64_t grains = ceil_div(total, grain);
  return {std::min(total, grains * i / n * grain), std::min(total, grains * (i + 1) / n * grain)};
}

template <class Acc, class T>
void add_shards(const std::byte* first, std::size_t stride, std::int64_t shards, T* to,
                std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    Acc sum = reinterpret_cast<const Acc*>(first)[i];
    for (std::int64_t s = 1; s < shards; ++s) {
      sum += reinterpret_cast<const Acc*>(first + static_cast<std::size_t>(s) * stride)[i];
    }
    to[i] = static_cast<T>(sum);
  }
}

template <class T>
void take_largest(const std::byte* first, std::size_t stride, std::int64_t shards, T* to,
                  std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    T largest = reinterpret_cast<const T*>(first)[i];
    for (std::int64_t s = 1; s < shards; ++s) {
      const T x = reinterpret_cast<const T*>(first + static_cast<std::size_t>(s) * stride)[i];
      if (largest < x || x != x) largest = x;
    }
    to[i] = largest;
  }
}

template <class T>
void fill_lowest(std::byte* to, std::int64_t n) {
  using Limits = std::numeric_limits<T>;
  std::fill_n(reinterpret_cast<T*>(to), n,
              Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
}

}  // namespace

Execution::Execution(Plan plan, std::size_t inputs, const Kernels& kernels, Threads& threads)
    : plan_(std::move(plan)),
      inputs_(inputs),
      kernels_(kernels),
      threads_(threads),
      constants_(allocate_memory(plan_.constants.size())),
      fixed_(allocate_memory(plan_.fixed_bytes)),
      table_(plan_.slots.size(), nullptr),
      workers_(static_cast<std::size_t>(threads.count())),
      base_(plan_.slots.size(), nullptr) {
  std::copy(plan_.constants.begin(), plan_.constants.end(), constants_.get());
  for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
    const Slot& slot = plan_.slots[i];
    if (slot.home == Home::constant) table_[i] = constants_.get() + slot.offset;
    if (slot.home == Home::fixed) table_[i] = fixed_.get() + slot.offset;
    if (!slot.in_arena()) io_.push_back(i);
    if (slot.rowful && slot.home != Home::tile) moving_.push_back(i);
  }
  for (const Phase& phase : plan_.phases) {
    double none = 0, some = 0;
    for (const auto& step : phase.steps) {
      none += step->work(0);
      some += step->work(1024);
    }
    work_.push_back(none);
    work_a_row_.push_back((some - none) / 1024.0);
  }
}

Execution::Extents Execution::extents(std::int64_t rows) const {
  Extents e;
  const bool tasks = plan_.schedule == Schedule::tasks;
  e.block = std::min(round_rows(rows), tasks ? kBlockRows : plan_.tile_rows);
  if (tasks) {
    e.shards = std::clamp<std::int64_t>(rows / 64, 1, kTaskShards);
  } else {
    const std::int64_t tiles = ceil_div(rows, plan_.tile_rows);
    const std::size_t bytes =
        std::max<std::size_t>(1, plan_.accumulator_bytes + plan_.product_bytes);
    const auto most =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(kShardMemory / bytes), 4, kMostShards);
    e.shards = std::clamp<std::int64_t>(tiles, 1, most);
  }
  for (const Phase& phase : plan_.phases) {
    for (const auto& step : phase.steps)
      e.scratch = std::max(e.scratch, step->scratch(phase.rows ? e.block : 0));
  }
  return e;
}

std::size_t Execution::scratch_bytes(std::int64_t rows) const {
  const Extents e = extents(rows);
  const bool tasks = plan_.schedule == Schedule::tasks;
  const auto workers = static_cast<std::size_t>(threads_.count());
  const auto shards = static_cast<std::size_t>(e.shards);
  return plan_.fixed_bytes + plan_.constants.size() +
         plan_.stored_row_bytes * static_cast<std::size_t>(round_rows(rows)) +
         tile_bytes(plan_, e.block) * (tasks ? 1 : workers) + e.scratch * workers +
         plan_.accumulator_bytes * shards + plan_.product_bytes * (tasks ? 1 : shards);
}

void Execution::reserve(std::int64_t rows) {
  if (rows == rows_ && rows <= capacity_) return;
  now_ = extents(rows);
  rows_ = rows;
  if (rows <= capacity_) return;
  const bool tasks = plan_.schedule == Schedule::tasks;
  const auto shards = static_cast<std::size_t>(now_.shards);
  const auto block = static_cast<std::size_t>(now_.block);
  stored_ = allocate_memory(plan_.stored_row_bytes * static_cast<std::size_t>(round_rows(rows)));
  accumulators_ = allocate_memory(plan_.accumulator_bytes * shards);
  products_ = allocate_memory(plan_.product_bytes * (tasks ? 1 : shards));
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    workers_[w].scratch = allocate_memory(now_.scratch);
    if (!tasks || w == 0) workers_[w].tile = allocate_memory(tile_bytes(plan_, now_.block));
    workers_[w].slots.assign(plan_.slots.size(), nullptr);
    workers_[w].seen = 0;
  }
  capacity_ = rows;
  reserved_ = now_;
  for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
    const Slot& slot = plan_.slots[i];
    if (slot.home == Home::tile)
      table_[i] = workers_[0].tile.get() + tile_place(plan_, slot.offset, block);
    if (slot.home == Home::stored)
      base_[i] = stored_.get() + slot.offset * static_cast<std::size_t>(round_rows(rows));
  }
  point_at_shard(table_.data(), 0);
}

void Execution::bind(std::span<const View> inputs, std::span<const View> outputs) {
  for (const std::size_t i : io_) {
    const Slot& slot = plan_.slots[i];
    const auto position = static_cast<std::size_t>(slot.position);
    const bool input = slot.home == Home::input && position < inputs_;
    const View& view = input ? inputs[position]
                             : outputs[slot.home == Home::input ? position - inputs_ : position];
    base_[i] = table_[i] = view.host<std::byte>();
  }
}

void Execution::point_at_block(std::byte** slots, std::int64_t first_row) const {
  for (const std::size_t i : moving_)
    slots[i] = base_[i] + static_cast<std::size_t>(first_row) * plan_.slots[i].bytes();
}

void Execution::point_at_shard(std::byte** slots, std::int64_t shard) const {
  for (const Phase& phase : plan_.phases) {
    for (const Combination& c : phase.combinations) {
      const auto i = static_cast<std::size_t>(c.accumulator);
      const Slot& slot = plan_.slots[i];
      if (slot.home == Home::accumulator) {
        slots[i] = accumulators_.get() + static_cast<std::size_t>(shard) * plan_.accumulator_bytes +
                   slot.offset;
      } else {
        const std::int64_t own = plan_.schedule == Schedule::tasks ? 0 : shard;
        slots[i] =
            products_.get() + static_cast<std::size_t>(own) * plan_.product_bytes + slot.offset;
      }
    }
  }
}

Execution::Worker& Execution::worker(int number) {
  Worker& w = workers_[static_cast<std::size_t>(number)];
  if (w.seen != state_) {
    std::copy(table_.begin(), table_.end(), w.slots.begin());
    if (plan_.schedule != Schedule::tasks) {
      const auto block = static_cast<std::size_t>(reserved_.block);
      for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
        if (plan_.slots[i].home == Home::tile)
          w.slots[i] = w.tile.get() + tile_place(plan_, plan_.slots[i].offset, block);
      }
    }
    w.seen = state_;
  }
  return w;
}

Context Execution::context(Worker& w, std::int64_t first_row, std::int64_t rows) const {
  return {w.slots.data(), w.scratch.get(), &kernels_, first_row, rows, rows_};
}

Context Execution::main_context(std::int64_t first_row, std::int64_t rows) {
  return {table_.data(), workers_[0].scratch.get(), &kernels_, first_row, rows, rows_};
}

void Execution::run(std::int64_t rows, std::span<const View> inputs,
                    std::span<const View> outputs) {
  reserve(rows);
  bind(inputs, outputs);
  ++state_;
  for (const Phase& phase : plan_.phases) {
    if (!phase.rows) {
      run_steps(phase);
      continue;
    }
    if (!phase.combinations.empty()) clear(phase, now_.shards);
    if (plan_.schedule == Schedule::tasks) {
      run_tasks(phase);
    } else {
      run_tiles(phase);
    }
    if (!phase.combinations.empty()) combine(phase);
  }
}

void Execution::run_steps(const Phase& phase) {
  for (const auto& step : phase.steps) {
    if (threads_.count() > 1 && step->work(0) > kWorthThreads) {
      run_piecewise(*step, 0, 0);
    } else {
      step->run(main_context(0, 0), 0, step->units(0));
    }
  }
}

void Execution::run_piecewise(const Step& step, std::int64_t first_row, std::int64_t rows) {
  const std::int64_t units = step.units(rows);
  const std::int64_t grain = step.grain(rows);
  threads_.each(ceil_div(units, grain), [&](std::int64_t piece, int number) {
    step.run(context(worker(number), first_row, rows), piece * grain,
             std::min(units, (piece + 1) * grain));
  });
}

void Execution::run_tiles(const Phase& phase) {
  const auto p = static_cast<std::size_t>(&phase - plan_.phases.data());
  const std::int64_t tiles = ceil_div(rows_, plan_.tile_rows);
  const bool sums = !phase.combinations.empty();
  const std::int64_t shards = sums ? std::min(tiles, now_.shards) : tiles;
  const auto run_shard = [&](std::int64_t shard, std::byte** slots, Context context) {
    if (sums) point_at_shard(slots, shard);
    for (std::int64_t tile = tiles * shard / shards; tile < tiles * (shard + 1) / shards; ++tile) {
      context.first_row = tile * plan_.tile_rows;
      context.rows = std::min(plan_.tile_rows, rows_ - context.first_row);
      point_at_block(slots, context.first_row);
      for (const auto& step : phase.steps) step->run(context, 0, step->units(context.rows));
    }
  };
  if (threads_.count() == 1 || shards == 1 ||
      work_[p] + work_a_row_[p] * static_cast<double>(rows_) < kWorthThreads) {
    for (std::int64_t s = 0; s < shards; ++s) run_shard(s, table_.data(), main_context(0, 0));
    return;
  }
  threads_.each(shards, [&](std::int64_t shard, int number) {
    Worker& w = worker(number);
    run_shard(shard, w.slots.data(), context(w, 0, 0));
  });
}

void Execution::run_tasks(const Phase& phase) {
  for (std::int64_t first = 0; first < rows_; first += kBlockRows) {
    const std::int64_t rows = std::min(kBlockRows, rows_ - first);
    point_at_block(table_.data(), first);
    ++state_;
    for (const auto& step : phase.steps) {
      const bool threads = threads_.count() > 1 && step->work(rows) > kWorthThreads;
      if (!step->sharded()) {
        if (threads) {
          run_piecewise(*step, first, rows);
        } else {
          step->run(main_context(first, rows), 0, step->units(rows));
        }
        continue;
      }
      const auto run_shard = [&](std::int64_t shard, const Context& context) {
        point_at_shard(context.slots, shard);
        const auto [begin, end] = part(step->units(rows), 16, shard, now_.shards);
        step->run(context, begin, end);
      };
      if (threads) {
        threads_.each(now_.shards, [&](std::int64_t shard, int number) {
          run_shard(shard, context(worker(number), first, rows));
        });
      } else {
        for (std::int64_t s = 0; s < now_.shards; ++s) run_shard(s, main_context(first, rows));
      }
    }
    point_at_shard(table_.data(), 0);
  }
}

void Execution::clear(const Phase& phase, std::int64_t shards) {
  for (const Combination& c : phase.combinations) {
    const Slot& slot = plan_.slots[static_cast<std::size_t>(c.accumulator)];
    const bool once = slot.home == Home::product && plan_.schedule == Schedule::tasks;
    for (std::int64_t s = 0; s < (once ? 1 : shards); ++s) {
      std::byte* to =
          slot.home == Home::product
              ? products_.get() + static_cast<std::size_t>(s) * plan_.product_bytes + slot.offset
              : accumulators_.get() + static_cast<std::size_t>(s) * plan_.accumulator_bytes +
                    slot.offset;
      if (!c.maximum) {
        std::memset(to, 0, slot.bytes());
      } else if (slot.type == DType::f32) {
        fill_lowest<float>(to, slot.elements);
      } else if (slot.type == DType::f64) {
        fill_lowest<double>(to, slot.elements);
      } else {
        fill_lowest<std::int64_t>(to, slot.elements);
      }
    }
  }
}

void Execution::combine(const Phase& phase) {
  for (const Combination& c : phase.combinations) {
    const Slot& from = plan_.slots[static_cast<std::size_t>(c.accumulator)];
    const Slot& to = plan_.slots[static_cast<std::size_t>(c.result)];
    const bool product = from.home == Home::product;
    const std::byte* first = (product ? products_.get() : accumulators_.get()) + from.offset;
    const std::size_t stride = product ? plan_.product_bytes : plan_.accumulator_bytes;
    const std::int64_t shards = product && plan_.schedule == Schedule::tasks ? 1 : now_.shards;
    std::byte* out = table_[static_cast<std::size_t>(c.result)];
    const auto range = [&](std::int64_t begin, std::int64_t end) {
      if (to.type == DType::f32) {
        auto* y = reinterpret_cast<float*>(out);
        if (c.maximum) return take_largest(first, stride, shards, y, begin, end);
        if (from.type == DType::f64)
          return add_shards<double>(first, stride, shards, y, begin, end);
        return add_shards<float>(first, stride, shards, y, begin, end);
      }
      if (to.type == DType::f64) {
        auto* y = reinterpret_cast<double*>(out);
        if (c.maximum) return take_largest(first, stride, shards, y, begin, end);
        return add_shards<double>(first, stride, shards, y, begin, end);
      }
      auto* y = reinterpret_cast<std::int64_t*>(out);
      if (c.maximum) return take_largest(first, stride, shards, y, begin, end);
      return add_shards<std::int64_t>(first, stride, shards, y, begin, end);
    };
    constexpr std::int64_t kPiece = 65536;
    if (from.elements <= kPiece) {
      range(0, from.elements);
    } else {
      threads_.each(ceil_div(from.elements, kPiece), [&](std::int64_t piece, int) {
        range(piece * kPiece, std::min(from.elements, (piece + 1) * kPiece));
      });
    }
  }
}

}  // namespace odeum::cpu
