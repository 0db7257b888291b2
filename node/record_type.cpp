#include "node/record_type.hpp"

#include "cluster/base/expiry.hpp"

namespace chisme::node {

std::optional<WallTime> expiry_of(web::UploadRequest const& request, WallTime now) {
  if (!request.ttl) return request.expires;
  auto const version = request.version ? parse_version(*request.version) : std::nullopt;
  if (!version) return now + *request.ttl;
  return WallTime{std::chrono::milliseconds{version->time >> 16}} + *request.ttl;
}

Result<std::string> record_type(web::UploadRequest const& request, WallTime now) {
  auto type = with_expiry(request.type, expiry_of(request, now));
  if (!type) {
    return fail(Fault::invalid,
                "there is no room for the time at which the file expires beside its media type " +
                    request.type + ": give it a shorter one");
  }
  return std::move(*type);
}

}  // namespace chisme::node
