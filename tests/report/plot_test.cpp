// SPDX-License-Identifier: Apache-2.0
#include "report/plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace odeum::report {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(Ticks, AreRoundNumbersInsideTheRange) {
  EXPECT_THAT(ticks(0.0, 1.0, 5), ElementsAre(0.0, DoubleEq(0.2), DoubleEq(0.4), DoubleEq(0.6),
                                              DoubleEq(0.8), DoubleEq(1.0)));
  EXPECT_THAT(ticks(-30.0, 130.0, 4), ElementsAre(0.0, 50.0, 100.0));
  EXPECT_TRUE(ticks(1.0, 1.0, 5).empty());
  EXPECT_TRUE(ticks(0.0, std::numeric_limits<double>::infinity(), 5).empty());
}

TEST(LinePlot, PutsTheSmallestAtTheBottomAndTheLargestAtTheTop) {
  const std::string svg = line_plot({"t", "x", "y"}, {{"", {0, 1, 2}, {5, 7, 6}}});
  // 60 to 550 across; 4 % of margin above and below a height of 226 that begins at 26.
  EXPECT_THAT(svg, HasSubstr("points=\"60.00,243.63 305.00,34.37 550.00,139.00\""));
}

TEST(LinePlot, LeavesAGapWhereANumberIsMissing) {
  const double nan = std::nan("");
  const std::string svg = line_plot({"t", "", ""}, {{"", {0, 1, 2, 3, 4}, {1, 2, nan, 2, 1}}});
  EXPECT_EQ(count(svg, "<polyline"), 2U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_EQ(line_plot({"t", "", ""}, {{"", {0, 1}, {nan, nan}}}), "");
  EXPECT_EQ(line_plot({"t", "", ""}, {}), "");
}

TEST(LinePlot, OnALogarithmicScaleLeavesGapsWhereNothingIsPositive) {
  const std::string svg =
      line_plot({"t", "", "", Scale::logarithmic}, {{"", {0, 1, 2, 3}, {1e-3, 1.0, 0.0, 10.0}}});
  EXPECT_EQ(count(svg, "<polyline"), 1U);
  EXPECT_EQ(count(svg, "<circle"), 1U);
  for (const char* label : {">0.001<", ">0.1<", ">10<"}) EXPECT_THAT(svg, HasSubstr(label));
}

TEST(LinePlot, KeepsThePeaksOfALongSeries) {
  Series series;
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 54321 ? 100.0 : 0.0);
  }
  const std::string svg = line_plot({"t", "", ""}, {series});
  EXPECT_LT(svg.size(), 60000U);
  EXPECT_THAT(svg, HasSubstr(",34.37"));
}

TEST(LinePlot, EscapesWhatHtmlTakesForItsOwn) {
  EXPECT_THAT(line_plot({"<b>&", "", ""}, {{"", {0, 1}, {0, 1}}}), HasSubstr("&lt;b&gt;&amp;"));
}

TEST(Plane, DrawsNothingOutsideItsWindow) {
  const std::string svg =
      plane("t", {0, 1, 0, 1}, "", {{"", {0.5, 0.6, 5.0, 0.7, 0.8}, {0.5, 0.5, 0.5, 0.5, 0.5}}});
  EXPECT_EQ(count(svg, "<polyline"), 2U);
}

}  // namespace
}  // namespace odeum::report
