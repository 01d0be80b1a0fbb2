// SPDX-License-Identifier: Apache-2.0
#include "steps/product_table.hpp"

namespace odeum::cpu {

const ProductTable& shipped_table() {
  static const ProductTable table;
  return table;
}

}  // namespace odeum::cpu
