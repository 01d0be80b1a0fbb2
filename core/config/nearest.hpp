// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the nearest of a list of names to what was written.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace odeum::config {

/// Insertions, deletions, replacements and exchanges of neighbours that lead from `a` to `b`, upper
/// and lower case counted as equal, no part edited twice (the restricted Damerau-Levenshtein
/// distance).
int edit_distance(const std::string& a, const std::string& b);

/// The name nearest to `word`, if it is near enough to have been meant: at most one edit for
/// words of up to three letters, two for longer ones, a third of the length for words of nine
/// letters and more. Of several equally near names, the first in the alphabet.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& names);

/// "did you mean 'steps'?", or "<others>: a, b, c" (sorted) when no name is near, or "<others>:
/// none".
std::string suggestion(const std::string& word, const std::vector<std::string>& names,
                       const std::string& others);

/// "a, b, c", sorted, each once.
std::string listed(std::vector<std::string> names);

}  // namespace odeum::config
