// SPDX-License-Identifier: Apache-2.0
#include "report/plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "report/picture.hpp"

namespace odeum::report {
namespace {

constexpr std::size_t kMostPoints = 1200;  // of a line: more than the pixels that it covers

std::string number(double value, const char* format = "%.6g") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// Not of length zero.
  Range widened(double share) const {
    if (high > low) return {low - share * (high - low), high + share * (high - low)};
    const double margin = low == 0.0 ? 1.0 : 0.1 * std::abs(low);
    return {low - margin, high + margin};
  }
};

/// From values to a rectangle of the page, y upwards.
struct Frame {
  double left, top, width, height;
  Range x, y;

  bool shows(double at_x, double at_y) const {
    return at_x >= x.low && at_x <= x.high && at_y >= y.low && at_y <= y.high;
  }
  double across(double value) const { return left + width * (value - x.low) / (x.high - x.low); }
  double down(double value) const {
    return top + height * (1.0 - (value - y.low) / (y.high - y.low));
  }
};

double scaled(double value, Scale scale) {
  if (scale == Scale::linear) return value;
  return value > 0.0 ? std::log10(value) : std::numeric_limits<double>::quiet_NaN();
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

std::string line(const char* kind, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) +
         "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"/>\n";
}

/// Of logarithms: powers of ten, with 2 and 5 times them between where there are few.
std::vector<double> logarithmic_ticks(double low, double high) {
  const double apart = std::max(1.0, std::round((high - low) / 6.0));
  std::vector<double> result;
  for (double power = std::floor(low); power <= high; power += apart) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1.0 && high - low > 3.0) continue;
      const double at = power + std::log10(factor);
      if (at >= low && at <= high) result.push_back(at);
    }
  }
  return result;
}

std::string tick_label(double value, Scale scale) {
  return number(scale == Scale::linear ? value : std::pow(10.0, value), "%.4g");
}

std::string axes(const Frame& frame, const PlotText& text) {
  std::string svg;
  for (const double x : ticks(frame.x.low, frame.x.high, 6)) {
    svg += line("grid", frame.across(x), frame.top, frame.across(x), frame.top + frame.height);
    svg += text_at(frame.across(x), frame.top + frame.height + 16, "middle",
                   tick_label(x, Scale::linear));
  }
  const std::vector<double> levels = text.scale == Scale::linear
                                         ? ticks(frame.y.low, frame.y.high, 5)
                                         : logarithmic_ticks(frame.y.low, frame.y.high);
  for (const double y : levels) {
    svg += line("grid", frame.left, frame.down(y), frame.left + frame.width, frame.down(y));
    svg += text_at(frame.left - 6, frame.down(y) + 4, "end", tick_label(y, text.scale));
  }
  svg += text_at(frame.left + frame.width, frame.top + frame.height + 32, "end", text.x);
  svg += text_at(frame.left, frame.top - 8, "start", text.y);
  return svg;
}

/// The extremes of each stretch of points, in order, where there are too many to be seen.
std::vector<std::size_t> thinned(const std::vector<double>& y) {
  std::vector<std::size_t> kept;
  const std::size_t stretch = std::max<std::size_t>(1, 2 * y.size() / kMostPoints);
  for (std::size_t begin = 0; begin < y.size(); begin += stretch) {
    const std::size_t end = std::min(y.size(), begin + stretch);
    std::size_t low = begin, high = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (y[i] < y[low]) low = i;
      if (y[i] > y[high]) high = i;
    }
    kept.push_back(std::min(low, high));
    if (low != high) kept.push_back(std::max(low, high));
  }
  return kept;
}

std::string curve(const Frame& frame, const Series& series, Scale scale, std::size_t index) {
  std::string points, svg;
  std::size_t count = 0;
  const auto finish = [&] {
    const std::string style = "class=\"line s" + std::to_string(index % 6) + "\"";
    if (count > 1) svg += "<polyline " + style + " points=\"" + points + "\"/>\n";
    if (count == 1) {
      const std::size_t comma = points.find(',');
      svg += "<circle " + style + " cx=\"" + points.substr(0, comma) + "\" cy=\"" +
             points.substr(comma + 1) + "\" r=\"2.5\"/>\n";
    }
    points.clear();
    count = 0;
  };
  for (const std::size_t i : thinned(series.y)) {
    const double y = scaled(series.y[i], scale);
    if (!frame.shows(series.x[i], y)) {
      finish();
      continue;
    }
    if (count++ > 0) points += ' ';
    points += number(frame.across(series.x[i]), "%.2f") + "," + number(frame.down(y), "%.2f");
  }
  finish();
  return svg;
}

std::string legend(const Frame& frame, const std::vector<Series>& all) {
  std::string svg;
  double x = frame.left + frame.width;
  for (std::size_t i = all.size(); i-- > 0;) {
    if (all[i].name.empty()) continue;
    svg += "<text class=\"legend s" + std::to_string(i % 6) + "\" x=\"" + number(x) + "\" y=\"" +
           number(frame.top - 8) + "\" text-anchor=\"end\">" + escaped(all[i].name) + "</text>\n";
    x -= 7.0 * static_cast<double>(all[i].name.size()) + 14.0;
  }
  return svg;
}

std::string svg_element(int width, int height, const std::string& title, const std::string& body) {
  return "<figure><figcaption>" + escaped(title) + "</figcaption><svg viewBox=\"0 0 " +
         std::to_string(width) + " " + std::to_string(height) + "\" role=\"img\" aria-label=\"" +
         escaped(title) + "\">\n" + body + "</svg></figure>\n";
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c;
    }
  }
  return result;
}

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  if (!(rough > 0.0) || !std::isfinite(rough)) return {};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double apart = power * (share < 1.5 ? 1.0 : share < 3.5 ? 2.0 : share < 7.5 ? 5.0 : 10.0);
  std::vector<double> result;
  for (double k = std::ceil(low / apart); k * apart <= high + 1e-9 * apart; ++k) {
    result.push_back(k * apart);
  }
  return result;
}

std::string line_plot(const PlotText& text, const std::vector<Series>& all) {
  Range x, y;
  for (const Series& series : all) {
    for (std::size_t i = 0; i < series.y.size(); ++i) {
      const double value = scaled(series.y[i], text.scale);
      if (!std::isfinite(value) || !std::isfinite(series.x[i])) continue;
      x.include(series.x[i]);
      y.include(value);
    }
  }
  if (x.empty()) return "";
  const Frame frame{60, 26, 490, 226, x.widened(0.0), y.widened(0.04)};
  std::string body = axes(frame, text);
  for (std::size_t i = 0; i < all.size(); ++i) body += curve(frame, all[i], text.scale, i);
  return svg_element(560, 300, text.title, body + legend(frame, all));
}

std::string plane(const std::string& title, const Window& window, const std::string& png,
                  const std::vector<Series>& lines) {
  const Frame frame{34, 8, 258, 258, {window.left, window.right}, {window.bottom, window.top}};
  std::string body = axes(frame, {"", "", "", Scale::linear});
  if (!png.empty()) {
    body += "<image x=\"" + number(frame.left) + "\" y=\"" + number(frame.top) + "\" width=\"" +
            number(frame.width) + "\" height=\"" + number(frame.height) +
            "\" preserveAspectRatio=\"none\" href=\"data:image/png;base64," + base64(png) +
            "\"/>\n";
  }
  for (const Series& series : lines) body += curve(frame, series, Scale::linear, 0);
  return svg_element(300, 300, title, body);
}

}  // namespace odeum::report
