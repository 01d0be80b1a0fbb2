// SPDX-License-Identifier: Apache-2.0
// CLBlast: large contractions.
#pragma once

#include <CL/cl.h>

#include <cstddef>
#include <cstdint>

#include "kernelgen/library_product.hpp"

namespace odeum::opencl {

/// A buffer and the entry at which a matrix begins.
struct Matrix {
  cl_mem memory = nullptr;
  std::size_t offset = 0;
};

/// Queues C = A B. RunError where CLBlast fails or is not built in.
void multiply_by_library(const kernelgen::LibraryProduct& product, std::int64_t rows,
                         const Matrix& a, const Matrix& b, const Matrix& c, cl_command_queue queue);

}  // namespace odeum::opencl
