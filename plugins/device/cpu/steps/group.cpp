// SPDX-License-Identifier: Apache-2.0
#include "steps/group.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "steps/strided.hpp"

namespace odeum::cpu {
namespace {

/// Pieces of about this many elements go to a thread.
constexpr std::int64_t kPiece = 16384;

double scale_of(const Context& context, const GroupInstruction& sum) {
  double scale = sum.scale;
  for (const int slot : sum.scalars) {
    scale *= sum.type == DType::f32 ? static_cast<double>(*context.at<float>(slot)) : *context.at<double>(slot);
  }
  return scale;
}

void copy_elements(void* to, const void* from, std::int64_t n, std::size_t size) {
  std::memcpy(to, from, static_cast<std::size_t>(n) * size);
}

}  // namespace

GroupStep::GroupStep(GroupProgram program) : program_(std::move(program)) {
  for (std::size_t i = 0; i < program_.operands.size(); ++i) {
    const auto kind = program_.operands[i].kind;
    if (kind == GroupOperand::Kind::direct || kind == GroupOperand::Kind::periodic) moving_.push_back(static_cast<int>(i));
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
  return program_.cost * static_cast<double>(program_.elements) * (program_.rowful ? static_cast<double>(rows) : 1.0);
}

void GroupStep::run(const Context& context, std::int64_t begin, std::int64_t end) const {
  std::int64_t first, last, step = program_.chunk;
  if (program_.rowful) {
    first = begin * program_.elements;
    last = end * program_.elements;
    if (program_.whole_rows) step = std::max<std::int64_t>(1, program_.chunk / program_.elements) * program_.elements;
  } else {
    first = begin * program_.chunk;
    last = std::min(end * program_.chunk, program_.elements);
  }
  if (first >= last) return;

  std::array<void*, kMostOperands> at;
  std::byte* reg = context.scratch;
  for (int i = 0; i < program_.registers; ++i, reg += program_.register_bytes) at[static_cast<std::size_t>(i)] = reg;
  for (std::size_t i = static_cast<std::size_t>(program_.registers); i < program_.operands.size(); ++i) {
    const GroupOperand& x = program_.operands[i];
    if (x.kind == GroupOperand::Kind::scalar) {
      at[i] = context.slots[x.slot] + static_cast<std::size_t>(x.offset) * size_of(x.type);
    }
  }
  for (std::int64_t f = first; f < last; f += step) run_chunk(context, at.data(), f, std::min(step, last - f));
}

void GroupStep::run_chunk(const Context& context, void** at, std::int64_t begin, std::int64_t n) const {
  const std::int64_t rounded = ceil_div(n, program_.granule) * program_.granule;
  const bool ragged = rounded != n;
  for (const int i : moving_) {
    const GroupOperand& x = program_.operands[static_cast<std::size_t>(i)];
    const std::int64_t element = x.kind == GroupOperand::Kind::direct ? begin + x.offset : begin % program_.elements;
    std::byte* memory = context.slots[x.slot] + static_cast<std::size_t>(element) * size_of(x.type);
    if (ragged && x.spare >= 0) {
      at[i] = at[x.spare];
      if (x.read) copy_elements(at[i], memory, n, size_of(x.type));
    } else {
      at[i] = memory;
    }
  }
  const auto count = static_cast<std::size_t>(rounded);
  for (const GroupInstruction& x : program_.instructions) {
    switch (x.kind) {
      case GroupInstruction::Kind::kernel:
        x.kernel(at[x.out], at[x.a], at[x.b], at[x.c], count);
        break;
      case GroupInstruction::Kind::load:
        read_strided(x.access, size_of(x.type), context.slots[x.slot], begin, n, static_cast<std::byte*>(at[x.out]));
        break;
      case GroupInstruction::Kind::store:
        write_strided(x.access, size_of(x.type), context.slots[x.slot], begin, n, static_cast<const std::byte*>(at[x.a]));
        break;
      case GroupInstruction::Kind::row_sum:
        context.kernels->row_sums[index(x.type)](
            context.slots[x.slot] + static_cast<std::size_t>(begin / x.width) * size_of(x.type), at[x.a], n / x.width, x.width);
        break;
      case GroupInstruction::Kind::column_sum:
        context.kernels->add_rows[index(x.type)](context.slots[x.slot], at[x.a], n / x.width, x.width,
                                                 scale_of(context, x));
        break;
    }
  }
  if (!ragged) return;
  for (const int i : moving_) {
    const GroupOperand& x = program_.operands[static_cast<std::size_t>(i)];
    if (x.spare < 0 || !x.written) continue;
    copy_elements(context.slots[x.slot] + static_cast<std::size_t>(begin + x.offset) * size_of(x.type), at[i], n,
                  size_of(x.type));
  }
}

}  // namespace odeum::cpu
