// SPDX-License-Identifier: Apache-2.0
// How loops over a value reach memory through its layout (kernelgen/layout.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "kernelgen/layout.hpp"

namespace odeum::cpu {

using kernelgen::contiguous;
using kernelgen::filled;
using kernelgen::Layout;
using kernelgen::view;
using kernelgen::whole;

/// How a loop over the flat elements [rows, E] of a value reads or writes memory.
struct Access {
  enum class Kind : std::uint8_t {
    contiguous,  ///< element i at offset + i
    scalar,      ///< every element at offset
    periodic,    ///< the same E elements for every row
    strided,     ///< anything else
  };
  Kind kind = Kind::contiguous;
  std::int64_t offset = 0;
  std::int64_t row_stride = 0;
  std::vector<std::int64_t> extents, strides;  ///< inside a row, outermost first, merged
  std::int64_t per_row = 1;                    ///< E
};
/// The access of a layout. Values without rows count as one row.
Access access(const Layout& layout);

}  // namespace odeum::cpu
