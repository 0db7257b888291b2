#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "web/call.hpp"
#include "web/s3/address.hpp"
#include "web/s3/request.hpp"

// The routes' handlers of S3, and what they share.
namespace chisme::web::s3 {

[[nodiscard]] Plan get(Call const& call);  // and HEAD
[[nodiscard]] Plan put(Call const& call);
[[nodiscard]] Plan post(Call const& call);
[[nodiscard]] Plan remove(Call const& call);

// objects.cpp
[[nodiscard]] Plan get_object(Call const& call, Place const& place);
// listing.cpp
[[nodiscard]] Plan list_buckets(Call const& call);
[[nodiscard]] Plan list_objects(Call const& call, std::string const& bucket);

// What to do when a bucket is not known here: nothing, ask the others, or say so. A bucket is there
// when it was made, or when it has an object.
[[nodiscard]] std::optional<Plan> unless_bucket(Call const& call, std::string const& bucket);
[[nodiscard]] bool knows_bucket(Gateway& gateway, std::string_view bucket);

// If-None-Match: * and If-Match, with the ETags that S3's clients know, of the object as it is now
// (nullptr: there is none): what they come to, or 412; best effort, as all such conditions here.
using ConditionOrReply = tl::expected<Condition, Reply>;
[[nodiscard]] ConditionOrReply condition_on(WriteConditions const& asked, FileInfo const* now);

// payload.cpp
// A header's value, trimmed; empty: there is none.
[[nodiscard]] std::string_view header_of(Call const& call, std::string_view name);
[[nodiscard]] Reply invalid(std::string const& sentence);  // 400 InvalidArgument
// Decimal digits and nothing else.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);
// What is announced of the body, or the answer to what cannot be.
using PayloadOrReply = tl::expected<Payload, Reply>;
[[nodiscard]] PayloadOrReply payload_of(Call const& call);

// 501 when the request has other parameters than these: S3's features are asked for that way.
[[nodiscard]] std::optional<Reply> refuse_others(Call const& call,
                                                 std::initializer_list<std::string_view> known);
// A parameter's number, within bounds; `otherwise` when there is none, nullopt when it is none.
[[nodiscard]] std::optional<unsigned> number_parameter(Call const& call, std::string_view name,
                                                       unsigned otherwise, unsigned most);

}  // namespace chisme::web::s3
