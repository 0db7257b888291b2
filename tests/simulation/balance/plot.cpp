#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cluster/base/check.hpp"
#include "tests/simulation/balance/report.hpp"

namespace chisme::simulation::balance {
namespace {

constexpr std::array ages{0.2, 1.0, 5.0};
constexpr double highest = 10;  // of both axes, which are logarithmic and begin at 1
constexpr double panel_width = 250;
constexpr double panel_height = 220;
constexpr double panel_top = 60;
constexpr double label_height = 13;

struct Line {
  Policy policy;
  char const* colour;
  char const* dashes;
};
constexpr std::array lines{
    Line{Policy::least_loaded, "#b2182b", "6 3"}, Line{Policy::two_choices, "#b8860b", "2 3"},
    Line{Policy::ours, "#1b5fae", ""}, Line{Policy::ideal, "#4d4d4d", "1 3"}};

struct Panel {
  char const* title;
  double Outcome::* value;
  double left;
};

double x_of(Panel const& panel, double age) {
  double const part = std::log(age / ages.front()) / std::log(ages.back() / ages.front());
  return panel.left + 12 + part * (panel_width - 24);
}

double y_of(double value) {
  double const part = std::log(std::clamp(value, 1.0, highest)) / std::log(highest);
  return panel_top + panel_height * (1 - part);
}

std::string at(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string label(double x, double y, std::string const& what, std::string const& attributes) {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" " + attributes + ">" + what + "</text>\n";
}

std::string axes(Panel const& panel) {
  std::string svg = label(panel.left, panel_top - 12, panel.title, "font-weight=\"bold\"");
  for (double const value : {1.0, 1.5, 2.0, 3.0, 5.0, 10.0}) {
    std::string const y = at(y_of(value));
    svg += "<line x1=\"" + at(panel.left) + "\" x2=\"" + at(panel.left + panel_width) + "\" y1=\"" +
           y + "\" y2=\"" + y + "\" stroke=\"#ddd\"/>\n";
    std::string const name = value == 1.5 ? "1.5" : std::to_string(static_cast<int>(value));
    svg += label(panel.left - 5, y_of(value) + 4, name, "text-anchor=\"end\"");
  }
  for (double const age : ages) {
    std::string const name = age < 1 ? "0.2 s" : std::to_string(static_cast<int>(age)) + " s";
    svg += label(x_of(panel, age), panel_top + panel_height + 17, name, "text-anchor=\"middle\"");
  }
  return svg;
}

std::string curve(std::vector<Cell> const& cells, Panel const& panel, Line const& line) {
  std::string points;
  for (double const age : ages) {
    Outcome const* const outcome = find(cells, 20, Shape::heterogeneous, age, line.policy);
    CHECK(outcome != nullptr);
    points += at(x_of(panel, age)) + "," + at(y_of(outcome->*panel.value)) + " ";
  }
  return "<polyline points=\"" + points + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" +
         line.colour + "\" stroke-dasharray=\"" + line.dashes + "\"/>\n";
}

// The lines' names at their right ends, moved apart where they would overlap.
std::string names(std::vector<Cell> const& cells, Panel const& panel) {
  std::vector<std::pair<double, Line>> ends;
  for (Line const& line : lines) {
    Outcome const* const outcome = find(cells, 20, Shape::heterogeneous, ages.back(), line.policy);
    ends.emplace_back(y_of(outcome->*panel.value) + 4, line);
  }
  std::ranges::sort(ends, {}, &std::pair<double, Line>::first);
  double last = panel_top + panel_height + 4 + label_height;
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    last = end->first = std::min(end->first, last - label_height);
  }
  std::string svg;
  for (auto const& [y, line] : ends) {
    svg += label(panel.left + panel_width - 6, y, to_string(line.policy),
                 std::string("fill=\"") + line.colour + "\"");
  }
  return svg;
}

}  // namespace

std::string plot(std::vector<Cell> const& cells) {
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 330\" font-family=\"sans-serif\""
      " font-size=\"12\" fill=\"#222\">\n<rect width=\"740\" height=\"330\" fill=\"#fff\"/>\n";
  svg += label(30, 22, "20 nodes, every fifth four times slower, over the age of the load samples",
               "font-size=\"14\"");
  std::array const panels{Panel{"busiest node / mean load", &Outcome::peak_mean, 30},
                          Panel{"slowdown, 99th percentile", &Outcome::slowdown_p99, 390}};
  for (Panel const& panel : panels) {
    svg += axes(panel);
    for (Line const& line : lines) svg += curve(cells, panel, line);
    svg += names(cells, panel);
  }
  svg += label(30, 318, "random and round robin are unstable. Both axes are logarithmic.",
               "fill=\"#666\"");
  return svg + "</svg>\n";
}

}  // namespace chisme::simulation::balance
