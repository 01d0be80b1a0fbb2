// SPDX-License-Identifier: Apache-2.0
// Dialects: what stands before the kernels, so that one text is OpenCL C and CUDA C++.
//
// Kernels are written with: KERNEL(threads), GLOBAL, RESTRICT, LOCAL_ARRAY, BARRIER (after
// which a group's threads see each other's local memory), MEMORY_BARRIER (all memory), GROUP_ID,
// LOCAL_ID; idx, uchar, uint, ulong; BITS_TO_FLOAT, BITS_TO_DOUBLE, LOWEST_<type>; and the
// functions sigmoid_, softplus_, stream_key, uniform_, normal_, rademacher_.
#pragma once

#include <cstdint>
#include <string>

namespace odeum::kernelgen {

enum class Dialect : std::uint8_t { opencl, cuda };
/// The type of every index: chosen by the sizes of a run.
enum class IndexWidth : std::uint8_t { bits32, bits64 };

/// What these kernels need before them.
std::string prelude(Dialect dialect, IndexWidth width, const std::string& kernels);

}  // namespace odeum::kernelgen
