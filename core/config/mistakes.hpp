// SPDX-License-Identifier: Apache-2.0
// What a user got wrong, gathered so that all of it is reported at once.
#pragma once

#include <string>
#include <vector>

#include "odeum/error.hpp"

namespace odeum::config {

struct Mistake {
  Place place;
  std::string path;    ///< of the key: "model.0.solver.rtol"; empty for a whole file
  std::string text;    ///< what is wrong, then what was meant
  bool whole = false;  ///< `text` is the whole line

  /// "file:line:col path — text", or "--set path=value — text".
  std::string line() const;
};

class Mistakes {
 public:
  void add(const Place& place, const std::string& path, const std::string& text);
  /// An error whose text says its place already.
  void add(const Place& place, const ConfigError& error);
  void add(const Mistake& mistake);
  /// Whether the same thing has been said about the same place, under whichever path.
  bool contains(const Place& place, const std::string& text) const;
  bool empty() const { return list_.empty(); }
  const std::vector<Mistake>& list() const { return list_; }
  /// The mistakes by file, line and column; those of the command line last.
  std::vector<Mistake> sorted() const;
  /// Throws a ConfigError with one line a mistake, if there is any.
  void raise() const;

 private:
  std::vector<Mistake> list_;
};

}  // namespace odeum::config
