// SPDX-License-Identifier: Apache-2.0
// The page around the plots.
#pragma once

#include <string>

#include "io/json.hpp"

namespace odeum::report {

struct Page {
  std::string title;
  io::Json summary;           ///< as in summary.json
  std::string configuration;  ///< YAML
  std::string plots;          ///< HTML elements
  std::string pictures;       ///< HTML elements; may be empty
};

/// A whole HTML document, light or dark as the reader's system is.
std::string to_html(const Page& page);

}  // namespace odeum::report
