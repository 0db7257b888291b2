#include <algorithm>
#include <utility>

#include "cluster/base/expiry.hpp"
#include "web/http/characters.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/replies.hpp"
#include "web/s3/signature.hpp"
#include "web/tus/request.hpp"
#include "web/uploads.hpp"

// What a request of S3's means.
namespace chisme::web::s3 {
namespace {

constexpr std::string_view metadata_prefix = "x-amz-meta-";
// The longest ETags that an object may come to have, in one piece and in parts.
constexpr std::string_view md5_etag = "00000000000000000000000000000000";
constexpr std::string_view parts_etag = "00000000000000000000000000000000-10000";

Reply no_place(Error const& why) {
  if (why.fault == Fault::too_large) {
    return error(400, "KeyTooLongError", "Your key is too long: " + why.message + ".");
  }
  return invalid("The object cannot be stored under this key: " + why.message + ".");
}

using PlaceOrReply = tl::expected<Place, Reply>;
PlaceOrReply place_asked(Call const& call) {
  auto const address = address_of(call.target.path);
  if (!address) return tl::unexpected(invalid("The address has a broken percent escape."));
  auto place = place_of(*address);
  if (!place) return tl::unexpected(no_place(place.error()));
  return std::move(*place);
}

// What objects may be given in S3 and have no place here.
std::optional<Reply> refuse_features(Call const& call) {
  for (Header const& header : call.request.headers) {
    std::string name = header.name;
    std::ranges::transform(name, name.begin(), to_lower);
    if (name.starts_with("x-amz-server-side-encryption")) return not_implemented("encryption");
    if (name.starts_with("x-amz-grant-")) return not_implemented("access control lists");
    if (name.starts_with("x-amz-object-lock-")) return not_implemented("object lock");
    if (name == "x-amz-tagging") return not_implemented("tags");
    if (name == "x-amz-website-redirect-location") return not_implemented("websites");
  }
  std::string_view const acl = header_of(call, "x-amz-acl");
  if (!acl.empty() && acl != "private" && acl != "bucket-owner-full-control") {
    return not_implemented("access control lists");
  }
  std::string_view const storage = header_of(call, "x-amz-storage-class");
  if (!storage.empty() && storage != "STANDARD") return not_implemented("storage classes");
  return std::nullopt;
}

// s3cmd keeps what it knows of a local file, which is long and nothing that it needs: it is left
// out when there is no room.
Attributes metadata_of(Request const& request, std::string_view type, std::string_view etag) {
  Attributes all{std::string{etag}, {}};
  for (Header const& header : request.headers) {
    std::string name = header.name;
    std::ranges::transform(name, name.begin(), to_lower);
    if (!name.starts_with(metadata_prefix)) continue;
    all.metadata.emplace_back(name.substr(metadata_prefix.size()), trimmed(header.value));
  }
  if (!kept_type(type, all)) {
    std::erase_if(all.metadata, [](auto const& pair) { return pair.first == "s3cmd-attrs"; });
  }
  return all;
}

struct Kept {
  std::string type;
  Attributes attributes;  // without an ETag
};
tl::expected<Kept, Reply> kept_of(Call const& call, Place const& place, std::string_view etag) {
  Kept kept{upload_type(header_of(call, "content-type"), place.name), {}};
  kept.attributes = metadata_of(call.request, kept.type, etag);
  bool const visible = std::ranges::all_of(kept.attributes.metadata, [](auto const& pair) {
    return std::ranges::all_of(pair.second, [](char c) { return c >= 0x20 && c < 0x7f; });
  });
  if (!visible) return tl::unexpected(invalid("Metadata must be visible ASCII characters."));
  bool const fits = kept_type(kept.type, kept.attributes).has_value();
  kept.attributes.etag.clear();
  if (fits) return kept;
  return tl::unexpected(error(400, "MetadataTooLarge",
                              "Media type and metadata have " + std::to_string(type_bytes_max) +
                                  " bytes together here, with the ETag. Send less of it."));
}

tl::expected<WriteConditions, Reply> conditions_asked(Call const& call) {
  WriteConditions asked{std::string{header_of(call, "if-none-match")},
                        std::string{header_of(call, "if-match")}};
  if (asked.none_match.empty() || asked.none_match == "*") return asked;
  return tl::unexpected(not_implemented("such a condition"));
}

ConditionOrReply condition_of(Call const& call, Place const& place) {
  auto const asked = conditions_asked(call);
  if (!asked) return tl::unexpected(asked.error());
  Lookup const known = call.gateway.lookup(place.name);
  return condition_on(*asked, known.status == LookupStatus::found ? &known.file : nullptr);
}

Plan put_object(Call const& call, Place place) {
  auto payload = payload_of(call);
  if (!payload) return std::move(payload.error());
  auto kept = kept_of(call, place, md5_etag);
  if (!kept) return std::move(kept.error());
  auto condition = condition_of(call, place);
  if (!condition) return std::move(condition.error());
  PutObject wanted{std::move(place), {}, std::move(kept->attributes), std::move(*payload)};
  wanted.upload.name = wanted.place.name;
  wanted.upload.type = std::move(kept->type);
  wanted.upload.size = wanted.payload.size;
  wanted.upload.expected = wanted.payload.sha256;
  wanted.upload.condition = std::move(*condition);
  return wanted;
}

Plan copy_object(Call const& call, Place place) {
  for (std::string_view const condition :
       {"x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match",
        "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"}) {
    if (call.request.header(condition)) return not_implemented("conditions on a copy's source");
  }
  std::string_view const source = header_of(call, "x-amz-copy-source");
  if (source.find('?') != std::string_view::npos) return not_implemented("versions");
  std::string const path = (source.starts_with('/') ? "" : "/") + std::string{source};
  auto const decoded = percent_decoded(path);
  if (!decoded) return invalid("x-amz-copy-source has a broken percent escape.");
  std::string_view const whole = std::string_view{*decoded}.substr(1);
  std::size_t const slash = std::min(whole.find('/'), whole.size());
  auto const from = place_of({std::string{whole.substr(0, slash)},
                              std::string{whole.substr(std::min(slash + 1, whole.size()))}});
  if (!from) return no_place(from.error());
  auto kept = kept_of(call, place, md5_etag);
  if (!kept) return std::move(kept.error());
  CopyObject wanted{std::move(place), from->name, {}, std::move(kept->attributes), false};
  wanted.replaces = header_of(call, "x-amz-metadata-directive") == "REPLACE";
  if (!wanted.replaces && wanted.source == wanted.place.name) {
    return error(400, "InvalidRequest",
                 "This copy request is illegal because it is trying to copy an object to itself "
                 "without changing the object's metadata.");
  }
  auto condition = condition_of(call, wanted.place);
  if (!condition) return std::move(condition.error());
  wanted.upload.name = wanted.place.name;
  wanted.upload.type = std::move(kept->type);
  wanted.upload.condition = std::move(*condition);
  return wanted;
}

Plan delete_object(Call const& call, Place place) {
  for (std::string_view const condition :
       {"if-none-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"}) {
    if (call.request.header(condition)) return not_implemented("such a condition");
  }
  auto condition = condition_of(call, place);
  if (!condition) return std::move(condition.error());
  return DeleteObject{std::move(place), std::move(*condition)};
}

// Uploads' ids are asked for by name, so nothing else may be one.
tl::expected<std::string, Reply> upload_asked(Call const& call) {
  std::string const id{call.target.parameter("uploadId").value_or("")};
  if (!tus::is_upload_id(id)) return tl::unexpected(no_such_upload());
  return id;
}

Plan put_part(Call const& call, Place place) {
  auto id = upload_asked(call);
  if (!id) return std::move(id.error());
  auto const number = number_parameter(call, "partNumber", 0, part_number_max);
  if (!number || *number == 0) return invalid("Part number must be 1 to 10000.");
  if (call.request.header("x-amz-copy-source")) return not_implemented("UploadPartCopy");
  auto payload = payload_of(call);
  if (!payload) return std::move(payload.error());
  return PutPart{std::move(place), std::move(*id), *number, std::move(*payload)};
}

Plan get_bucket(Call const& call, std::string const& bucket) {
  if (call.target.parameter("location")) {
    if (auto refusal = refuse_others(call, {"location"})) return std::move(*refusal);
    if (auto elsewhere = unless_bucket(call, bucket)) return std::move(*elsewhere);
    return xml_reply(200, XmlWriter("LocationConstraint").take());
  }
  if (call.target.parameter("uploads")) {
    if (auto refusal = refuse_others(call, {"uploads", "prefix", "key-marker", "upload-id-marker",
                                            "max-uploads", "encoding-type"})) {
      return std::move(*refusal);
    }
    auto const most = number_parameter(call, "max-uploads", 1000, ~0u);
    if (!most) return invalid("max-uploads must be a number.");
    auto const text = [&](std::string_view name) {
      return std::string{call.target.parameter(name).value_or("")};
    };
    return ListUploads{bucket, text("prefix"), text("key-marker"), text("upload-id-marker"),
                       std::clamp(*most, 1u, 1000u)};
  }
  if (auto refusal =
          refuse_others(call, {"list-type", "prefix", "delimiter", "max-keys", "encoding-type",
                               "marker", "continuation-token", "start-after", "fetch-owner"})) {
    return std::move(*refusal);
  }
  return list_objects(call, bucket);
}

Plan get_of_place(Call const& call, Place const& place) {
  if (!call.target.parameter("uploadId")) {
    if (auto refusal = refuse_others(call, {})) return std::move(*refusal);
    return get_object(call, place);
  }
  if (auto refusal =
          refuse_others(call, {"uploadId", "part-number-marker", "max-parts", "encoding-type"})) {
    return std::move(*refusal);
  }
  auto id = upload_asked(call);
  if (!id) return std::move(id.error());
  auto const after = number_parameter(call, "part-number-marker", 0, ~0u);
  auto const most = number_parameter(call, "max-parts", 1000, ~0u);
  if (!after || !most) return invalid("part-number-marker and max-parts must be numbers.");
  return ListParts{place, std::move(*id), *after, std::clamp(*most, 1u, 1000u)};
}

}  // namespace

ConditionOrReply condition_on(WriteConditions const& asked, FileInfo const* now) {
  Condition condition;
  condition.must_be_absent = asked.none_match == "*";
  if (condition.must_be_absent && now != nullptr) return tl::unexpected(failed_condition());
  condition.must_exist = asked.match == "*";
  if (asked.match.empty() || condition.must_exist) return condition;
  std::string const etag = now == nullptr ? std::string{} : etag_of(*now);
  if (now == nullptr || (asked.match != etag && asked.match != '"' + etag + '"')) {
    return tl::unexpected(failed_condition());
  }
  condition.must_match = {now->digest};
  return condition;
}

bool knows_bucket(Gateway& gateway, std::string_view bucket) {
  if (gateway.lookup(bucket_name(bucket)).status == LookupStatus::found) return true;
  return !gateway.list(std::string{bucket} + "/", "", 1).files.empty();
}

std::optional<Plan> unless_bucket(Call const& call, std::string const& bucket) {
  if (!is_bucket_name(bucket)) {
    return error(400, "InvalidBucketName", "The specified bucket is not valid.");
  }
  if (call.found && !*call.found) return failed(call.found->error());
  if (call.found && (*call.found)->status == LookupStatus::found) return std::nullopt;
  if (knows_bucket(call.gateway, bucket)) return std::nullopt;
  if (!call.found) return AskOthers{bucket_name(bucket)};
  if ((*call.found)->status == LookupStatus::out_of_touch) {
    return error(503, "ServiceUnavailable",
                 "This node is out of touch with most others. Try again shortly.");
  }
  return no_such_bucket(bucket);
}

std::optional<Reply> refuse_others(Call const& call,
                                   std::initializer_list<std::string_view> known) {
  for (auto const& [name, value] : call.target.query) {
    // What a signature is made of, and the name of the operation, which some clients tell.
    if (name.starts_with("X-Amz-") || name == "x-id") continue;
    if (std::ranges::find(known, name) == known.end()) return not_implemented("?" + name);
  }
  return std::nullopt;
}

std::optional<unsigned> number_parameter(Call const& call, std::string_view name,
                                         unsigned otherwise, unsigned most) {
  auto const text = call.target.parameter(name);
  if (!text || text->empty()) return otherwise;
  auto const number = parse_count(*text);
  if (!number || *number > most) return std::nullopt;
  return static_cast<unsigned>(*number);
}

Plan get(Call const& call) {
  auto const address = address_of(call.target.path);
  if (!address) return invalid("The address has a broken percent escape.");
  if (address->bucket.empty()) {
    if (auto refusal = refuse_others(call, {})) return std::move(*refusal);
    return list_buckets(call);
  }
  if (!address->key.empty()) {
    auto const place = place_of(*address);
    // No object can have such a key; clients ask whether a folder is one.
    if (!place) return no_such_key(address->key);
    return get_of_place(call, *place);
  }
  if (call.request.method != Method::head) return get_bucket(call, address->bucket);
  if (auto refusal = refuse_others(call, {})) return std::move(*refusal);
  if (auto elsewhere = unless_bucket(call, address->bucket)) return std::move(*elsewhere);
  return done(200);
}

Plan put(Call const& call) {
  auto const address = address_of(call.target.path);
  if (!address) return invalid("The address has a broken percent escape.");
  if (auto refusal = refuse_features(call)) return std::move(*refusal);
  if (address->key.empty()) {
    if (auto refusal = refuse_others(call, {})) return std::move(*refusal);
    if (!is_bucket_name(address->bucket)) {
      return error(400, "InvalidBucketName",
                   "A bucket's name has 1 to 63 letters, digits, `.`, `-` and `_`, begins and ends "
                   "with a letter or a digit, and is not s3.");
    }
    return CreateBucket{address->bucket};
  }
  auto place = place_asked(call);
  if (!place) return std::move(place.error());
  if (call.target.parameter("uploadId") || call.target.parameter("partNumber")) {
    if (auto refusal = refuse_others(call, {"uploadId", "partNumber"})) return std::move(*refusal);
    return put_part(call, std::move(*place));
  }
  if (auto refusal = refuse_others(call, {})) return std::move(*refusal);
  if (call.request.header("x-amz-copy-source")) return copy_object(call, std::move(*place));
  return put_object(call, std::move(*place));
}

Plan post(Call const& call) {
  auto const address = address_of(call.target.path);
  if (!address) return invalid("The address has a broken percent escape.");
  if (address->key.empty()) {
    if (!call.target.parameter("delete")) return not_implemented("uploads by a form");
    if (auto refusal = refuse_others(call, {"delete"})) return std::move(*refusal);
    auto payload = payload_of(call);
    if (!payload) return std::move(payload.error());
    return DeleteObjects{address->bucket, std::move(*payload)};
  }
  auto place = place_asked(call);
  if (!place) return std::move(place.error());
  if (auto refusal = refuse_features(call)) return std::move(*refusal);
  if (call.target.parameter("uploads")) {
    if (auto refusal = refuse_others(call, {"uploads"})) return std::move(*refusal);
    auto kept = kept_of(call, *place, parts_etag);
    if (!kept) return std::move(kept.error());
    return CreateUpload{std::move(*place), std::move(kept->type), std::move(kept->attributes)};
  }
  if (auto refusal = refuse_others(call, {"uploadId"})) return std::move(*refusal);
  auto id = upload_asked(call);
  if (!id) return std::move(id.error());
  auto payload = payload_of(call);
  if (!payload) return std::move(payload.error());
  auto conditions = conditions_asked(call);
  if (!conditions) return std::move(conditions.error());
  return CompleteUpload{std::move(*place), std::move(*id), std::move(*payload),
                        std::move(*conditions)};
}

Plan remove(Call const& call) {
  auto const address = address_of(call.target.path);
  if (!address) return invalid("The address has a broken percent escape.");
  if (auto refusal = refuse_others(call, {"uploadId"})) return std::move(*refusal);
  if (address->key.empty()) {
    if (auto elsewhere = unless_bucket(call, address->bucket)) return std::move(*elsewhere);
    return DeleteBucket{address->bucket};
  }
  auto place = place_of(*address);
  // No object has such a key.
  if (!place) return call.request.header("if-match") ? failed_condition() : done(204);
  if (!call.target.parameter("uploadId")) return delete_object(call, std::move(*place));
  auto id = upload_asked(call);
  if (!id) return std::move(id.error());
  return AbortUpload{std::move(*place), std::move(*id)};
}

}  // namespace chisme::web::s3
