#include "node/trash.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "cluster/base/expiry.hpp"
#include "web/names.hpp"
#include "web/s3/attributes.hpp"

namespace chisme::node {
namespace {

constexpr int attempts_max = 4;

// What becomes of it shows later: a name in the trash that stays is gone when its time is over.
void forget_place(web::Gateway& gateway, std::string place) {
  gateway.remove_for_good(std::move(place), {}, [](Result<web::RemovedFile> const&) {});
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
  gateway.link(file, std::move(request),
               [&gateway, place = file.name, done](Result<web::StoredFile> const& linked) {
                 if (linked) forget_place(gateway, place);
                 done(linked);
               });
}

}  // namespace chisme::node
