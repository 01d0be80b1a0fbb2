// SPDX-License-Identifier: Apache-2.0
// A problem integrated to its end and back again: what methods that integrate the state backwards
// rely on.
#pragma once

#include "train/gradient_check.hpp"
#include "train/problem.hpp"

namespace odeum::train {

RoundTrip round_trip(const Problem& problem);

}  // namespace odeum::train
