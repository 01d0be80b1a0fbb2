// SPDX-License-Identifier: Apache-2.0
#include "steps/group.hpp"

#include <algorithm>
#include <array>

#include "steps/copy_bytes.hpp"
#include "steps/strided.hpp"

namespace odeum::cpu {
namespace {

/// Pieces of about this many elements go to a thread.
constexpr std::int64_t kPiece = 16384;

/// Accumulators of sums over rows: double or int64.
constexpr std::int64_t kAccumulatorBytes = 8;

double scale_of(const Context& context, const GroupInstruction& sum) {
  double scale = sum.scale;
  for (const int slot : sum.scalars) {
    scale *= sum.type == DType::f32 ? static_cast<double>(*context.at<float>(slot))
                                    : *context.at<double>(slot);
  }
  return scale;
}

}  // namespace

bool touches_rows(const GroupProgram& program, const GroupInstruction& x) {
  if (x.kind != GroupInstruction::Kind::kernel &&
      x.kind != GroupInstruction::Kind::softplus_sigmoid)
    return false;
  const std::array<int, 4> operands{x.out, x.a, x.b, x.c};
  return std::any_of(operands.begin(), operands.end(), [&program](int operand) {
    return program.operands[static_cast<std::size_t>(operand)].kind == GroupOperand::Kind::rows;
  });
}

GroupStep::GroupStep(GroupProgram program, const std::vector<GroupPart>& parts)
    : program_(std::move(program)) {
  for (std::size_t i = 0; i < program_.operands.size(); ++i) {
    const GroupOperand& x = program_.operands[i];
    if (x.kind == GroupOperand::Kind::scalar) {
      scalars_.push_back(
          {static_cast<int>(i), x.slot, static_cast<std::size_t>(x.offset) * size_of(x.type)});
    } else if (x.kind != GroupOperand::Kind::reg) {
      moving_.push_back({static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(size_of(x.type)),
                         static_cast<std::int16_t>(x.spare), x.kind == GroupOperand::Kind::periodic,
                         x.read, x.written, x.slot, x.offset, x.row_stride});
    }
  }
  for (const GroupPart& part : parts) {
    if (part.loop != nullptr) {
      code_.push_back({part.loop});
      continue;
    }
    const GroupInstruction& x = program_.instructions[part.instruction];
    const auto small = [](std::size_t v) { return static_cast<std::uint16_t>(v); };
    code_.push_back({nullptr, x.kind == GroupInstruction::Kind::kernel ? x.kernel : nullptr,
                     small(static_cast<std::size_t>(x.out)), small(static_cast<std::size_t>(x.a)),
                     small(static_cast<std::size_t>(x.b)), small(static_cast<std::size_t>(x.c)),
                     small(part.instruction), touches_rows(program_, x)});
  }
}

std::int64_t GroupStep::units(std::int64_t rows) const {
  return program_.rowful ? rows : ceil_div(program_.elements, program_.chunk);
}

std::int64_t GroupStep::grain(std::int64_t) const {
  if (!program_.rowful) return std::max<std::int64_t>(1, kPiece / program_.chunk);
  // Sixteen rows at least: whole vectors written past a piece's end would reach into the next.
  return std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(1, program_.elements) / 16) * 16;
}

std::size_t GroupStep::scratch(std::int64_t) const {
  return static_cast<std::size_t>(program_.registers) * program_.register_bytes;
}

double GroupStep::work(std::int64_t rows) const {
  return program_.cost * static_cast<double>(program_.elements) *
         (program_.rowful ? static_cast<double>(rows) : 1.0);
}

void GroupStep::run(const Context& context, std::int64_t begin, std::int64_t end) const {
  const std::int64_t step = program_.chunk;
  std::int64_t first, last;
  if (program_.rowful) {
    first = begin * program_.elements;
    last = end * program_.elements;
  } else {
    first = begin * program_.chunk;
    last = std::min(end * program_.chunk, program_.elements);
  }
  if (first >= last) return;

  std::array<void*, kMostOperands> at;
  std::byte* reg = context.scratch;
  for (int i = 0; i < program_.registers; ++i, reg += program_.register_bytes)
    at[static_cast<std::size_t>(i)] = reg;
  for (const Scalar& x : scalars_)
    at[static_cast<std::size_t>(x.at)] = context.slots[x.slot] + x.offset;
  for (std::int64_t f = first; f < last; f += step)
    run_chunk(context, at.data(), f, std::min(step, last - f));
}

void GroupStep::run_chunk(const Context& context, void** at, std::int64_t begin,
                          std::int64_t n) const {
  const std::int64_t rounded = (n + program_.granule - 1) & -program_.granule;
  const bool ragged = rounded != n;
  const auto memory = [&](const Moving& x) {
    std::int64_t element = x.periodic ? begin % program_.elements : begin + x.offset;
    if (x.row_stride != 0) element = begin / program_.elements * x.row_stride + x.offset;
    return context.slots[x.slot] + element * x.size;
  };
  for (const Moving& x : moving_) {
    at[x.at] = memory(x);
    if (!ragged || x.spare < 0) continue;
    if (x.read) copy_bytes(at[x.spare], at[x.at], static_cast<std::size_t>(n) * x.size);
    at[x.at] = at[x.spare];
  }
  const auto count = static_cast<std::size_t>(rounded);
  for (const Code& x : code_) {
    if (x.loop != nullptr) {
      x.loop(at, count);
    } else if (x.by_rows) {
      run_rows(context, at, n, program_.instructions[x.instruction]);
    } else if (x.kernel != nullptr) {
      x.kernel(at[x.out], at[x.a], at[x.b], at[x.c], count);
    } else {
      run_other(context, at, begin, n, program_.instructions[x.instruction]);
    }
  }
  if (!ragged) return;
  for (const Moving& x : moving_) {
    if (x.spare >= 0 && x.written)
      copy_bytes(memory(x), at[x.at], static_cast<std::size_t>(n) * x.size);
  }
}

void GroupStep::run_rows(const Context& context, void** at, std::int64_t n,
                         const GroupInstruction& x) const {
  const auto width = static_cast<std::size_t>(program_.elements);
  const std::array<int, 4> numbers{x.out, x.a, x.b, x.c};
  std::array<std::byte*, 4> row;
  std::array<std::int64_t, 4> step;
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    const GroupOperand& operand = program_.operands[static_cast<std::size_t>(numbers[k])];
    row[k] = static_cast<std::byte*>(at[numbers[k]]);
    step[k] = program_.elements;
    if (operand.kind == GroupOperand::Kind::rows) step[k] = operand.row_stride;
    if (operand.kind == GroupOperand::Kind::scalar) step[k] = 0;
    const bool converted = k > 0 && x.kind == GroupInstruction::Kind::kernel;
    step[k] *= static_cast<std::int64_t>(size_of(converted ? x.from : x.type));
  }
  for (std::int64_t r = 0; r < n / program_.elements; ++r) {
    if (x.kind == GroupInstruction::Kind::kernel) {
      x.kernel(row[0], row[1], row[2], row[3], width);
    } else {
      context.kernels->softplus_sigmoid[index(x.type)](row[0], row[2], row[1], width);
    }
    for (std::size_t k = 0; k < row.size(); ++k) row[k] += step[k];
  }
}

void GroupStep::run_other(const Context& context, void** at, std::int64_t begin, std::int64_t n,
                          const GroupInstruction& x) const {
  const auto memory = [&] { return context.slots[x.slot]; };
  switch (x.kind) {
    case GroupInstruction::Kind::kernel:
      break;
    case GroupInstruction::Kind::softplus_sigmoid:
      context.kernels->softplus_sigmoid[index(x.type)](
          at[x.out], at[x.b], at[x.a],
          static_cast<std::size_t>((n + program_.granule - 1) & -program_.granule));
      break;
    case GroupInstruction::Kind::load:
      read_strided(x.access, size_of(x.type), memory(), begin, n,
                   static_cast<std::byte*>(at[x.out]));
      break;
    case GroupInstruction::Kind::store:
      write_strided(x.access, size_of(x.type), memory(), begin, n,
                    static_cast<const std::byte*>(at[x.a]));
      break;
    case GroupInstruction::Kind::row_sum:
      context.kernels->row_sums[index(x.type)](
          memory() + static_cast<std::size_t>(begin / x.width) * size_of(x.type), at[x.a],
          n / x.width, x.width);
      break;
    case GroupInstruction::Kind::column_sum:
      context.kernels->add_rows[index(x.type)](memory() + x.offset * kAccumulatorBytes, at[x.a],
                                               n / x.width, x.width, scale_of(context, x));
      break;
  }
}

}  // namespace odeum::cpu
