// SPDX-License-Identifier: Apache-2.0
// Line plots as SVG elements for an HTML page; colours are the page's CSS classes (page.cpp).
#pragma once

#include <string>
#include <vector>

namespace odeum::report {

/// Points joined in order; a point that is not finite leaves a gap.
struct Series {
  std::string name;  ///< in the legend; "" where there is only one
  std::vector<double> x;
  std::vector<double> y;
};

enum class Scale { linear, logarithmic };

struct PlotText {
  std::string title;
  std::string x;  ///< axis label
  std::string y;
  Scale scale = Scale::linear;  ///< of y; logarithmic leaves gaps where y is not positive
};

/// An SVG element of 560 by 300 units. Without a single finite point: "".
std::string line_plot(const PlotText& text, const std::vector<Series>& all);

/// Lines in the plane, each a series of its own, over a picture (a PNG file's bytes, or "") that
/// fills the window: an SVG element of 300 by 300 units.
struct Window {
  double left = 0.0, right = 1.0, bottom = 0.0, top = 1.0;
};
std::string plane(const std::string& title, const Window& window, const std::string& png,
                  const std::vector<Series>& lines);

/// Round numbers (1, 2 or 5 times a power of ten apart) between low and high, about `count`.
std::vector<double> ticks(double low, double high, int count);

/// Text with what HTML takes for its own replaced.
std::string escaped(const std::string& text);

}  // namespace odeum::report
