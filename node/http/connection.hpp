#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "node/http/buffers.hpp"
#include "node/http/client_socket.hpp"
#include "node/http/clients.hpp"
#include "node/http/dav/handler.hpp"
#include "node/http/listener.hpp"
#include "node/http/moved_bytes.hpp"
#include "node/http/pace.hpp"
#include "node/http/request_id.hpp"
#include "node/http/resumable_uploads.hpp"
#include "node/http/s3_store.hpp"
#include "web/http/multipart.hpp"
#include "web/http/parser.hpp"
#include "web/plan.hpp"
#include "web/service.hpp"
#include "web/websocket/server.hpp"

namespace chisme::node {

class HttpConnection;

// What the connections of one listener share. The loop's thread owns it.
struct HttpHost {
  HttpHost(asio::io_context& io, web::Gateway& node, HttpSettings chosen);
  // The Date of now, made once a second.
  [[nodiscard]] std::string const& date();

  asio::io_context& loop;
  web::Gateway& gateway;
  HttpSettings settings;
  web::Service service;
  BufferPool buffers;
  web::WebSocketServer websockets;
  std::shared_ptr<ResumableUploads> resumable;
  bool draining = false;  // no connection is kept after its answer
  bool ending = false;    // nor does any begin a request
  std::uint64_t const request_ids_seed;
  std::uint64_t requests = 0;  // begun since the start
  DavHandler dav;
  std::shared_ptr<S3Store> s3;
  std::size_t open = 0;
  std::set<HttpConnection*> connections;  // those that speak HTTP

 private:
  std::time_t date_second_ = 0;
  std::string date_text_;
};

// HttpConnection speaks HTTP/1.1 with one client, over TLS if the client begins so: it reads
// requests one after the other, asks `web::Service` what each means and carries the plan out. It
// closes on timeouts (HttpSettings), after errors that leave the request's end unknown, and when
// asked to.
//
// A coroutine of the loop's thread, `run`, keeps it alive until the connection is over or a
// WebSocket session took the socket.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `late`: one of the last that there was room for, which gets small requests served only.
  HttpConnection(std::shared_ptr<HttpHost> host, asio::ip::tcp::socket socket,
                 std::shared_ptr<Clients::Place> place, bool late);
  ~HttpConnection();
  HttpConnection(HttpConnection const&) = delete;
  HttpConnection& operator=(HttpConnection const&) = delete;

  static asio::awaitable<void> run(std::shared_ptr<HttpConnection> self);
  // Ends it now, whatever it does.
  void close();
  void close_if_idle();

 private:
  enum class After { next_request, linger, close, handed_over };

  // connection.cpp
  asio::awaitable<bool> read_head();
  asio::awaitable<After> serve();
  asio::awaitable<After> carry_out(web::Plan plan);
  asio::awaitable<After> reply(web::Reply answer);
  asio::awaitable<After> remove_file(web::RemoveFile plan);
  asio::awaitable<After> restore_file(web::RestoreFile plan);
  asio::awaitable<After> ask_others(web::AskOthers plan);
  asio::awaitable<After> search_files(web::SearchFiles plan);
  asio::awaitable<After> count_files(web::CountFiles plan);
  asio::awaitable<After> order_local(web::OrderLocal plan);
  asio::awaitable<After> revoke_credential(web::RevokeCredential plan);
  asio::awaitable<After> accept_websocket(web::AcceptWebSocket plan);
  asio::awaitable<After> settle_body(After otherwise);
  asio::awaitable<void> linger();
  // Reads more into `input_`; false when the client is gone or too slow.
  asio::awaitable<bool> read_more(std::chrono::milliseconds patience);
  asio::awaitable<bool> write_all(std::string_view head, std::string_view body = {});

  // securing.cpp
  // Finds out whether the client speaks TLS, and agrees on its keys. False: the connection is over.
  asio::awaitable<bool> meet_client();
  asio::awaitable<bool> shake_hands();
  // 0 at the end, and when the connection broke.
  asio::awaitable<std::size_t> receive_secure(std::span<std::byte> into);
  // A client that speaks TLS where there is no certificate.
  asio::awaitable<void> refuse_tls();

  // objects.cpp
  asio::awaitable<After> send_object(web::SendObject plan);
  asio::awaitable<After> send_from_memory(web::SendObject plan,
                                          std::shared_ptr<std::string const> object);
  asio::awaitable<After> relay_object(web::RelayObject plan);
  asio::awaitable<bool> are_right(std::shared_ptr<web::OpenObject const> object, ByteOffset offset,
                                  ByteCount length);
  // Each sends `head` before the bytes.
  asio::awaitable<bool> send_verified(std::string_view head,
                                      std::shared_ptr<web::OpenObject const> object,
                                      ByteOffset offset, ByteCount length);
  asio::awaitable<bool> send_bytes(std::string_view head,
                                   std::shared_ptr<web::OpenObject const> object, ByteOffset offset,
                                   ByteCount length);
  asio::awaitable<bool> relay_bytes(std::shared_ptr<web::RemoteRead> source,
                                    std::span<std::byte> buffer, std::size_t first,
                                    ByteCount length);

  // following.cpp
  asio::awaitable<After> follow_upload(web::FollowUpload plan);
  asio::awaitable<bool> send_following(std::string id, std::optional<ByteCount> length);
  asio::awaitable<After> receive_live(web::ReceiveFile plan);

  // receiving.cpp
  asio::awaitable<After> receive_file(web::ReceiveFile plan);
  asio::awaitable<After> receive_form(web::ReceiveForm plan);
  asio::awaitable<After> receive_share(web::ReceiveShare plan);
  asio::awaitable<bool> continue_expected();
  // The next run of body bytes; empty at the end or on failure (`body_`).
  asio::awaitable<std::span<std::byte const>> next_body_run();
  asio::awaitable<Result<void>> read_body_into(std::shared_ptr<web::Upload> upload);
  struct Form;
  asio::awaitable<bool> feed_form(std::shared_ptr<Form> form, std::span<std::byte const> run);
  asio::awaitable<bool> handle_form_event(std::shared_ptr<Form> form,
                                          web::MultipartReader::Progress progress);
  asio::awaitable<bool> begin_part(std::shared_ptr<Form> form);
  asio::awaitable<bool> end_part(std::shared_ptr<Form> form);
  static bool end_field(Form& form);

  // dav/serving.cpp
  asio::awaitable<After> serve_dav(web::AnswerDav plan);
  asio::awaitable<tl::expected<std::string, web::Reply>> read_short_body(HeldBytes& held);

  // resuming.cpp
  asio::awaitable<After> resume(web::tus::Wanted wanted);
  asio::awaitable<web::Reply> create_upload(web::tus::Create create);
  asio::awaitable<web::Reply> patch_upload(web::tus::Patch patch);
  asio::awaitable<web::Reply> ask_upload(web::tus::Ask ask);
  asio::awaitable<web::Reply> terminate_upload(web::tus::Terminate terminate);
  using Writer = std::shared_ptr<ResumableUploads::Writer>;
  asio::awaitable<tl::expected<Writer, web::Reply>> take_bytes(web::tus::Patch patch);
  asio::awaitable<Result<void>> write_parts(Writer writer);
  // s3.cpp
  asio::awaitable<After> serve_s3(web::s3::Wanted wanted);
  asio::awaitable<web::Reply> put_object(web::s3::PutObject wanted);
  asio::awaitable<web::Reply> put_part(web::s3::PutPart wanted);
  asio::awaitable<web::Reply> delete_objects(web::s3::DeleteObjects wanted);
  asio::awaitable<web::Reply> complete_upload(web::s3::CompleteUpload wanted);
  struct S3Body;
  // Stores the body; the ETag, or the answer to what went wrong.
  asio::awaitable<tl::expected<std::string, web::Reply>> store_payload(
      web::UploadRequest request, web::s3::Attributes attributes, web::s3::Payload payload);
  asio::awaitable<std::optional<web::Reply>> read_payload(std::shared_ptr<S3Body> body,
                                                          std::shared_ptr<web::Upload> upload);
  // A body that is a document: in `text`, which counts as the buffers do for as long as it lives.
  using Document = tl::expected<std::shared_ptr<S3Body>, web::Reply>;
  asio::awaitable<Document> read_document(web::s3::Payload payload, std::size_t bytes_max);

  // Whether more of the body has come, or the connection's end, within `patience`.
  asio::awaitable<bool> is_readable_within(std::chrono::milliseconds patience);

  // limiting.cpp
  // The answer to a request that is one too many.
  std::optional<web::Reply> refusal_by_limits();
  [[nodiscard]] std::shared_ptr<Clients::Client> client_of_request();
  // Whose budget the request takes from: the token's that it shows, else the client's.
  [[nodiscard]] std::shared_ptr<Clients::Client> payer_of_request();
  // No more large buffers: neither bodies nor relays are begun.
  [[nodiscard]] bool is_short_of_memory() const;
  // As `expect_within(progress_timeout)`, of bytes that go that way.
  void expect_progress(Moving way);
  // A look, `since` the last one, whether bytes move fast enough that are waited for.
  [[nodiscard]] bool is_too_slow(std::chrono::steady_clock::duration since);

  // counting.cpp
  void begin_request();
  // An answer of this status begins to go out; 0: none will. Once for each request.
  void count_answer(unsigned status);
  void end_request();
  void log_failure(web::Reply const& answer) const;
  // Whoever the client is sent to is to call the request the same, if the client has a name for it.
  void name_request_in_redirect(web::Reply& answer) const;

  [[nodiscard]] bool keeps_alive(web::Reply const& answer) const;
  // Without a length the answer's headers must say how it ends.
  [[nodiscard]] std::string head_of(web::Reply const& answer,
                                    std::optional<std::uint64_t> content_length);
  void start_watch();
  void watch();
  void expect_within(std::chrono::milliseconds patience);
  void expect_nothing();

  std::shared_ptr<HttpHost> host_;
  ClientSocket socket_;
  // One timer for all deadlines: it fires, looks at `deadline_` and sleeps on.
  asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::chrono::steady_clock::time_point looked_at_;
  Moving moving_ = Moving::nowhere;  // what is waited for
  Moving paced_ = Moving::nowhere;   // what `pace_` is about
  Pace pace_;
  std::uint64_t moved_ = 0;
  std::shared_ptr<Clients::Place> place_;
  bool late_;
  std::optional<Endpoint> forwarded_for_;  // of the last request, by a trusted proxy
  std::shared_ptr<Clients::Client> forwarded_;
  std::uint64_t token_shown_ = 0;  // by the last request with a valid one
  std::shared_ptr<Clients::Client> by_token_;
  web::RequestParser parser_;
  InputBuffer input_;
  web::ParseState state_ = web::ParseState::head;
  bool idle_ = true;
  bool fresh_ = true;           // nothing has come yet
  bool plain_refused_ = false;  // the client is to come back by TLS
  bool head_only_ = false;
  bool own_fault_ = false;  // of the request under way: the node failed, not the client
  bool keep_alive_ = true;  // what the answer said
  // Of the request under way: when its head had come, how it is called, what it was answered (0:
  // nothing yet), and after how long.
  std::chrono::steady_clock::time_point begun_;
  RequestId request_id_;
  bool request_id_said_ = false;  // by the client
  unsigned status_ = 0;
  std::chrono::steady_clock::duration first_byte_after_{};
};

}  // namespace chisme::node
