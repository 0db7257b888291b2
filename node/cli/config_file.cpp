#include "node/cli/config_file.hpp"

#include <toml++/toml.h>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "node/cli/nearest.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

// A TOML value as the text that a flag would have; nullopt for kinds that the key does not take.
std::optional<std::string> text_of(NodeKey const& key, toml::node const& node) {
  if (auto const text = node.value_exact<std::string>()) return *text;
  if (auto const number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (auto const number = node.value_exact<double>()) return std::to_string(*number);
  if (auto const truth = node.value_exact<bool>(); truth && key.is_switch) {
    return *truth ? "true" : "false";
  }
  return std::nullopt;
}

std::string kind_of(toml::node const& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::boolean:
      return node.value_or(false) ? "true" : "false";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
    case toml::node_type::floating_point:
      return "a number";
    default:
      return "a date or a time";
  }
}

std::string wanted_kind(NodeKey const& key) {
  if (key.repeatable) return "a text, or a list of texts: " + key.name + R"( = ["…", "…"])";
  if (key.is_switch) return "true or false: " + key.name + " = true";
  return "a text or a number: " + key.name + R"( = "…")";
}

class Reading {
 public:
  explicit Reading(std::string const& path) : path_(path) {}

  void take(toml::key const& name, toml::node const& node) {
    auto const key = std::find_if(node_keys().begin(), node_keys().end(),
                                  [&](NodeKey const& k) { return k.name == name.str(); });
    if (key == node_keys().end()) return complain_of_unknown(name, node);
    Given given{place(name.source()) + ": `" + key->name + "`", {}};
    toml::array const* const list = key->repeatable ? node.as_array() : nullptr;
    auto const add = [&](toml::node const& value) {
      if (auto text = text_of(*key, value)) return given.values.push_back(std::move(*text));
      file.complaints.push_back(place(value.source(), name.source()) + ": `" + key->name + "` is " +
                                (list == nullptr ? "" : "a list with ") + kind_of(value) +
                                ", but takes " + wanted_kind(*key));
    };
    if (list == nullptr) {
      add(node);
    } else {
      for (toml::node const& value : *list) add(value);
    }
    file.layer.emplace(key->name, std::move(given));
  }

  void complain(toml::source_region const& where, std::string_view what) {
    file.complaints.push_back(place(where) + ": " + printable(std::string{what}));
  }

  ParsedConfig file;

 private:
  void complain_of_unknown(toml::key const& name, toml::node const& node) {
    std::vector<std::string> known;
    for (NodeKey const& key : node_keys()) known.push_back(key.name);
    std::string sentence = "there is no key `" + std::string{name.str()} + "`";
    std::string const meant = suggestion_for(name.str(), known);
    if (meant.empty() && node.is_table()) sentence += ": keys stand alone here, without a [table]";
    complain(name.source(), sentence + meant);
  }

  [[nodiscard]] std::string place(toml::source_region const& where) const {
    return path_ + ", line " + std::to_string(where.begin.line);
  }
  [[nodiscard]] std::string place(toml::source_region const& where,
                                  toml::source_region const& otherwise) const {
    return place(where.begin.line > 0 ? where : otherwise);
  }

  std::string const& path_;
};

Result<std::string> read_bounded(fs::path const& path) {
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    ssize_t const got = ::read(file->number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return node::failed("reading", path);
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > config_bytes_max) {
      return fail(Fault::invalid, path.string() + " is larger than " +
                                      std::to_string(config_bytes_max) +
                                      " bytes, as no configuration is");
    }
  }
}

}  // namespace

ParsedConfig parse_config(std::string_view text, std::string const& path) {
  Reading reading{path};
  try {
    toml::table const table = toml::parse(text, path);
    for (auto const& [name, node] : table) reading.take(name, node);
  } catch (toml::parse_error const& error) {
    reading.complain(error.source(), error.description());
  }
  return std::move(reading.file);
}

std::vector<std::string> complaints_about_config(std::string_view text, std::string const& path) {
  ParsedConfig file = parse_config(text, path);
  auto const values = complaints_about(file.layer);
  file.complaints.insert(file.complaints.end(), values.begin(), values.end());
  if (!file.complaints.empty()) return std::move(file.complaints);
  if (auto const made = make_config({file.layer}); !made) {
    file.complaints.push_back(path + ": " + made.error().message);
  }
  return std::move(file.complaints);
}

Result<std::string> read_config_text(fs::path const& path) {
  auto text = read_bounded(path);
  if (text) return text;
  return fail(text.error().fault, "cannot use the configuration file: " + text.error().message);
}

Result<Layer> read_config_file(fs::path const& path) {
  auto const text = read_config_text(path);
  if (!text) return fail(Fault::invalid, text.error().message);
  ParsedConfig file = parse_config(*text, path.string());
  if (!file.complaints.empty()) return fail(Fault::invalid, file.complaints.front());
  return std::move(file.layer);
}

}  // namespace chisme::node::cli
