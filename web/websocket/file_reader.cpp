#include "web/websocket/file_reader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "web/json.hpp"
#include "web/names.hpp"
#include "web/scheme.hpp"
#include "web/websocket/failure.hpp"

namespace chisme::web {

namespace {
constexpr std::size_t pending_max = 16;
constexpr std::uint64_t length_max = 16 << 20;
constexpr std::uint64_t message_bytes_max = 256 << 10;
constexpr std::uint64_t message_bytes_min = 16 << 10;
// A message that takes longer than this is too large for the client's pace.
constexpr auto slow_message = std::chrono::milliseconds(250);

std::string message_prefix(std::uint32_t id, std::uint64_t offset) {
  std::string prefix;
  for (int shift = 24; shift >= 0; shift -= 8) prefix += static_cast<char>(id >> shift);
  for (int shift = 56; shift >= 0; shift -= 8) prefix += static_cast<char>(offset >> shift);
  return prefix;
}

using Json = nlohmann::json;

std::optional<std::uint64_t> number(Json const& message, char const* key) {
  auto const found = message.find(key);
  if (found == message.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}
std::optional<std::string> string(Json const& message, char const* key) {
  auto const found = message.find(key);
  if (found == message.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}
std::optional<std::uint32_t> id_of(Json const& message) {
  auto const id = number(message, "id");
  if (!id || *id > 0xffffffff) return std::nullopt;
  return static_cast<std::uint32_t>(*id);
}
}  // namespace

FileReader::FileReader(std::shared_ptr<Channel> channel, Gateway& gateway, bool secure)
    : channel_(std::move(channel)),
      gateway_(gateway),
      secure_(secure),
      message_bytes_(message_bytes_max) {}

FileReader::~FileReader() = default;

void FileReader::text(std::string_view message) {
  auto const json = Json::parse(message, nullptr, /*allow_exceptions=*/false);
  auto const id = json.is_object() ? id_of(json) : std::nullopt;
  if (!id) {
    return close_with(*channel_, {Fault::invalid, "a message is a JSON object with a number `id`"});
  }
  auto const op = string(json, "op");
  if (op == "cancel") return cancel(*id);
  auto const file = string(json, "file");
  auto const offset = number(json, "offset");
  auto const length = number(json, "length");
  if (op != "read" || !file || !offset || !length || *length > length_max) {
    return refuse(*id, 400,
                  "a request is {id, op: read, file, version, offset, length} with a length of at "
                  "most 16 MiB",
                  nullptr);
  }
  // Names that are no user's, of parts of uploads, are nobody's to read.
  auto const name = checked_name(*file);
  if (!name) return refuse(*id, 400, name.error().message, nullptr);
  read({*id, *name, string(json, "version").value_or(""), *offset, *length});
}

void FileReader::read(Wanted const& wanted) {
  if (pending_.size() + asking_.size() >= pending_max) {
    return refuse(wanted.id, 429, "too many requests are pending on this connection", nullptr);
  }
  auto const found = gateway_.lookup(wanted.file);
  bool const known = found.status == LookupStatus::found;
  // The text order of versions is their order: the client has seen newer news of the file.
  bool const behind = known && found.file.version < wanted.version;
  if (known && !behind) return answer(wanted, found);
  asking_.insert(wanted.id);
  gateway_.lookup_everywhere(wanted.file,
                             [weak = weak_from_this(), wanted](Result<Lookup> const& everywhere) {
                               if (auto const self = weak.lock())
                                 self->others_answered(wanted, everywhere);
                             });
}

void FileReader::others_answered(Wanted const& wanted, Result<Lookup> const& found) {
  auto const asking = asking_.find(wanted.id);
  if (asking == asking_.end()) return;  // cancelled, or the connection is gone
  asking_.erase(asking);
  if (found) return answer(wanted, *found);
  refuse(wanted.id, status_of(found.error().fault), found.error().message, nullptr);
}

void FileReader::answer(Wanted const& wanted, Lookup const& found) {
  auto const& file = found.file;
  switch (found.status) {
    case LookupStatus::found:
      break;
    case LookupStatus::absent:
      return refuse(wanted.id, 404, "there is no such file", nullptr);
    case LookupStatus::lost:
      return refuse(wanted.id, 410, "no copy of the file exists", nullptr);
    case LookupStatus::out_of_touch:
      return refuse(wanted.id, 503, "this node does not know the file and is out of touch",
                    nullptr);
  }
  if (!wanted.version.empty() && wanted.version != file.version) {
    return refuse(wanted.id, 409, "the file has another version here", &file);
  }
  if (!file.local) return refuse(wanted.id, 421, "this node has no copy of the file", &file);
  if (wanted.offset > file.size.value()) {
    return refuse(wanted.id, 416, "the offset is past the end of the file", &file);
  }
  auto object = open(file);
  if (!object) {
    // The copy went a moment ago: the file itself is still there.
    bool const gone = object.error().fault == Fault::not_found;
    return refuse(wanted.id, gone ? 421 : status_of(object.error().fault), object.error().message,
                  &file);
  }
  gateway_.request_began();
  auto const left = std::min(wanted.length, file.size.value() - wanted.offset);
  pending_.push_back({wanted.id, std::move(*object), wanted.offset, left});
  if (!sending_) send_next();
}

Result<std::shared_ptr<OpenObject const>> FileReader::open(FileInfo const& file) {
  if (open_object_ && open_digest_ == file.digest) return open_object_;
  auto opened = gateway_.open(file.digest);
  if (opened) {
    open_object_ = *opened;
    open_digest_ = file.digest;
  }
  return opened;
}

void FileReader::cancel(std::uint32_t id) {
  asking_.erase(id);
  auto const removed = std::erase_if(pending_, [id](Pending const& it) { return it.id == id; });
  for (std::size_t i = 0; i < removed; ++i) gateway_.request_ended(false);
}

void FileReader::refuse(std::uint32_t id, unsigned status, std::string_view error,
                        FileInfo const* file) {
  auto const replicas = as_asked(file ? gateway_.replicas(*file) : std::vector<Replica>{}, secure_);
  channel_->send_text("{\"id\":" + std::to_string(id) + ",\"error\":" + json_string(error) +
                      ",\"status\":" + std::to_string(status) +
                      ",\"replicas\":" + to_json(std::span<Replica const>(replicas)) + "}");
}

// One message at a time is in the write queue, so that a pong never waits behind more than that.
void FileReader::send_next() {
  if (pending_.empty()) return;
  auto& next = pending_.front();
  auto const bytes = std::min(next.left, message_bytes_);
  auto const prefix = message_prefix(next.id, next.offset);
  sending_ = true;
  measure_pace();
  auto const object = next.object;
  auto const offset = next.offset;
  next.offset += bytes;
  next.left -= bytes;
  if (next.left == 0) {
    pending_.pop_front();
    gateway_.request_ended(false);
  }
  gateway_.delivered(ByteCount{bytes});
  if (bytes == 0) return channel_->send_binary(prefix);
  channel_->send_object(prefix, object, ByteOffset{offset}, ByteCount{bytes});
}

void FileReader::measure_pace() {
  slow_timer_ = channel_->after(slow_message, [weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self) return;
    self->message_bytes_ = std::max(self->message_bytes_ / 4, message_bytes_min);
    self->slow_timer_.reset();
  });
}

void FileReader::drained() {
  if (!sending_) return;
  sending_ = false;
  if (slow_timer_) message_bytes_ = std::min(message_bytes_ * 2, message_bytes_max);
  slow_timer_.reset();
  send_next();
}

void FileReader::binary(std::string, bool) {
  channel_->close(CloseCode::unsupported_data, "requests are text");
}

void FileReader::peer_closing(CloseCode) {
  channel_->answer_close();
}

void FileReader::closed() {
  for (std::size_t i = 0; i < pending_.size(); ++i) gateway_.request_ended(false);
  pending_.clear();
  asking_.clear();
  slow_timer_.reset();
}

}  // namespace chisme::web
