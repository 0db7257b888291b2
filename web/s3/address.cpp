#include "web/s3/address.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "web/names.hpp"
#include "web/tus/upload.hpp"

namespace chisme::web::s3 {
namespace {

constexpr std::string_view mount_point = "/s3";
constexpr std::size_t bucket_bytes_max = 63;
constexpr std::size_t number_digits = 5;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_asked(Request const& request, Target const& target) {
  if (target.path == mount_point || target.path.starts_with("/s3/")) return true;
  if (request.header("authorization").value_or("").starts_with("AWS4-HMAC-SHA256")) return true;
  return target.parameter("X-Amz-Algorithm").has_value();
}

std::optional<Address> address_of(std::string_view path) {
  if (path == mount_point || path.starts_with("/s3/")) path.remove_prefix(mount_point.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  auto const decoded = percent_decoded(path);
  if (!decoded) return std::nullopt;
  std::size_t const slash = std::min(decoded->find('/'), decoded->size());
  return Address{decoded->substr(0, slash), decoded->substr(std::min(slash + 1, decoded->size()))};
}

bool is_bucket_name(std::string_view text) {
  bool const fits = !text.empty() && text.size() <= bucket_bytes_max && text != "s3";
  return fits && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::ranges::all_of(
             text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

Result<Place> place_of(Address const& address) {
  if (!is_bucket_name(address.bucket)) {
    return fail(Fault::invalid, "this is no name of a bucket");
  }
  auto name = checked_name(address.bucket + "/" + address.key);
  if (!name && address.bucket.size() + 1 + address.key.size() > name_bytes_max) {
    return fail(Fault::too_large, "a bucket's name and a key have 1023 bytes together at most");
  }
  if (!name) return tl::unexpected(name.error());
  Place place{address.bucket, address.key, std::move(*name)};
  place.key = place.name.substr(address.bucket.size() + 1);
  return place;
}

std::string buckets_prefix() {
  return std::string{internal_prefix} + "buckets/";
}
std::string bucket_name(std::string_view bucket) {
  return buckets_prefix() + std::string{bucket};
}

std::string upload_name(std::string_view id) {
  return tus::files_prefix(id) + "s3";
}
std::string parts_prefix(std::string_view id) {
  return tus::files_prefix(id) + "s3part/";
}
std::string part_name(std::string_view id, unsigned number) {
  std::string digits = std::to_string(number);
  digits.insert(0, number_digits - std::min(number_digits, digits.size()), '0');
  return parts_prefix(id) + digits;
}
std::string turn_name(std::string_view id) {
  return tus::files_prefix(id) + "s3turn";
}
std::string completed_name(std::string_view id) {
  return tus::files_prefix(id) + "s3done";
}

std::optional<unsigned> part_number(std::string_view name) {
  std::string_view const digits = name.substr(name.rfind('/') + 1);
  unsigned number = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool const is_number = error == std::errc{} && end == digits.data() + digits.size();
  return is_number ? std::optional{number} : std::nullopt;
}

std::string to_json(UploadAbout const& about) {
  nlohmann::json metadata = nlohmann::json::array();
  for (auto const& [name, value] : about.attributes.metadata) metadata.push_back({name, value});
  nlohmann::json const json{
      {"bucket", about.bucket}, {"key", about.key}, {"type", about.type}, {"metadata", metadata}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<UploadAbout> parse_upload(std::string_view text) {
  auto const json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  auto const string = [&](char const* key) {
    auto const found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  UploadAbout about{string("bucket"), string("key"), string("type"), {}};
  auto const metadata = json.find("metadata");
  if (metadata == json.end() || !metadata->is_array()) return std::nullopt;
  for (auto const& pair : *metadata) {
    bool const fits =
        pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
    if (!fits) return std::nullopt;
    about.attributes.metadata.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  if (about.bucket.empty() || about.key.empty() || about.type.empty()) return std::nullopt;
  return about;
}

}  // namespace chisme::web::s3
