#include "web/websocket/server.hpp"

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/base/overloaded.hpp"
#include "web/websocket/channel.hpp"
#include "web/websocket/cluster_feed.hpp"
#include "web/websocket/file_pusher.hpp"
#include "web/websocket/file_reader.hpp"
#include "web/websocket/file_receiver.hpp"

namespace chisme::web {

struct WebSocketServer::State {
  explicit State(Gateway& node) : gateway(node) {}
  Gateway& gateway;
  std::uint64_t next_id = 0;
  std::map<std::uint64_t, std::shared_ptr<Channel>> channels;
  std::map<std::uint64_t, std::unique_ptr<ByteStream::Timer>> looks;  // at the tokens of some
};

namespace {
std::shared_ptr<Session> make(Gateway& gateway, WebSocketSession wanted,
                              std::shared_ptr<Channel> channel) {
  using Made = std::shared_ptr<Session>;
  return std::visit(
      Overloaded{
          [&](ReadSession&) -> Made { return std::make_shared<FileReader>(channel, gateway); },
          [&](PushSession& it) -> Made {
            return std::make_shared<FilePusher>(channel, gateway, std::move(it.file), it.offset);
          },
          [&](UploadSession& it) -> Made {
            return std::make_shared<FileReceiver>(channel, gateway, std::move(it.upload));
          },
          [&](ClusterSession& it) -> Made {
            return std::make_shared<ClusterFeed>(channel, gateway, it.with_files);
          },
      },
      wanted);
}

// Looks now and then whether the client's token is still valid.
template <class State>
void watch_token(std::shared_ptr<State> const& state, std::uint64_t id, CredentialId const& token) {
  auto const channel = state->channels.find(id);
  if (channel == state->channels.end()) return;
  auto const look = [weak = std::weak_ptr(state), id, token] {
    auto const server = weak.lock();
    if (!server) return;
    Credentials* const credentials = server->gateway.credentials();
    if (credentials != nullptr && credentials->is_still_valid(token)) {
      return watch_token(server, id, token);
    }
    auto const open = server->channels.find(id);
    if (open == server->channels.end()) return;
    auto const keep = open->second;
    keep->close(CloseCode::policy, "the token is no longer valid");
  };
  state->looks[id] = channel->second->after(WebSocketServer::look_period, look);
}
}  // namespace

WebSocketServer::WebSocketServer(Gateway& gateway) : state_(std::make_shared<State>(gateway)) {}

WebSocketServer::~WebSocketServer() {
  abort_all();
}

void WebSocketServer::serve(std::unique_ptr<ByteStream> stream, Request const& request,
                            std::string already_read, AcceptWebSocket accepted,
                            std::function<void()> on_closed) {
  FrameLimits limits;
  limits.binary = std::holds_alternative<UploadSession>(accepted.session);
  auto const id = state_->next_id++;
  auto const make_session = [this, &accepted](std::shared_ptr<Channel> channel) {
    return make(state_->gateway, std::move(accepted.session), std::move(channel));
  };
  // Reading and writing complete later, so no channel is closed before it is in the map.
  state_->channels[id] =
      open_channel(std::move(stream), request, std::move(already_read), limits, make_session,
                   [weak = std::weak_ptr(state_), id, call = std::move(on_closed)] {
                     if (auto const state = weak.lock()) {
                       state->looks.erase(id);
                       state->channels.erase(id);
                     }
                     if (call) call();
                   });
  if (accepted.token) watch_token(state_, id, *accepted.token);
}

void WebSocketServer::close_all() {
  auto const channels = state_->channels;
  for (auto const& [id, channel] : channels) {
    channel->close(CloseCode::going_away, "the node is going away");
  }
}

void WebSocketServer::abort_all() {
  auto const channels = state_->channels;
  for (auto const& [id, channel] : channels) channel->abort();
}

std::size_t WebSocketServer::open_sessions() const {
  return state_->channels.size();
}

}  // namespace chisme::web
