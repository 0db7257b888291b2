#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/web/memory_credentials.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/http/characters.hpp"
#include "web/http/multipart.hpp"
#include "web/http/parser.hpp"
#include "web/names.hpp"
#include "web/s3/address.hpp"
#include "web/service.hpp"
#include "web/tus/replies.hpp"

// Any request to a node in memory: the plan is within bounds, and so is the answer to it, which is
// well formed whatever names and fields the request had. The first byte sets the node's state; then
// come a request's line, its fields, an empty line and its body, with \n for line ends.
using namespace chisme;
using namespace chisme::web;

namespace {

constexpr std::size_t head_bytes_max = 64 << 10;
constexpr std::size_t body_bytes_max = 1 << 20;

void check_head(Fields const& headers) {
  std::string_view text = headers.text();
  CHECK(text.size() <= head_bytes_max);
  while (!text.empty()) {
    std::size_t const end = text.find("\r\n");
    CHECK(end != std::string_view::npos);
    std::string_view const line = text.substr(0, end);
    text.remove_prefix(end + 2);
    std::size_t const colon = line.find(": ");
    CHECK(colon != std::string_view::npos && colon > 0);
    CHECK(std::ranges::all_of(line.substr(0, colon), is_token_character));
    for (char const c : line)
      CHECK(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

void check_reply(Reply const& reply) {
  CHECK(reply.status == 0 || (reply.status >= 200 && reply.status < 600));
  CHECK(reply.body.size() <= body_bytes_max);
  check_head(reply.headers);
  if (reply.headers.values("Content-Type").find("json") != std::string::npos) {
    CHECK(nlohmann::json::accept(reply.body));
  }
}

class Visit {
 public:
  Visit(std::uint8_t state, Request const& request, std::string_view body)
      : request_{request}, body_{body}, service_{gateway_, settings(state)} {
    gateway_.add("a.mp4", "hello, world", "video/mp4");
    gateway_.add("b/\xc3\xa9.txt", "from elsewhere", "text/plain").local = false;
    gateway_.holders = {{NodeId{0, 2}, "http://127.0.0.1:7702", 1, (state & 1) != 0},
                        {NodeId{0, 3}, "http://127.0.0.1:7703", 2, false}};
    gateway_.origins = {"http://127.0.0.1:7702"};
    gateway_.in_touch = (state & 2) == 0;
    gateway_.quorum = (state & 4) == 0;
    gateway_.local = (state & 8) != 0;
    gateway_.copies_gone = (state & 16) != 0;
    if ((state & 32) != 0) gateway_.bounce_to = gateway_.holders.back();
    if ((state & 64) != 0) gateway_.absent_because["a.mp4"] = LookupStatus::lost;
    if ((state & 128) == 0) return;
    credentials_.add_token("reader", Role::read);
    credentials_.add_token("admin", Role::admin);
    credentials_.add_link("link", "a.mp4").downloads = 1;
    gateway_.judge = &credentials_;
  }

  void run() {
    std::visit([this](auto const& plan) { carry_out(plan); }, service_.plan(request_));
  }

 private:
  static ServiceSettings settings(std::uint8_t state) {
    static Asset const assets[] = {{"/", "text/html; charset=utf-8", "<p>page</p>", "", "\"1\""}};
    AccessMode const some = (state & 1) != 0 ? AccessMode::token : AccessMode::read;
    return {.max_file_size = ByteCount{1000},
            .access = (state & 128) != 0 ? some : AccessMode::open,
            .hosts = {"films.example"},
            .assets = assets};
  }
  void check_part(Reply const& head, FileInfo const& file, ByteOffset offset, ByteCount length) {
    check_reply(head);
    CHECK(head.body.empty() && offset.value() <= file.size.value());
    CHECK(length.value() <= file.size.value() - offset.value());
  }

  void carry_out(Reply const& reply) { check_reply(reply); }
  void carry_out(SendObject const& plan) {
    check_part(plan.head, plan.file, plan.offset, plan.length);
  }
  void carry_out(RelayObject const& plan) {
    check_part(plan.head, plan.file, plan.offset, plan.length);
  }
  void carry_out(FollowUpload const&) {
    check_reply(service_.incomplete(request_, "a.mp4", "video/mp4"));
  }
  void carry_out(ReceiveFile const& plan) {
    CHECK(checked_name(plan.upload.name) == plan.upload.name);
    check_reply(service_.stored(request_, store(plan.upload, body_)));
  }
  void carry_out(ReceiveForm const& plan) {
    MultipartReader reader{plan.boundary};
    std::vector<Result<StoredFile>> stored;
    std::string bytes;
    auto rest = std::as_bytes(std::span{body_.data(), body_.size()});
    while (true) {
      auto const progress = reader.feed(rest);
      rest = rest.subspan(progress.consumed);
      using Event = MultipartReader::Event;
      if (progress.event == Event::part_begin) bytes.clear();
      if (progress.event == Event::data) {
        bytes.append(reinterpret_cast<char const*>(progress.data.data()), progress.data.size());
      }
      if (progress.event == Event::part_end) {
        auto const upload = service_.form_upload(reader.part());
        stored.push_back(upload ? store(*upload, bytes)
                                : Result<StoredFile>{tl::unexpected(upload.error())});
      }
      bool const goes_on = progress.event != Event::failed && progress.event != Event::end;
      if (!goes_on || (progress.event == Event::need_more && rest.empty())) break;
    }
    check_reply(service_.form_stored(request_, plan, stored));
  }
  void carry_out(RemoveFile const& plan) {
    gateway_.remove(plan.name, plan.condition, [&](Result<RemovedFile> const& result) {
      check_reply(service_.removed(request_, result));
    });
  }
  void carry_out(RestoreFile const& plan) {
    CHECK(checked_name(plan.request.name) == plan.request.name);
    gateway_.link(plan.file, plan.request, [&](Result<StoredFile> const& result) {
      check_reply(service_.restored(request_, result));
    });
  }
  void carry_out(AskOthers const& plan) {
    CHECK(!asked_);
    asked_ = true;
    gateway_.lookup_everywhere(plan.name, [&](Result<Lookup> const& found) {
      std::visit([this](auto const& next) { carry_out(next); },
                 service_.plan_with(request_, found));
    });
  }
  void carry_out(SearchFiles const& plan) {
    CHECK(plan.page.limit >= 1 && plan.page.limit <= 1000);
    gateway_.search(plan.query, plan.page, [&](Result<FoundFiles> const& found) {
      check_reply(service_.listed(request_, found));
    });
  }
  void carry_out(CountFiles const&) { check_reply(service_.counted(request_)); }
  void carry_out(OrderLocal const& plan) {
    gateway_.order_local(plan.order, plan.http, [&](Result<void> const& result) {
      check_reply(service_.ordered(request_, result));
    });
  }
  void carry_out(ReceiveShare const&) { check_reply(service_.shared(request_, body_)); }
  void carry_out(RevokeCredential const& plan) {
    CHECK(gateway_.judge != nullptr);
    credentials_.revoke(plan.kind, plan.id, [&](Result<void> const& result) {
      check_reply(service_.revoked(request_, result));
    });
  }
  void carry_out(AnswerDav const& plan) {
    CHECK(plan.name.empty() || checked_name(plan.name) == plan.name);
    if (plan.put) carry_out(*plan.put);
  }
  void carry_out(AcceptWebSocket const& plan) {
    CHECK(request_.upgrade_websocket);
    if (auto const* const push = std::get_if<PushSession>(&plan.session)) {
      CHECK(push->offset.value() <= push->file.size.value());
    }
    if (auto const* const upload = std::get_if<UploadSession>(&plan.session)) {
      CHECK(checked_name(upload->upload.name) == upload->upload.name);
    }
  }
  void carry_out(s3::Wanted const& wanted) {
    std::visit(
        [](auto const& one) {
          if constexpr (requires { one.place; }) {
            CHECK(s3::is_bucket_name(one.place.bucket));
            CHECK(checked_name(one.place.name) == one.place.name);
          }
          if constexpr (requires { one.bucket; }) CHECK(s3::is_bucket_name(one.bucket));
          if constexpr (requires { one.id; }) CHECK(tus::is_upload_id(one.id));
          if constexpr (requires { one.number; }) CHECK(one.number >= 1 && one.number <= 10'000);
          if constexpr (requires { one.source; }) CHECK(checked_name(one.source) == one.source);
        },
        wanted);
  }
  void carry_out(tus::Wanted const& wanted) {
    std::visit(Overloaded{[&](tus::Create const& create) { check_create(create); },
                          [](auto const& about) { CHECK(tus::is_upload_id(about.id)); }},
               wanted);
  }
  void check_create(tus::Create const& create) {
    CHECK(create.metadata.size() <= tus::metadata_bytes_max);
    CHECK(create.partials.size() <= tus::concatenated_max);
    if (!create.name.empty()) CHECK(checked_name(create.name) == create.name);
    tus::Told const told{"0123456789abcdef0123456789abcdef", tus::about(create), create.length,
                         ByteCount{0}, WallTime{}};
    check_reply(service_.resumed(request_, tus::created(told)));
    check_reply(service_.resumed(request_, tus::asked(told)));
  }

  Result<StoredFile> store(UploadRequest const& upload, std::string_view bytes) {
    Result<StoredFile> outcome = fail(Fault::io, "nothing came");
    gateway_.begin_upload(upload, [&](Result<std::unique_ptr<Upload>> begun) {
      if (!begun) {
        outcome = tl::unexpected(begun.error());
        return;
      }
      (*begun)->write(std::as_bytes(std::span{bytes.data(), bytes.size()}), [](Result<void>) {});
      (*begun)->finish([&](Result<StoredFile> result) { outcome = std::move(result); });
    });
    return outcome;
  }

  MemoryCredentials credentials_;
  MemoryGateway gateway_;
  Request const& request_;
  std::string_view body_;
  Service service_;
  bool asked_ = false;
};

// The head as it goes over a network; a Host is added when there is none.
std::string head_of(fuzz::Input& input) {
  std::string head = std::string{input.line()} + " HTTP/1.1\r\n";
  bool has_host = false;
  while (!input.empty()) {
    std::string const line{input.line()};
    if (line.empty()) break;
    has_host = has_host || line.starts_with("Host:");
    head += line + "\r\n";
  }
  return head + (has_host ? "\r\n" : "Host: localhost:7701\r\n\r\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  std::uint8_t const state = input.byte();
  std::string const head = head_of(input);
  RequestParser parser;
  auto const progress = parser.feed(std::as_bytes(std::span{head}));
  if (progress.state == ParseState::head) return 0;
  if (progress.state == ParseState::failed) {
    MemoryGateway gateway;
    check_reply(Service{gateway, {}}.malformed(parser.failure()));
    return 0;
  }
  Visit{state, parser.request(), input.rest()}.run();
  return 0;
}
