#pragma once

#include <optional>
#include <string_view>

#include "web/plan.hpp"
#include "web/tus/upload.hpp"

// What tus answers. Pure.
namespace chisme::web::tus {

[[nodiscard]] Reply with_protocol(Reply reply);
// The answer to OPTIONS.
[[nodiscard]] Reply described(ByteCount max_file_size);
[[nodiscard]] bool has_patch_type(Request const& request);
[[nodiscard]] Reply wrong_type();

// The state of an upload, as the answers tell it.
struct Told {
  std::string id;
  About about;
  std::optional<ByteCount> length;
  std::optional<ByteCount> offset;  // nullopt: a concatenation that is not done yet
  WallTime expires{};
};
[[nodiscard]] Reply created(Told const& told);
[[nodiscard]] Reply asked(Told const& told);
[[nodiscard]] Reply patched(Told const& told);
[[nodiscard]] Reply terminated();
// A concatenation takes no bytes of its own.
[[nodiscard]] Reply is_final();
// An error; `digest_mismatch` is the checksum extension's 460, `precondition_failed` a 409 (the
// offset is another one).
[[nodiscard]] Reply failed(Error const& error);

}  // namespace chisme::web::tus
