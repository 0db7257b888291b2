#include "web/tus/upload.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <queue>
#include <tuple>
#include <utility>

#include "web/names.hpp"

namespace chisme::web::tus {
namespace {

using Json = nlohmann::json;

constexpr std::size_t offset_digits = 20;

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::uint64_t end_of(Part const& part) {
  return part.offset.value() + part.file.size.value();
}

void note(Progress& progress, std::string_view kind, FileInfo file) {
  progress.newest = std::max(progress.newest, file.modified);
  if (kind == "done") progress.done = true;
  if (kind == "length") {
    if (auto const told = number_of(file)) progress.told_length = ByteCount{*told};
    progress.length_version = file.version;
  }
  constexpr std::string_view part = "part/";
  if (!kind.starts_with(part)) return;
  kind.remove_prefix(part.size());
  auto const offset = take_number(kind);
  if (!offset || !kind.starts_with('-')) return;
  progress.parts.push_back({ByteOffset{*offset}, std::string{kind.substr(1)}, std::move(file)});
}

std::string_view text_of(Concat concat) {
  return concat == Concat::partial ? "partial" : concat == Concat::final ? "final" : "";
}

}  // namespace

About about(Create const& create) {
  return {create.name,   create.type,     create.metadata, create.length,
          create.concat, create.partials, create.live,     create.ttl};
}

std::string to_json(About const& about) {
  Json json{{"name", about.name},
            {"type", about.type},
            {"metadata", about.metadata},
            {"concat", text_of(about.concat)},
            {"partials", about.partials}};
  if (about.length) json["length"] = about.length->value();
  if (about.live) json["live"] = true;
  if (about.ttl) json["ttl"] = about.ttl->count();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<About> parse_about(std::string_view text) {
  Json const json = Json::parse(text, nullptr, false);
  auto const string = [&](char const* key) {
    auto const found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  if (!json.is_object()) return std::nullopt;
  About about{string("name"), string("type"), string("metadata"), {}, Concat::none, {}, false};
  std::string const concat = string("concat");
  if (concat == "partial") about.concat = Concat::partial;
  if (concat == "final") about.concat = Concat::final;
  about.live = json.value("live", Json()) == true;
  auto const ttl = json.find("ttl");
  if (ttl != json.end()) {
    if (!ttl->is_number_unsigned()) return std::nullopt;
    about.ttl = TimeToLive{ttl->get<std::uint64_t>()};
    if (*about.ttl < ttl_min || *about.ttl > ttl_max) return std::nullopt;
  }
  auto const length = json.find("length");
  if (length != json.end()) {
    if (!length->is_number_unsigned()) return std::nullopt;
    about.length = ByteCount{length->get<std::uint64_t>()};
  }
  auto const partials = json.find("partials");
  if (partials == json.end() || !partials->is_array()) return std::nullopt;
  for (Json const& id : *partials) {
    if (!id.is_string() || !is_upload_id(id.get_ref<std::string const&>())) return std::nullopt;
    about.partials.push_back(id.get<std::string>());
  }
  return about;
}

std::string uploads_prefix() {
  return std::string{internal_prefix} + "uploads/";
}
std::string files_prefix(std::string_view id) {
  return uploads_prefix() + std::string{id} + "/";
}
std::string parts_prefix(std::string_view id) {
  return files_prefix(id) + "part/";
}
std::string about_name(std::string_view id) {
  return files_prefix(id) + "about";
}
std::string length_name(std::string_view id) {
  return files_prefix(id) + "length";
}
std::string writer_name(std::string_view id) {
  return files_prefix(id) + "writer";
}
std::string part_name(std::string_view id, ByteOffset offset, std::string_view writer) {
  std::string digits = std::to_string(offset.value());
  digits.insert(0, offset_digits - digits.size(), '0');
  return parts_prefix(id) + digits + "-" + std::string{writer};
}
std::string done_name(std::string_view id) {
  return files_prefix(id) + "done";
}

std::string live_prefix(std::string_view name) {
  return std::string{internal_prefix} + "live/" + std::string{name};
}
std::string live_name(std::string_view name, std::string_view id) {
  return live_prefix(name) + "/" + std::string{id};
}

std::string to_text(Done const& done) {
  return to_hex(done.digest) + " " + std::to_string(done.size.value());
}

std::optional<Done> parse_done(std::string_view text) {
  std::size_t const space = std::min(text.find(' '), text.size());
  auto const digest = parse_digest(text.substr(0, space));
  text.remove_prefix(std::min(space + 1, text.size()));
  auto const size = take_number(text);
  if (!digest || !size || !text.empty()) return std::nullopt;
  return Done{*digest, ByteCount{*size}};
}

std::string number_type(std::uint64_t number) {
  return std::to_string(number);
}
std::optional<std::uint64_t> number_of(FileInfo const& file) {
  std::string_view text = file.type;
  auto const number = take_number(text);
  return text.empty() ? number : std::nullopt;
}

Progress progress_of(std::string_view id, std::vector<FileInfo> files) {
  Progress progress;
  std::string const prefix = files_prefix(id);
  for (FileInfo& file : files) {
    if (!file.name.starts_with(prefix)) continue;
    std::string const kind = file.name.substr(prefix.size());
    note(progress, kind, std::move(file));
  }
  std::ranges::sort(progress.parts, {}, [](Part const& part) {
    return std::pair{part.offset.value(), std::string_view{part.writer}};
  });
  return progress;
}

// Of the parts that have a byte, the latest writer's; so each begins or ends a piece. Of one
// writer's, which do not overlap unless somebody lies, that which begins first: all nodes must take
// the same.
std::vector<Piece> pieces(std::vector<Part> const& parts, ByteOffset from) {
  auto const later = [](Part const* a, Part const* b) {
    return std::tie(a->writer, b->offset, a->file.name) <
           std::tie(b->writer, a->offset, b->file.name);
  };
  std::priority_queue<Part const*, std::vector<Part const*>, decltype(later)> open(later);
  std::vector<Piece> chain;
  std::uint64_t at = from.value();
  Part const* last = nullptr;
  for (auto next = parts.begin();;) {
    for (; next != parts.end() && next->offset.value() <= at; ++next) open.push(&*next);
    while (!open.empty() && end_of(*open.top()) <= at) open.pop();
    if (open.empty()) return chain;
    Part const* const best = open.top();
    std::uint64_t end = end_of(*best);
    if (next != parts.end()) end = std::min(end, next->offset.value());
    if (best == last) {
      chain.back().size += ByteCount{end - at};
    } else {
      chain.push_back({best->file, ByteOffset{at - best->offset.value()}, ByteCount{end - at}});
    }
    last = best;
    at = end;
  }
}

std::optional<Piece> piece_at(std::vector<Part> const& parts, ByteOffset at) {
  auto const chain = pieces(parts, at);
  return chain.empty() ? std::nullopt : std::optional{chain.front()};
}

std::string file_version(std::string const& about_version, Progress const& progress) {
  std::string newest = std::max(about_version, progress.length_version);
  for (Piece const& piece : pieces(progress.parts)) newest = std::max(newest, piece.file.version);
  return newest;
}

ByteCount covered(std::vector<Part> const& parts) {
  ByteCount sum;
  for (Piece const& piece : pieces(parts)) sum += piece.size;
  return sum;
}

}  // namespace chisme::web::tus
