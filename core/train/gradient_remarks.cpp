// SPDX-License-Identifier: Apache-2.0
// What a gradient check has to say beside its numbers.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "train/gradient_check.hpp"

namespace odeum::train {
namespace {

// As many tolerances as a gradient's error is allowed by default.
constexpr double kMuchGrowth = 1e3;
// A way back that misses the start by this many tolerances is another trajectory's.
constexpr double kManyTolerances = 1e3;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string not_the_equation(const Halving& halved) {
  const std::string what = halved.given_steps ? "step" : "tolerance";
  return "The discretised dynamics are not the differential equation any more, to the error that "
         "is "
         "allowed: with half the " +
         what + " the result moves by " + shown(halved.result) + " and its gradient by " +
         shown(halved.gradient) +
         ", relatively. What is differentiated is the discretisation: another solver, step or "
         "tolerance gives other numbers. Use a " +
         (halved.given_steps ? "shorter step" : "smaller tolerance") + ", or a shorter span.";
}

std::string chaotic(double growth) {
  return "A change of the start grows " + shown(growth) +
         "-fold until the end, as in chaos: errors of the steps grow with it, so that solution and "
         "gradient are wrong by that many tolerances, whatever the method. Shorten the span, or "
         "learn from statistics or from short stretches instead of from late states.";
}

std::string no_way_back(const RoundTrip& trip, const std::vector<std::string>& off) {
  const std::string text =
      trip.failure.empty()
          ? "Integrated to the end and back again, the state misses its start by " +
                shown(trip.mismatch) + " of itself, " + shown(trip.tolerances) + " tolerances"
          : "The state cannot be integrated back from its end (" + trip.failure + ")";
  return text +
         ": where a solution contracts forwards, the way back expands, and errors grow with it. "
         "Methods that integrate the state back follow another trajectory there (off here: " +
         joined(off) +
         "). Use backprop, with `memory:` if need be, or another method that keeps "
         "the forward solution; or shorter intervals between times to save, where the state is "
         "taken up anew.";
}

bool wrong(const GradientRow& row, double allowed) {
  return row.refusal.empty() && (!row.failure.empty() || !(row.relative_error <= allowed));
}

/// Methods that are off, far more than the best one is.
std::vector<std::string> off_alone(const GradientCheck& check) {
  constexpr double kFar = 10.0;
  double best = std::numeric_limits<double>::infinity();
  for (const GradientRow& row : check.rows) {
    if (row.has_gradient()) best = std::min(best, row.relative_error);
  }
  std::vector<std::string> off;
  for (const GradientRow& row : check.rows) {
    if (!wrong(row, check.allowed)) continue;
    if (!row.failure.empty() || !(row.relative_error <= kFar * best)) off.push_back(row.method);
  }
  return off;
}

}  // namespace

bool GradientCheck::passed() const {
  return differences_error <= allowed_differences &&
         std::none_of(rows.begin(), rows.end(),
                      [this](const GradientRow& row) { return wrong(row, allowed); });
}

std::vector<std::string> GradientCheck::remarks() const {
  std::vector<std::string> all;
  if (halved && !(std::max(halved->result, halved->gradient) <= allowed)) {
    all.push_back(not_the_equation(*halved));
  }
  if (growth > kMuchGrowth) all.push_back(chaotic(growth));
  const std::vector<std::string> off = off_alone(*this);
  const bool lost =
      round_trip && (!round_trip->failure.empty() || !(round_trip->tolerances <= kManyTolerances));
  if (lost && !off.empty()) all.push_back(no_way_back(*round_trip, off));
  if (!no_difference.empty()) {
    all.push_back(
        "Along other directions than these " + std::to_string(directions) +
        " there is no central difference, for a solve from there fails: " + no_difference);
  }
  if (!(differences_error <= allowed_differences)) {
    all.push_back("The reference itself differs from central differences by " +
                  shown(differences_error) +
                  ": the field may have a kink or noise near here, or a wrong derivative; where "
                  "errors grow a lot, difference quotients resolve none.");
  }
  return all;
}

}  // namespace odeum::train
