#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cluster/base/time.hpp"
#include "web/gateway.hpp"

// Removed files that are kept for a while. A file goes into the trash by getting a second name
// there (base/expiry.hpp), under which it expires like others that do; then it loses its own. No
// byte is moved, and any node can give it its name back. What dies in between leaves the file with
// both names.
//
// On the gateway's thread; the gateway outlives what is under way.
namespace chisme::node {

struct TrashTerms {
  std::chrono::milliseconds kept{};  // 0: there is no trash
  WallTime now{};
  std::uint32_t number = 0;  // at random: it tells apart what is removed in one millisecond
};
// The very version that goes into the trash is what is removed: if another is stored meanwhile, it
// begins anew. Files that are the program's own, and those of which no copy is left, are removed
// for good. Faults: those of `Gateway::remove`; then nothing is in the trash, but for
// unknown_outcome.
void remove_to_trash(web::Gateway& gateway, TrashTerms terms, std::string name,
                     web::Condition condition, web::Done<web::RemovedFile> done);

// Gives `file`, which is in the trash, the name of `request` back, and takes it out of the trash.
// Fault: precondition_failed, when there is a file of that name, unless the request says that this
// is no obstacle, or it has these very bytes (an answer may have been lost).
void restore_from_trash(web::Gateway& gateway, web::FileInfo file, web::UploadRequest request,
                        web::Done<web::StoredFile> done);

}  // namespace chisme::node
