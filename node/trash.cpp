#include "node/trash.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cluster/base/expiry.hpp"
#include "web/names.hpp"
#include "web/s3/attributes.hpp"

namespace chisme::node {
namespace {

constexpr int attempts_max = 4;

// Whatever becomes of it: a name in the trash that stays is gone when its time is over.
void forget_place(web::Gateway& gateway, std::string place, std::function<void()> then = [] {}) {
  gateway.remove_for_good(std::move(place), {},
                          [then = std::move(then)](Result<web::RemovedFile> const&) { then(); });
}

// The file has its name back already: an answer to an earlier request was lost.
std::optional<web::StoredFile> restored_before(web::Gateway& gateway, std::string_view name,
                                               web::FileInfo const& file) {
  web::Lookup const known = gateway.lookup(name);
  bool const is_same = known.status == web::LookupStatus::found && known.file.digest == file.digest;
  if (!is_same) return std::nullopt;
  web::StoredFile stored;
  stored.name = known.file.name;
  stored.version = known.file.version;
  stored.size = known.file.size;
  stored.digest = known.file.digest;
  stored.wanted = known.file.wanted;
  stored.expires = known.file.expires;
  return stored;
}

class Removal : public std::enable_shared_from_this<Removal> {
 public:
  Removal(web::Gateway& gateway, TrashTerms terms, std::string name, web::Condition condition,
          web::Done<web::RemovedFile> done)
      : gateway_{gateway},
        terms_{terms},
        name_{std::move(name)},
        condition_{std::move(condition)},
        done_{std::move(done)} {}

  void begin(int attempt = 1) {
    web::Lookup const known = gateway_.lookup(name_);
    if (known.status != web::LookupStatus::found) {
      return gateway_.remove_for_good(name_, condition_, done_);
    }
    web::UploadRequest request;
    request.name = std::string{trash_prefix} +
                   to_trash_id({terms_.now, terms_.now + terms_.kept, terms_.number++, name_});
    request.type = web::s3::kept_type(known.file);
    request.expires = known.file.expires;
    gateway_.link(known.file, request,
                  [self = shared_from_this(), file = known.file, place = request.name,
                   attempt](Result<web::StoredFile> const& linked) {
                    if (!linked) return self->done_(tl::unexpected(told(linked.error())));
                    self->take_name(file, place, attempt);
                  });
  }

 private:
  // Nothing was removed yet, whatever became of the place in the trash.
  static Error told(Error error) {
    if (error.fault == Fault::unknown_outcome) error.fault = Fault::unavailable;
    error.message =
        "the file cannot be kept in the trash (`trash=no` removes it for good): " + error.message;
    return error;
  }

  void take_name(web::FileInfo const& file, std::string const& place, int attempt) {
    web::Condition condition = condition_;
    // If others were asked for as well, this is one of them, or it is not to be removed.
    bool const is_asked_for =
        condition.must_match.empty() || std::ranges::count(condition.must_match, file.digest) > 0;
    if (is_asked_for) condition.must_match = {file.digest};
    gateway_.remove_for_good(
        name_, condition,
        [self = shared_from_this(), file, place, attempt](Result<web::RemovedFile> const& removed) {
          self->removed(file, place, attempt, removed);
        });
  }

  void removed(web::FileInfo const& file, std::string const& place, int attempt,
               Result<web::RemovedFile> const& result) {
    if (result || result.error().fault == Fault::unknown_outcome) return done_(result);
    forget_place(gateway_, place);
    bool const is_other = result.error().fault == Fault::precondition_failed &&
                          gateway_.lookup(name_).file.version != file.version;
    if (is_other && attempt < attempts_max) return begin(attempt + 1);
    done_(result);
  }

  web::Gateway& gateway_;
  TrashTerms terms_;
  std::string name_;
  web::Condition condition_;
  web::Done<web::RemovedFile> done_;
};

}  // namespace

void remove_to_trash(web::Gateway& gateway, TrashTerms terms, std::string name,
                     web::Condition condition, web::Done<web::RemovedFile> done) {
  bool const is_kept = terms.kept > std::chrono::milliseconds{0} && !web::is_internal(name);
  if (!is_kept) {
    return gateway.remove_for_good(std::move(name), std::move(condition), std::move(done));
  }
  if (name.size() + trash_name_bytes > web::name_bytes_max) {
    return done(
        fail(Fault::invalid, "the name is too long for the trash, which takes names of at most " +
                                 std::to_string(web::name_bytes_max - trash_name_bytes) +
                                 " bytes; `trash=no` removes it for good"));
  }
  std::make_shared<Removal>(gateway, terms, std::move(name), std::move(condition), std::move(done))
      ->begin();
}

void restore_from_trash(web::Gateway& gateway, web::FileInfo file, web::UploadRequest request,
                        web::Done<web::StoredFile> done) {
  request.type = web::s3::kept_type(file);
  request.expires = file.expires;
  gateway.link(file, request,
               [&gateway, file, name = request.name, done](Result<web::StoredFile> result) {
                 bool const taken = !result && result.error().fault == Fault::precondition_failed;
                 if (auto before = taken ? restored_before(gateway, name, file) : std::nullopt) {
                   result = std::move(*before);
                 }
                 if (!result) return done(result);
                 forget_place(gateway, file.name, [done, result] { done(result); });
               });
}

}  // namespace chisme::node
