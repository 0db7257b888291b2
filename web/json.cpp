#include "web/json.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "web/http_date.hpp"

namespace chisme::web {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string text(OrderedJson const& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// Whether JSON has it as it is, as most names.
bool is_as_written(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

std::string expires_text(std::optional<WallTime> expires) {
  return expires ? R"(,"expires":")" + rfc3339(*expires) + '"' : std::string{};
}

// Lists have thousands of these, and are made on a loop that serves others: their rows are written
// without a tree of values.
std::string file_text(FileInfo const& file) {
  return R"({"name":)" + json_string(file.name) + R"(,"size":)" +
         std::to_string(file.size.value()) + R"(,"type":)" + json_string(file.type) +
         R"(,"sha256":")" + to_hex(file.digest) + R"(","version":)" + json_string(file.version) +
         R"(,"modified":")" + rfc3339(file.modified) + R"(","copies":)" +
         std::to_string(file.copies) + R"(,"wanted":)" + std::to_string(file.wanted) +
         expires_text(file.expires) + "}";
}

std::string incomplete_text(IncompleteFile const& file) {
  return R"({"name":)" + json_string(file.name) + R"(,"size":)" +
         std::to_string(file.size.value()) + R"(,"type":)" + json_string(file.type) +
         R"(,"modified":")" + rfc3339(file.begun) + R"(","copies":0,"incomplete":true})";
}

class ArrayText {
 public:
  void add(std::string_view value) {
    if (text_.size() > 1) text_ += ',';
    text_ += value;
  }
  [[nodiscard]] std::string take() && { return std::move(text_) + "]"; }

 private:
  std::string text_ = "[";
};

std::string file_array(std::span<FileInfo const> files) {
  ArrayText array;
  for (FileInfo const& file : files) array.add(file_text(file));
  return std::move(array).take();
}

std::string incomplete_array(std::span<IncompleteFile const> files) {
  ArrayText array;
  for (IncompleteFile const& file : files) array.add(incomplete_text(file));
  return std::move(array).take();
}

std::string next_text(std::optional<std::string> const& next) {
  return next ? json_string(*next) : "null";
}

OrderedJson stored_object(StoredFile const& stored) {
  OrderedJson object{{"name", stored.name},         {"version", stored.version},
                     {"size", stored.size.value()}, {"sha256", to_hex(stored.digest)},
                     {"copies", stored.copies},     {"wanted", stored.wanted}};
  if (stored.expires) object["expires"] = rfc3339(*stored.expires);
  return object;
}

OrderedJson replica_array(std::span<Replica const> replicas) {
  OrderedJson array = OrderedJson::array();
  for (Replica const& replica : replicas) {
    array.push_back(OrderedJson{{"node", to_string(replica.node)},
                                {"http", replica.http},
                                {"ws", "ws" + replica.http.substr(std::string_view("http").size())},
                                {"load", replica.load}});
  }
  return array;
}

OrderedJson member_object(MemberStatus const& member) {
  return OrderedJson{{"node", member.node},
                     {"http", member.http},
                     {"peer", member.peer},
                     {"state", member.state},
                     {"self", member.self},
                     {"draining", member.draining},
                     {"in_flight", member.in_flight},
                     {"load", member.load},
                     {"capacity", member.capacity},
                     {"bytes_per_second", member.bytes_per_second},
                     {"disk_used", member.disk_used_ratio},
                     {"health", member.health},
                     {"copies", member.files},
                     {"protocol", member.protocol}};
}

OrderedJson quota_array(std::span<PrefixUse const> uses) {
  OrderedJson quotas = OrderedJson::array();
  for (PrefixUse const& use : uses) {
    quotas.push_back(OrderedJson{
        {"prefix", use.prefix}, {"limit", use.limit.value()}, {"used", use.used.value()}});
  }
  return quotas;
}

OrderedJson cluster_object(ClusterStatus const& status) {
  OrderedJson members = OrderedJson::array();
  for (MemberStatus const& member : status.members) members.push_back(member_object(member));
  OrderedJson object{
      {"format", cluster_format},
      {"self", status.self},
      {"version", status.version},
      {"in_touch", status.in_touch},
      {"copies_wanted", status.copies_wanted},
      {"copies_durable", status.copies_durable},
      {"files", status.files},
      {"under_replicated", status.under_replicated},
      {"lost", status.lost},
      {"repairs_pending", status.repairs_pending},
      {"max_file_size",
       status.max_file_size ? OrderedJson(status.max_file_size->value()) : OrderedJson(nullptr)},
      {"room", status.room.value()},
      {"local", status.local},
      {"trash_seconds", std::chrono::duration<double>{status.trash}.count()},
      {"open_files_max", status.open_files_max},
      {"prefix_quotas", quota_array(status.prefix_quotas)},
      {"members", std::move(members)}};
  if (!status.fenced.empty()) object["fenced"] = status.fenced;
  return object;
}

std::string padded(long value, std::size_t width) {
  std::string const digits = std::to_string(value);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

}  // namespace

std::string to_json(FileInfo const& file) {
  return file_text(file);
}

std::string to_json(Listing const& listing, std::span<IncompleteFile const> incomplete) {
  ArrayText files;
  auto arriving = incomplete.begin();
  for (FileInfo const& file : listing.files) {
    for (; arriving != incomplete.end() && arriving->name <= file.name; ++arriving) {
      files.add(incomplete_text(*arriving));
    }
    files.add(file_text(file));
  }
  for (; arriving != incomplete.end(); ++arriving) files.add(incomplete_text(*arriving));
  return R"({"files":)" + std::move(files).take() + R"(,"next":)" + next_text(listing.next) + "}";
}

std::string to_json(FoundFiles const& found, std::optional<std::string> const& next,
                    std::span<IncompleteFile const> incomplete) {
  std::string const arriving =
      incomplete.empty() ? std::string{} : R"(,"incomplete":)" + incomplete_array(incomplete);
  return R"({"files":)" + file_array(found.files) + R"(,"next":)" + next_text(next) +
         R"(,"total":)" + std::to_string(found.total) + arriving + "}";
}

std::string to_json(StoredFile const& stored) {
  return text(stored_object(stored));
}

std::string to_json(std::span<StoredFile const> stored) {
  OrderedJson array = OrderedJson::array();
  for (StoredFile const& one : stored) array.push_back(stored_object(one));
  return text(OrderedJson{{"files", std::move(array)}});
}

std::string to_json(std::span<Replica const> replicas) {
  return text(replica_array(replicas));
}

std::string route_json(FileInfo const& file, std::span<Replica const> replicas) {
  return text(OrderedJson{{"file", file.name},
                          {"version", file.version},
                          {"size", file.size.value()},
                          {"type", file.type},
                          {"sha256", to_hex(file.digest)},
                          {"replicas", replica_array(replicas)}});
}

std::string to_json(ClusterStatus const& status) {
  return text(cluster_object(status));
}

std::string to_json(ScrubStatus const& status) {
  OrderedJson damaged = OrderedJson::array();
  for (Digest const& digest : status.damaged_first) damaged.push_back(to_hex(digest));
  return text(OrderedJson{{"running", status.running},
                          {"copies", status.copies},
                          {"checked", status.checked},
                          {"bytes", status.bytes.value()},
                          {"bytes_checked", status.bytes_checked.value()},
                          {"damaged", status.damaged},
                          {"damaged_sha256", std::move(damaged)}});
}

std::string state_json(ClusterStatus const& status, std::span<FileInfo const> files) {
  return R"({"type":"state","cluster":)" + to_json(status) + R"(,"files":)" + file_array(files) +
         "}";
}

std::string json_string(std::string_view value) {
  if (is_as_written(value)) return '"' + std::string{value} + '"';
  return text(OrderedJson(value));
}

std::string rfc3339(WallTime time) {
  auto const since_epoch = tellable(time).time_since_epoch();
  auto const days = std::chrono::floor<std::chrono::days>(since_epoch);
  std::chrono::year_month_day const date{std::chrono::sys_days{days}};
  std::chrono::hh_mm_ss const clock{since_epoch - days};
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<unsigned>(date.month()), 2) + "-" +
         padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(clock.hours().count(), 2) +
         ":" + padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2) + "." +
         padded(clock.subseconds().count(), 3) + "Z";
}

}  // namespace chisme::web
