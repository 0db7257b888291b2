#include "tests/simulation/balance/report.hpp"

#include <cstdio>

namespace chisme::simulation::balance {
namespace {

constexpr std::size_t main_nodes = 20;
constexpr double main_age = 1;

std::string number(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double share) {
  return number(100 * share, 1) + " %";
}

std::string row(Policy policy, Outcome const& outcome) {
  std::string text = std::string("| ") + to_string(policy) + " | ";
  if (!outcome.stable) return text + "unstable | | | |\n";
  return text + number(outcome.peak_mean, 2) + " | " + number(outcome.peak_p99, 2) + " | " +
         number(outcome.slowdown_p99, 2) + " | " + percent(outcome.bounced) + " |\n";
}

std::string main_table(std::vector<Cell> const& cells, Shape shape) {
  std::string text = std::string("### 20 nodes, ") + to_string(shape) +
                     ", samples 1 s old\n\n"
                     "| policy | busiest / mean | its p99 | slowdown p99 | bounces |\n"
                     "|---|---|---|---|---|\n";
  for (Policy const policy : policies) {
    Outcome const* const outcome = find(cells, main_nodes, shape, main_age, policy);
    if (outcome != nullptr) text += row(policy, *outcome);
  }
  return text + "\n";
}

std::string goals_table(std::vector<Cell> const& cells) {
  std::string text =
      "### Goals (20 nodes, samples 1 s old, ours)\n\n"
      "| cluster | figure | goal | measured | |\n|---|---|---|---|---|\n";
  for (Goal const& goal : goals()) {
    Outcome const* const outcome = find(cells, main_nodes, goal.shape, main_age, Policy::ours);
    if (outcome == nullptr) continue;
    bool const share = goal.measured == &Outcome::bounced;
    double const measured = outcome->*goal.measured;
    auto const shown = [&](double value) { return share ? percent(value) : number(value, 2); };
    text += std::string("| ") + to_string(goal.shape) + " | " + goal.what +
            " | <= " + shown(goal.at_most) + " | " + shown(measured) + " | " +
            (outcome->stable && measured <= goal.at_most ? "met" : "missed") + " |\n";
  }
  return text + "\n";
}

std::string brief(Outcome const& outcome) {
  if (!outcome.stable) return "unstable";
  return number(outcome.peak_mean, 2) + " / " + number(outcome.slowdown_p99, 2);
}

std::string full_table(std::vector<Cell> const& cells) {
  std::string text =
      "### All: busiest node / mean on average, slowdown p99\n\n| nodes | cluster | samples |";
  std::string line = "|---|---|---|";
  for (Policy const policy : policies) {
    text += std::string(" ") + to_string(policy) + " |";
    line += "---|";
  }
  text += "\n" + line;
  for (Cell const& cell : cells) {
    Setting const& setting = cell.setting;
    if (setting.policy == policies.front()) {
      text += "\n| " + std::to_string(setting.nodes) + " | " + to_string(setting.shape) + " | " +
              number(setting.sample_age, 1) + " s |";
    }
    text += " " + brief(cell.outcome) + " |";
  }
  return text + "\n";
}

}  // namespace

std::string markdown(std::vector<Cell> const& cells) {
  std::string text;
  for (Shape const shape : shapes) text += main_table(cells, shape);
  text += goals_table(cells);
  bool const more = cells.size() > shapes.size() * policies.size();
  return more ? text + full_table(cells) : text;
}

}  // namespace chisme::simulation::balance
