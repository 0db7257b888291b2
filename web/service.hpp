#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "web/file_heads.hpp"
#include "web/gateway.hpp"
#include "web/http/multipart.hpp"
#include "web/http/parser.hpp"
#include "web/page/assets.hpp"
#include "web/plan.hpp"

namespace chisme::web {

struct ServiceSettings {
  ByteCount max_file_size{std::uint64_t{1} << 40};
  AccessMode access = AccessMode::open;
  // Other sites whose pages may do here what their token allows: exact origins.
  std::vector<std::string> cors_origins{};
  // Accepted in `Host` besides loopback names and addresses: names without a port.
  std::vector<std::string> hosts{};
  std::span<Asset const> assets = web::assets();
};

// Service decides what each request means (contract.md's routes). It reads the gateway's snapshot
// and answers with values; it waits for nothing and owns no connection.
//
// One per web loop; `gateway` must outlive it. Never throws.
class Service {
 public:
  Service(Gateway& gateway, ServiceSettings settings);

  // From now on. What was planned stays as it is.
  void change(ServiceSettings settings) { settings_ = std::move(settings); }

  // What to do about `request`, whose head was read.
  [[nodiscard]] Plan plan(Request const& request);
  // The same after an AskOthers was answered by `found`; never AskOthers again.
  [[nodiscard]] Plan plan_with(Request const& request, Result<Lookup> const& found);

  // What a form's file part asks for; Fault::invalid when its file name cannot be a name here.
  [[nodiscard]] Result<UploadRequest> form_upload(PartHead const& part) const;

  // The answers to finished work.
  [[nodiscard]] Reply stored(Request const& request, Result<StoredFile> const& result);
  [[nodiscard]] Reply form_stored(Request const& request, ReceiveForm const& form,
                                  std::vector<Result<StoredFile>> const& results);
  [[nodiscard]] Reply listed(Request const& request, Result<FoundFiles> const& result);
  // After the files were counted.
  [[nodiscard]] Reply counted(Request const& request);
  [[nodiscard]] Reply removed(Request const& request, Result<RemovedFile> const& result);
  [[nodiscard]] Reply restored(Request const& request, Result<StoredFile> const& result);
  [[nodiscard]] Reply ordered(Request const& request, Result<void> const& result);
  // After the body of a ReceiveShare was read.
  [[nodiscard]] Reply shared(Request const& request, std::string_view body);
  [[nodiscard]] Reply revoked(Request const& request, Result<void> const& result);
  // The answer to a resumable upload's request, made by web/tus/replies.hpp.
  [[nodiscard]] Reply resumed(Request const& request, Reply reply);
  // The head of a file that is not complete yet (FollowUpload).
  [[nodiscard]] Reply incomplete(Request const& request, std::string const& name,
                                 std::string const& type);
  // An error that arose while carrying out a plan (a local object that cannot be opened, …).
  [[nodiscard]] Reply failed(Request const& request, Error const& error);
  // The answer of a node that does not look what a request means, for want of something.
  [[nodiscard]] Reply refused(Request const& request, Reply reply);
  // The answer to a request that came unencrypted where it must not: nothing but where to ask.
  [[nodiscard]] Reply plain_refused(Request const& request);
  // The answer to bytes that are no request.
  [[nodiscard]] Reply malformed(ParseFailure const& failure);

 private:
  [[nodiscard]] Plan decide(Request const& request, Result<Lookup> const* found);
  // As this client takes it: a problem as a page if it prefers pages, and who may read it.
  [[nodiscard]] Reply finished(Request const& request, Reply reply);

  Gateway& gateway_;
  ServiceSettings settings_;
  FileHeads heads_;
};

}  // namespace chisme::web
