#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "web/credentials.hpp"
#include "web/gateway.hpp"
#include "web/http/fields.hpp"
#include "web/http/request.hpp"
#include "web/s3/request.hpp"
#include "web/tus/request.hpp"

// What is to be done about a request: values that `Service` decides and a connection carries out.
namespace chisme::web {

// A complete answer, but for the connection's own headers (Date, Connection, Content-Length), which
// the connection adds. For HEAD the body is not sent, though Content-Length tells its size; a 204
// or 304 has neither. Status 0: close the connection without an answer, because the outcome is
// unknown.
struct Reply {
  unsigned status = 200;
  Fields headers;
  std::string body;
  bool close = false;         // the connection cannot go on after it
  std::string sentence = {};  // of a problem: what happened and what to do
};

// `head` (its body is empty), then bytes of a local object. For HEAD, only `head`.
struct SendObject {
  Reply head;
  FileInfo file;
  ByteOffset offset;
  ByteCount length;
};
// `head`, then bytes read from other holders (`?via=proxy`).
struct RelayObject {
  Reply head;
  FileInfo file;
  ByteOffset offset;
  ByteCount length;
};
// An upload that is under way: what is safe of it, and then what becomes safe, to its end; with
// `Service::incomplete`.
struct FollowUpload {
  std::string id;
};
// The request's body becomes the file; then `Service::stored`. `Expect: 100-continue` is answered
// before the body is read.
struct ReceiveFile {
  UploadRequest upload;
  bool live = false;  // it may be read while it comes
};
// A request of WebDAV, but for reading a file: what it asks for is in its method, its fields and
// its body, of at most `dav::xml_bytes_max` (node/http/dav).
struct AnswerDav {
  std::string name;       // of the resource, checked and normalised; empty: the root
  bool is_slash = false;  // it was asked for as a collection
  std::optional<ReceiveFile> put =
      std::nullopt;  // what is to be done unless something is in the way
};
// The body is multipart/form-data: each part with a non-empty file name becomes a file by way of
// `Service::form_upload`, other parts are read and dropped; then `Service::form_stored`.
struct ReceiveForm {
  std::string boundary;
  bool browser = false;  // answer 303 to `/` instead of JSON
  // Of the files in it, unless a field `ttl` before them says otherwise.
  std::optional<TimeToLive> ttl = {};
};
// Then `Service::removed`.
struct RemoveFile {
  std::string name;
  Condition condition;
  bool for_good = false;  // not by way of the trash
};
// A file in the trash gets its name back (node/trash.hpp); then `Service::restored`.
struct RestoreFile {
  FileInfo file;
  UploadRequest request;  // its name, and the condition for it
};
// The name is absent here: `Gateway::lookup_everywhere`, then `Service::plan_with`.
struct AskOthers {
  std::string name;
};
// A list in an order, or of some files only: `Gateway::search`, then `Service::listed`.
struct SearchFiles {
  FileQuery query;
  FilePage page;
};
// `Gateway::count_files`, then `Service::counted`.
struct CountFiles {};
// `Gateway::order_local`, then `Service::ordered`.
struct OrderLocal {
  LocalOrder order = LocalOrder::kill;
  std::string http;
};

// The body describes a share link, in at most `share_wish_bytes_max`; then `Service::shared`.
struct ReceiveShare {};
// `Credentials::revoke`, then `Service::revoked`.
struct RevokeCredential {
  CredentialKind kind = CredentialKind::token;
  CredentialId id;
};

// WebSocket routes.
struct ReadSession {};  // /ws/read
struct PushSession {    // /ws/files/NAME?offset=O
  FileInfo file;
  ByteOffset offset;
};
struct UploadSession {  // /ws/upload?name=NAME
  UploadRequest upload;
};
struct ClusterSession {  // /ws/cluster
  bool with_files = true;
};
using WebSocketSession = std::variant<ReadSession, PushSession, UploadSession, ClusterSession>;
struct AcceptWebSocket {
  WebSocketSession session;
  // The session ends when this is no longer valid; nullopt: it was let in without a token.
  std::optional<CredentialId> token = {};
};

// `tus::Wanted`: a resumable upload; `s3::Wanted`: what S3's clients want; then `Service::resumed`.
using Plan =
    std::variant<Reply, SendObject, RelayObject, FollowUpload, ReceiveFile, ReceiveForm, RemoveFile,
                 RestoreFile, AskOthers, SearchFiles, CountFiles, OrderLocal, ReceiveShare,
                 RevokeCredential, AcceptWebSocket, AnswerDav, s3::Wanted, tus::Wanted>;

}  // namespace chisme::web
