// SPDX-License-Identifier: Apache-2.0
// The attempt behind an attempt, worked out on the device by the rules of Pace, so that attempts
// are queued before the host has seen what became of the ones before. The host goes through the
// rules itself and takes an attempt only where the forecast of its t and h was right to the last
// bit: a wrong one costs work, and never changes a result.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/tensor.hpp"

namespace odeum::inline v1 {
struct SolveOptions;
}  // namespace odeum::inline v1

namespace odeum::solve {

/// What a forecast needs to know of an attempt beside t, h and the controller's memory: Pace::Step,
/// the proposal, and the times that steps must land on, the next one first, the last repeated. An
/// attempt lands at most once, so this many attempts are forecast across any landings.
struct Course {
  enum Entry { end, lands, proposal, targets, size = targets + 8 };
};

/// An attempt and what became of it; all float64 [1] but `course`, [Course::size].
struct Attempted {
  Tensor t, h, course;
  Tensor accepted, finite;  ///< 1 or 0
  Tensor next_h;            ///< the controller's
};

/// The attempt that follows, if nothing but steps is between; all [1], the course's entries in
/// their order. One by one, they are one kernel.
struct Forecast {
  Tensor t, h;
  std::vector<Tensor> course;
};
Forecast record_forecast(const Attempted& attempt, const SolveOptions& options);
/// The first attempt from t, with the first step chosen; `targets` as in a course.
Forecast record_first_attempt(Tensor t, Tensor step, Tensor targets, const SolveOptions& options);

}  // namespace odeum::solve
