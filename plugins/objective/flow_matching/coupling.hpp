// SPDX-License-Identifier: Apache-2.0
// Which sample of the base belongs to which row of a batch.
#pragma once

#include "odeum/tensor.hpp"

namespace odeum::objectives {

/// The rows of `base` in the order in which they are nearest to the rows of `x`, both [rows, ...]:
/// of every 256 rows, the permutation with the smallest sum of squared distances (Tong et al. 2024,
/// section 3.2; Pooladian et al. 2023). Computed on the host. Without derivative; as it is where a
/// number is not finite.
Tensor optimally_coupled(Tensor x, Tensor base);

}  // namespace odeum::objectives
