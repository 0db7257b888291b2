#include <asio/post.hpp>
#include <utility>

#include "node/clock.hpp"
#include "node/object_service.hpp"
#include "node/object_upload.hpp"
#include "node/object_waiting.hpp"
#include "node/record_type.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/object_store.hpp"

// ObjectService: files that are written, and names that are given.
namespace chisme::node {

void ObjectService::begin_upload(web::UploadRequest request,
                                 web::Done<std::unique_ptr<web::Upload>> done) {
  auto const begin = [&on = loop_, &parts = parts_, request,
                      done = std::move(done)](Result<std::shared_ptr<PrefixQuotas::Claim>> claim) {
    if (!claim) return done(tl::unexpected(claim.error()));
    ObjectUpload::begin(on, parts, request, std::move(*claim), done);
  };
  claim(request, begin);
}

void ObjectService::claim(web::UploadRequest const& request,
                          web::Done<std::shared_ptr<PrefixQuotas::Claim>> done) {
  PrefixQuotas::Wish wish{.name = request.name,
                          .size = request.size.value_or(ByteCount{}),
                          .instead_of = request.instead_of,
                          .is_acknowledged = request.version.has_value()};
  if (auto const& part = request.part_of) {
    wish.name = part->name;
    wish.before = part->before;
    wish.size = part->size.value_or(part->before);
  }
  PrefixQuotas& quotas = parts_.prefix_quotas;
  if (!quotas.concern(wish.name)) return done(nullptr);
  std::uint64_t const id = ++waiting_->next;
  waiting_->counts.emplace(id, [&quotas, wish, done = std::move(done)](Result<void> const&) {
    done(quotas.claim(wish));
  });
  quotas.count(steady_now(), [&on = loop_, waiting = waiting_, id] {
    asio::post(on, [waiting, id] { Waiting::complete<void>(waiting->counts, id, {}); });
  });
}

// A record of the name, for those who have the object: they see for themselves that they do.
void ObjectService::link(web::FileInfo file, web::UploadRequest request,
                         web::Done<web::StoredFile> done) {
  if (auto open = parts_.fence.check(); !open) return done(tl::unexpected(open.error()));
  if (auto room = parts_.objects.check_catalogue_room(); !room) {
    return done(tl::unexpected(room.error()));
  }
  request.size = file.size;
  auto const go_on = [this, file = std::move(file), request,
                      done = std::move(done)](Result<std::shared_ptr<PrefixQuotas::Claim>> claim) {
    if (!claim) return done(tl::unexpected(claim.error()));
    link_claimed(file, request, std::move(*claim), done);
  };
  claim(request, go_on);
}

void ObjectService::link_claimed(web::FileInfo file, web::UploadRequest request,
                                 std::shared_ptr<PrefixQuotas::Claim> claim,
                                 web::Done<web::StoredFile> done) {
  auto const type = record_type(request, wall_now());
  if (!type) return done(tl::unexpected(type.error()));
  std::uint64_t const id = ++waiting_->next;
  waiting_->links.emplace(id, std::move(done));
  auto const view = parts_.core.view();
  cluster::WriteRequested write;
  write.name = request.name;
  write.what = cluster::StoreFile{file.digest, file.size, *type};
  write.stored_on = view->catalogue.holders(file.digest);
  write.condition = {request.condition.must_be_absent, request.condition.must_exist,
                     std::move(request.condition.must_match),
                     std::move(request.condition.must_not_match)};
  web::StoredFile stored{.name = request.name,
                         .version = {},
                         .size = file.size,
                         .digest = file.digest,
                         .copies = {},
                         .wanted = view->copies_wanted,
                         .created = false,
                         .expires = expiry_of(request, wall_now())};
  parts_.core.write(std::move(write), [&on = loop_, waiting = waiting_, id, stored,
                                       claim](Result<cluster::WriteOutcome> outcome) {
    if (outcome && claim) claim->stored(stored.size);
    asio::post(on, [waiting, id, stored, outcome = std::move(outcome)] {
      Result<web::StoredFile> const result = outcome.map([&](cluster::WriteOutcome const& written) {
        web::StoredFile linked = stored;
        linked.version = to_string(written.version);
        linked.created = written.created;
        for (NodeId const node : written.copies) {
          linked.copies.push_back(chisme::to_string(node));
        }
        return linked;
      });
      Waiting::complete(waiting->links, id, result);
    });
  });
}

}  // namespace chisme::node
