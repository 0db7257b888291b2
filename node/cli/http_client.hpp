#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/cli/connection.hpp"
#include "node/cli/origin.hpp"
#include "web/http/response_parser.hpp"

namespace chisme::node::cli {

// Fills at most the span; 0 at the end.
using BodySource = std::function<Result<std::size_t>(std::span<std::byte>)>;
// Takes a run of body bytes of a 2xx answer whose head this is.
using BodySink = std::function<Result<void>(web::Response const&, std::span<std::byte const>)>;

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<web::Header> headers;
  // Gives the body from its beginning: called again when the request is sent again.
  std::function<Result<BodySource>()> open_body;
  ByteCount body_size;  // of what `open_body` gives
};

struct HttpAnswer {
  web::Response head;
  std::string body;  // unless a sink took it
  Origin origin;     // who answered in the end
  [[nodiscard]] bool is_success() const { return head.status / 100 == 2; }
};

// The answer's error as a sentence: the problem's detail (RFC 9457) or the status.
[[nodiscard]] Error problem_of(HttpAnswer const& answer);

// HttpClient asks nodes, one request at a time, over kept connections. It goes on to the next of
// its nodes when one cannot be reached, breaks off before its answer, or answers 503; it follows at
// most `redirects_max` redirects.
//
// Errors: unavailable (no node answered; the sentence names the last), io (a source or sink
// failed). A sink has then had a part of the body. Any answer, 404 too, is a value.
class HttpClient {
 public:
  static constexpr int redirects_max = 5;
  static constexpr std::size_t body_bytes_max = std::size_t{64} << 20;  // without a sink

  explicit HttpClient(std::vector<Origin> nodes,
                      std::chrono::milliseconds patience = std::chrono::seconds{30});

  [[nodiscard]] Result<HttpAnswer> send(HttpRequest const& request, BodySink const& sink = {});
  // Only this node, for as many redirects as it sends.
  [[nodiscard]] Result<HttpAnswer> send_to(Origin const& origin, HttpRequest const& request,
                                           BodySink const& sink = {});
  [[nodiscard]] std::vector<Origin> const& nodes() const { return nodes_; }
  // Shown to the nodes that are asked, and not where they redirect to: the redirect says what is
  // needed there. Empty: none.
  void set_token(std::string token) { token_ = std::move(token); }
  [[nodiscard]] std::string const& token() const { return token_; }
  // How long each step of the next requests may take without a byte.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

 private:
  struct Attempt;
  [[nodiscard]] Result<HttpAnswer> ask(Origin const& origin, HttpRequest const& request,
                                       BodySink const& sink);

  std::vector<Origin> nodes_;
  std::size_t preferred_ = 0;  // the node that answered last
  std::chrono::milliseconds patience_;
  std::string token_;
  std::map<Origin, Connection> idle_;
};

// Connecting waits no longer than this, so that a dead machine does not hold up the others.
inline constexpr std::chrono::milliseconds connect_patience{3000};

}  // namespace chisme::node::cli
