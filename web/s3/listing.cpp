#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "web/base64.hpp"
#include "web/json.hpp"
#include "web/names.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/replies.hpp"

// Lists of buckets and of objects, as this node knows of them.
namespace chisme::web::s3 {
namespace {

constexpr unsigned keys_max = 1000;
constexpr std::size_t page_of_files = 250;
constexpr std::size_t buckets_max = 1000;
// Files without a folder are in no bucket, and passed over, as are folders that are none; so many
// names at most, a folder for one.
constexpr std::size_t names_passed_max = 20'000;
// Behind every name that begins with what is before it: no UTF-8 has this byte.
constexpr char behind_all = '\xff';

struct Asked {
  std::string bucket;
  bool v2 = false;
  std::string prefix;
  std::string delimiter;
  unsigned most = keys_max;
  bool encoded = false;  // encoding-type=url
  std::string after;     // in the bucket; may end with `behind_all`
};

struct Found {
  std::vector<FileInfo> files;
  std::vector<std::string> prefixes;
  std::optional<std::string> next;  // `after` of what follows
  std::string last;                 // the last key or common prefix
};

std::string_view key_of(Asked const& asked, FileInfo const& file) {
  return std::string_view{file.name}.substr(asked.bucket.size() + 1);
}

// The common prefix that stands for `key`; empty when it stands for itself.
std::string_view common_prefix(Asked const& asked, std::string_view key) {
  if (asked.delimiter.empty()) return {};
  std::size_t const at = key.find(asked.delimiter, asked.prefix.size());
  return at == std::string_view::npos ? std::string_view{}
                                      : key.substr(0, at + asked.delimiter.size());
}

// Takes one more name; false when it is one too many.
bool take_entry(Asked const& asked, FileInfo& file, Found& found, std::string& after) {
  if (found.files.size() + found.prefixes.size() == asked.most) {
    found.next = after;
    return false;
  }
  std::string_view const key = key_of(asked, file);
  std::string_view const common = common_prefix(asked, key);
  found.last = common.empty() ? key : common;
  after = found.last;
  if (common.empty()) {
    found.files.push_back(std::move(file));
  } else {
    found.prefixes.emplace_back(common);
    after += behind_all;
  }
  return true;
}

Found look(Gateway& gateway, Asked const& asked) {
  Found found;
  std::string const bucket = asked.bucket + "/";
  std::string after = asked.after;
  for (bool more = asked.most > 0; more;) {
    Listing page = gateway.list(bucket + asked.prefix, bucket + after, page_of_files);
    more = page.next.has_value();
    for (FileInfo& file : page.files) {
      if (file.name <= bucket + after) continue;  // of the prefix that was taken
      if (!take_entry(asked, file, found, after)) return found;
    }
  }
  return found;
}

std::string shown(Asked const& asked, std::string_view text) {
  return asked.encoded ? percent_encoded(text) : std::string{text};
}

std::string token_of(std::string_view after) {
  return base64_encoded(
      std::span{reinterpret_cast<std::uint8_t const*>(after.data()), after.size()});
}

void add_paging(XmlWriter& xml, Call const& call, Asked const& asked, Found const& found) {
  if (asked.v2) {
    if (auto const token = call.target.parameter("continuation-token")) {
      xml.leaf("ContinuationToken", *token);
    }
    if (auto const start = call.target.parameter("start-after")) {
      xml.leaf("StartAfter", shown(asked, *start));
    }
    if (found.next) xml.leaf("NextContinuationToken", token_of(*found.next));
    xml.leaf("KeyCount", std::uint64_t{found.files.size() + found.prefixes.size()});
  } else {
    xml.leaf("Marker", shown(asked, call.target.parameter("marker").value_or("")));
    if (found.next) xml.leaf("NextMarker", shown(asked, found.last));
  }
}

Reply objects_reply(Call const& call, Asked const& asked, Found const& found) {
  XmlWriter xml("ListBucketResult");
  xml.leaf("Name", asked.bucket).leaf("Prefix", shown(asked, asked.prefix));
  add_paging(xml, call, asked, found);
  xml.leaf("MaxKeys", std::uint64_t{asked.most});
  if (!asked.delimiter.empty()) xml.leaf("Delimiter", shown(asked, asked.delimiter));
  if (asked.encoded) xml.leaf("EncodingType", "url");
  xml.leaf("IsTruncated", found.next.has_value());
  for (FileInfo const& file : found.files) {
    xml.open("Contents").leaf("Key", shown(asked, key_of(asked, file)));
    xml.leaf("LastModified", rfc3339(file.modified)).leaf("ETag", '"' + etag_of(file) + '"');
    xml.leaf("Size", file.size.value()).leaf("StorageClass", "STANDARD").close();
  }
  for (std::string const& prefix : found.prefixes) {
    xml.open("CommonPrefixes").leaf("Prefix", shown(asked, prefix)).close();
  }
  return xml_reply(200, xml.take());
}

// Where the list begins: an error's sentence when that is no place.
Result<std::string> beginning(Call const& call, Asked const& asked) {
  if (asked.v2) {
    if (auto const token = call.target.parameter("continuation-token")) {
      auto const after = base64_decoded(*token);
      if (!after) return fail(Fault::invalid, "the continuation token is none of this cluster");
      return *after;
    }
    return std::string{call.target.parameter("start-after").value_or("")};
  }
  std::string const marker{call.target.parameter("marker").value_or("")};
  // A marker that is a common prefix was told with all that it stands for.
  bool const is_common = marker.size() > asked.prefix.size() && marker.starts_with(asked.prefix) &&
                         common_prefix(asked, marker) == marker;
  return is_common ? marker + behind_all : marker;
}

Result<Asked> asked_list(Call const& call, std::string const& bucket) {
  Asked asked;
  asked.bucket = bucket;
  auto const type = call.target.parameter("list-type");
  if (type && *type != "2") return fail(Fault::invalid, "list-type must be 2, or be left out");
  asked.v2 = type.has_value();
  auto prefix = normalised_prefix(call.target.parameter("prefix").value_or(""));
  if (!prefix) return tl::unexpected(prefix.error());
  asked.prefix = std::move(*prefix);
  asked.delimiter = call.target.parameter("delimiter").value_or("");
  auto const encoding = call.target.parameter("encoding-type");
  if (encoding && *encoding != "url") return fail(Fault::invalid, "encoding-type must be url");
  asked.encoded = encoding.has_value();
  auto const most = number_parameter(call, "max-keys", keys_max, ~0u);
  if (!most) return fail(Fault::invalid, "max-keys must be a number");
  asked.most = std::min(*most, keys_max);
  auto after = beginning(call, asked);
  if (!after) return tl::unexpected(after.error());
  asked.after = std::move(*after);
  return asked;
}

}  // namespace

Plan list_objects(Call const& call, std::string const& bucket) {
  if (auto elsewhere = unless_bucket(call, bucket)) return std::move(*elsewhere);
  auto const asked = asked_list(call, bucket);
  if (!asked) return error(400, "InvalidArgument", asked.error().message + ".");
  return objects_reply(call, *asked, look(call.gateway, *asked));
}

Plan list_buckets(Call const& call) {
  std::map<std::string, WallTime> buckets;
  std::string const root = buckets_prefix();
  for (FileInfo const& made : call.gateway.list(root, "", buckets_max).files) {
    buckets.emplace(made.name.substr(root.size()), made.modified);
  }
  std::string after{behind_internal};
  std::size_t passed = 0;
  std::size_t page_size = page_of_files;
  for (bool more = true; more && passed < names_passed_max && buckets.size() < buckets_max;) {
    Listing const page = call.gateway.list("", after, page_size);
    more = page.next.has_value();
    std::size_t const passed_before = passed;
    for (FileInfo const& file : page.files) {
      if (file.name <= after) continue;  // of the folder before
      ++passed;
      std::size_t const slash = file.name.find('/');
      after = file.name.substr(0, slash);
      if (slash == std::string::npos) continue;
      if (is_bucket_name(after)) buckets.emplace(after, file.modified);
      after += std::string{"/"} + behind_all;
      more = true;
    }
    // Few are asked for where most are of one folder.
    page_size = std::clamp<std::size_t>(2 * (passed - passed_before), 1, page_of_files);
  }
  XmlWriter xml("ListAllMyBucketsResult");
  xml.open("Owner").leaf("ID", "chisme").leaf("DisplayName", "chisme").close().open("Buckets");
  for (auto const& [bucket, made] : buckets) {
    xml.open("Bucket").leaf("Name", bucket).leaf("CreationDate", rfc3339(made)).close();
  }
  return xml_reply(200, xml.take());
}

}  // namespace chisme::web::s3
