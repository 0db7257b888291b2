#include "web/tus/request.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "web/base64.hpp"
#include "web/http/characters.hpp"
#include "web/names.hpp"
#include "web/uploads.hpp"

namespace chisme::web::tus {
namespace {

Error invalid(std::string sentence) {
  return {Fault::invalid, std::move(sentence)};
}

// Digits only; at most what a file offset can be.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
  if (!whole || number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return number;
}

Result<std::optional<ByteCount>> parse_length(Request const& request) {
  auto const text = request.header("upload-length");
  if (!text) return std::optional<ByteCount>{};
  auto const number = parse_number(*text);
  if (!number) return tl::unexpected(invalid("Upload-Length is not a number of bytes"));
  return std::optional{ByteCount{*number}};
}

std::optional<std::size_t> digest_size(std::string_view algorithm) {
  if (algorithm == "sha256") return 32;
  if (algorithm == "sha1") return 20;
  if (algorithm == "md5") return 16;
  return std::nullopt;
}

Result<std::optional<Checksum>> parse_checksum(Request const& request) {
  auto const text = request.header("upload-checksum");
  if (!text) return std::optional<Checksum>{};
  std::size_t const space = std::min(text->find(' '), text->size());
  std::string const algorithm{text->substr(0, space)};
  auto const size = digest_size(algorithm);
  auto digest = base64_decoded(trimmed(text->substr(space)));
  if (!size) {
    return tl::unexpected(
        invalid("Upload-Checksum takes " + std::string{checksum_algorithms} + " only"));
  }
  if (!digest || digest->size() != *size) {
    return tl::unexpected(invalid("Upload-Checksum is not the algorithm and a base64 digest"));
  }
  return std::optional{Checksum{algorithm, std::move(*digest)}};
}

// "key base64,key base64,key"
bool is_metadata(std::string_view metadata) {
  if (metadata.size() > metadata_bytes_max) return false;
  return std::ranges::all_of(list_elements(metadata), [](std::string_view pair) {
    std::size_t const space = std::min(pair.find(' '), pair.size());
    return space > 0 && base64_decoded(trimmed(pair.substr(space))).has_value();
  });
}

// The id at the end of an upload's URL, absolute or not.
std::optional<std::string> id_of_url(std::string_view url) {
  std::string_view const id = url.substr(url.rfind('/') + 1);
  if (!url.ends_with("/uploads/" + std::string{id}) || !is_upload_id(id)) return std::nullopt;
  return std::string{id};
}

Result<void> parse_concat(Request const& request, Create& create) {
  auto const field = request.header("upload-concat");
  if (!field) return {};
  std::string_view const text = trimmed(*field);
  if (text == "partial") {
    create.concat = Concat::partial;
    return {};
  }
  constexpr std::string_view prefix = "final;";
  if (!text.starts_with(prefix)) {
    return tl::unexpected(invalid("Upload-Concat is `partial`, or `final;` and addresses"));
  }
  create.concat = Concat::final;
  std::string_view rest = trimmed(text.substr(prefix.size()));
  while (!rest.empty()) {
    std::size_t const end = std::min(rest.find(' '), rest.size());
    auto id = id_of_url(rest.substr(0, end));
    if (!id) return tl::unexpected(invalid("Upload-Concat has an address that is no upload's"));
    create.partials.push_back(std::move(*id));
    rest = trimmed(rest.substr(end));
  }
  if (create.partials.empty() || create.partials.size() > concatenated_max) {
    return tl::unexpected(
        invalid("Upload-Concat takes from 1 to " + std::to_string(concatenated_max) + " uploads"));
  }
  return {};
}

// tus-js-client and Uppy say filename, filetype and name, type.
std::string first_value(std::string_view metadata, std::initializer_list<std::string_view> keys) {
  for (std::string_view const key : keys) {
    auto value = metadata_value(metadata, key);
    if (value && !value->empty()) return std::move(*value);
  }
  return {};
}

Result<void> name_file(Create& create) {
  if (create.concat == Concat::partial) return {};
  std::string const told = first_value(create.metadata, {"filename", "name"});
  if (told.empty()) {
    return tl::unexpected(
        invalid("Upload-Metadata has no filename: say which name the file is to have"));
  }
  auto name = checked_name(told);
  if (!name) return tl::unexpected(name.error());
  create.name = std::move(*name);
  create.type = upload_type(first_value(create.metadata, {"filetype", "type"}), create.name);
  auto const ttl = parse_ttl(metadata_value(create.metadata, "ttl"));
  if (!ttl) return tl::unexpected(ttl.error());
  create.ttl = *ttl;
  create.live = create.concat == Concat::none && metadata_value(create.metadata, "live") == "1";
  return {};
}

}  // namespace

bool is_upload_id(std::string_view text) {
  return text.size() == 32 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<std::string> metadata_value(std::string_view metadata, std::string_view key) {
  for (std::string_view const pair : list_elements(metadata)) {
    std::size_t const space = std::min(pair.find(' '), pair.size());
    if (pair.substr(0, space) == key) return base64_decoded(trimmed(pair.substr(space)));
  }
  return std::nullopt;
}

Result<Create> parse_create(Request const& request) {
  Create create;
  auto const length = parse_length(request);
  if (!length) return tl::unexpected(length.error());
  create.length = *length;
  create.metadata = request.header("upload-metadata").value_or("");
  if (!is_metadata(create.metadata)) {
    return tl::unexpected(invalid("Upload-Metadata is not pairs of a key and base64, at most " +
                                  std::to_string(metadata_bytes_max) + " bytes"));
  }
  if (auto concat = parse_concat(request, create); !concat) return tl::unexpected(concat.error());
  if (auto named = name_file(create); !named) return tl::unexpected(named.error());
  auto checksum = parse_checksum(request);
  if (!checksum) return tl::unexpected(checksum.error());
  create.checksum = std::move(*checksum);
  create.has_body = request.has_body();
  auto const deferred = request.header("upload-defer-length");
  if (deferred && *deferred != "1") return tl::unexpected(invalid("Upload-Defer-Length is 1"));
  bool const is_final = create.concat == Concat::final;
  if (is_final && (create.length || deferred || create.has_body)) {
    return tl::unexpected(invalid("a concatenation has no length and no bytes of its own"));
  }
  if (!is_final && create.length.has_value() == deferred.has_value()) {
    return tl::unexpected(invalid("send either Upload-Length or Upload-Defer-Length: 1"));
  }
  return create;
}

Result<Patch> parse_patch(Request const& request, std::string_view id) {
  Patch patch;
  patch.id = id;
  auto const offset = parse_number(request.header("upload-offset").value_or(""));
  if (!offset) return tl::unexpected(invalid("Upload-Offset is not a number of bytes"));
  patch.offset = ByteOffset{*offset};
  auto const length = parse_length(request);
  if (!length) return tl::unexpected(length.error());
  patch.length = *length;
  patch.body_size = request.content_length;
  if (!patch.body_size && !request.chunked) patch.body_size = ByteCount{0};
  auto checksum = parse_checksum(request);
  if (!checksum) return tl::unexpected(checksum.error());
  patch.checksum = std::move(*checksum);
  return patch;
}

Ask parse_ask(Request const& request, std::string_view id) {
  auto const shown = parse_number(request.header("upload-offset").value_or(""));
  return {std::string{id}, shown ? std::optional{ByteOffset{*shown}} : std::nullopt};
}

}  // namespace chisme::web::tus
