// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_code.hpp"

#include <string_view>

#include "machine/vector_code.hpp"
#include "odeum/error.hpp"

namespace odeum::cpu {
namespace {

/// Address space of a block; pages take memory when they are written.
constexpr std::size_t kBlock = std::size_t{64} << 10U;
/// No processor has a cache for the instructions of longer functions.
constexpr std::size_t kMostBytes = std::size_t{16} << 20U;

int vector_bytes_of(const Kernels& kernels) {
  const std::string_view set = kernels.instruction_set;
  return set == "avx512" ? 64 : (set == "avx2" ? 32 : 0);
}

}  // namespace

struct MachineCode::Block {
  explicit Block(std::size_t bytes) : size(bytes), code(bytes) {}

  /// Null where the function does not fit.
  const std::uint8_t* written(const std::function<void(VectorCode&)>& write) {
    const std::size_t end = code.getSize();
    try {
      code.begin();
      const std::uint8_t* start = code.getCurr();
      write(code);
      return start;
    } catch (const Xbyak::Error& error) {
      if (static_cast<int>(error) != Xbyak::ERR_CODE_IS_TOO_BIG)
        bug(std::string("device cpu: machine code: ") + error.what());
      code.setSize(end);
      return nullptr;
    }
  }

  std::size_t size;
  VectorCode code;
};

bool can_write_machine_code() { return true; }

MachineCode::MachineCode(MachineCodeUse use, const Kernels& kernels)
    : vector_bytes_(use == MachineCodeUse::never ? 0 : vector_bytes_of(kernels)) {}

MachineCode::~MachineCode() = default;

bool MachineCode::reserve(std::size_t bytes) {
  try {
    auto block = std::make_unique<Block>(bytes);
    // Hardened systems refuse what has been writable; better to know before any code is there.
    if (!block->code.setProtectModeRE(false) || !block->code.setProtectModeRW(false)) return false;
    blocks_.push_back(std::move(block));
    return true;
  } catch (const Xbyak::Error&) {  // no memory
    return false;
  }
}

const std::uint8_t* MachineCode::written(const std::function<void(VectorCode&)>& write) {
  if (vector_bytes_ == 0) return nullptr;
  if (!blocks_.empty()) {
    if (const std::uint8_t* start = blocks_.back()->written(write)) return start;
  }
  for (std::size_t bytes = kBlock; bytes <= kMostBytes; bytes *= 4) {
    if (!reserve(bytes)) {
      vector_bytes_ = 0;
      return nullptr;
    }
    if (const std::uint8_t* start = blocks_.back()->written(write)) return start;
    blocks_.pop_back();
  }
  return nullptr;
}

void MachineCode::finish() {
  for (const auto& block : blocks_) {
    if (!block->code.setProtectModeRE(false))
      throw RunError("device cpu: the system no longer lets memory become executable");
  }
}

}  // namespace odeum::cpu
